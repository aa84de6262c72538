// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: the operation takes numbers of another type
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& values) {
#ifdef RONDO_CONTROL
  rondo::all_reduce(comm, values, [](float a, float b) { return a + b; });
#else
  rondo::all_reduce(comm, values, [](int a, int b) { return a + b; });
#endif
}
