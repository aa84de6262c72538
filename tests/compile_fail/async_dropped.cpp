// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: (ignoring return value|ignoring returned value).*(nodiscard|pending)
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& values) {
#ifdef RONDO_CONTROL
  auto pending = rondo::all_reduce(comm, values, rondo::async{});
  pending.wait();
#else
  rondo::all_reduce(comm, values, rondo::async{});  // waits at the end of this statement
#endif
}
