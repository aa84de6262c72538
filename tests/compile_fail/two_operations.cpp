// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: two operations given
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& values) {
#ifdef RONDO_CONTROL
  rondo::all_reduce(comm, values, rondo::op::max{}, rondo::ring{});
#else
  rondo::all_reduce(comm, values, rondo::op::max{}, rondo::op::sum{});
#endif
}
