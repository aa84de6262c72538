// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: the operation cannot be called as .*op::sum.* needs? a \+ b
#include <rondo/rondo.hpp>

#include <vector>

struct extent {
  int longest = 0;
};

void call(rondo::threads::communicator& comm, std::vector<extent>& values) {
#ifdef RONDO_CONTROL
  rondo::all_reduce(comm, values, [](extent a, extent b) { return a.longest < b.longest ? b : a; });
#else
  rondo::all_reduce(comm, values);
#endif
}
