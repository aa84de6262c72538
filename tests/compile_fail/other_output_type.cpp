// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: input and output must have the same element type
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& in, std::vector<float>& floats,
          std::vector<double>& doubles) {
#ifdef RONDO_CONTROL
  static_cast<void>(doubles);
  rondo::all_reduce(comm, in, floats);
#else
  static_cast<void>(floats);
  rondo::all_reduce(comm, in, doubles);
#endif
}
