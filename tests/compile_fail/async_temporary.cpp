// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: async\{\}: a buffer is a temporary, which would be gone before wait\(\) returns
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& values) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, std::span{values}, rondo::async{}).wait();
#else
  rondo::all_reduce(comm, std::vector<float>{values}, rondo::async{}).wait();
#endif
}
