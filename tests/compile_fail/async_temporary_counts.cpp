// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: async\{\}: a list of counts\{\} is a temporary, which would be gone before
#include <rondo/rondo.hpp>

#include <vector>

using list = std::vector<std::size_t>;

void call(rondo::threads::communicator& comm, std::vector<float>& in, std::vector<float>& out) {
  const list sent{1, 2};
#if defined(RONDO_CONTROL)
  const list received{2, 1};
  rondo::all_to_all(comm, in, out, rondo::counts{sent, received}, rondo::async{}).wait();
  rondo::all_to_all(comm, in, out, rondo::counts{sent, list{2, 1}});
  rondo::all_to_all(comm, in, out, rondo::counts{std::span{sent}, sent}, rondo::async{}).wait();
#else
  rondo::all_to_all(comm, in, out, rondo::counts{sent, list{2, 1}}, rondo::async{}).wait();
#endif
}
