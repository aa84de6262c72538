// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: counts\{\} was made from a list that was a temporary, and is gone
#include <rondo/rondo.hpp>

#include <vector>

using list = std::vector<std::size_t>;

void call(rondo::threads::communicator& comm, std::vector<float>& in, std::vector<float>& out) {
#if defined(RONDO_CONTROL)
  const list each{1, 2};
  const rondo::counts kept{each};
  const rondo::counts copied{kept};
#else
  const rondo::counts copied{list{1, 2}};
#endif
  rondo::all_gather(comm, in, out, copied);
}
