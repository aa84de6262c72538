// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: all_reduce in place needs a writable buffer
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, const std::vector<float>& values,
          std::vector<float>& sums) {
#ifdef RONDO_CONTROL
  rondo::all_reduce(comm, values, sums);
#else
  static_cast<void>(sums);
  rondo::all_reduce(comm, values);
#endif
}
