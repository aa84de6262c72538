// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: send needs to\{rank\}
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, const std::vector<float>& values) {
#ifdef RONDO_CONTROL
  rondo::send(comm, values, rondo::to{1});
#else
  rondo::send(comm, values, rondo::from{1});
#endif
}
