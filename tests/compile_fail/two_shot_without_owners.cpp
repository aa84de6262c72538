// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: all_to_all: this algorithm does not make it; use one_shot or bruck
// expect-error: rondo: gather: this algorithm does not make it; use tree or one_shot
// expect-error: rondo: scatter: this algorithm does not make it; use tree or one_shot
// expect-error: rondo: barrier: this algorithm does not make it; use bruck, tree or one_shot
#include <rondo/rondo.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using algorithm = rondo::one_shot;
#else
using algorithm = rondo::two_shot;
#endif

void call(rondo::threads::communicator& comm, std::vector<int>& in, std::vector<int>& out) {
  rondo::all_to_all(comm, in, out, algorithm{});
  rondo::gather(comm, in, out, algorithm{});
  rondo::scatter(comm, in, out, algorithm{});
  rondo::barrier(comm, algorithm{});
}
