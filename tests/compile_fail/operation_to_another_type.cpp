// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: the operation returns numbers of another type
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& values) {
#ifdef RONDO_CONTROL
  rondo::all_reduce(comm, values, [](float a, float b) { return a < b ? 1.0F : 0.0F; });
#else
  rondo::all_reduce(comm, values, [](float a, float b) { return a < b ? 1 : 0; });
#endif
}
