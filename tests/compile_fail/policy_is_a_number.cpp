// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: a policy must be an object such as op::sum
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& values) {
#ifdef RONDO_CONTROL
  rondo::broadcast(comm, values, rondo::root{2});
#else
  rondo::broadcast(comm, values, 2);
#endif
}
