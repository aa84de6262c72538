// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: these ranks have no collectives of their own to call; native.* goes with MPI
#include <rondo/rondo.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using algorithm = rondo::ring;
#else
using algorithm = rondo::native;
#endif

void call(rondo::threads::communicator& comm, std::vector<int>& values) {
  rondo::all_reduce(comm, values, algorithm{});
}
