// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: this collective does not take counts\{\}
#include <rondo/rondo.hpp>

#include <cstddef>
#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& values,
          const std::vector<std::size_t>& each) {
#ifdef RONDO_CONTROL
  static_cast<void>(each);
  rondo::all_reduce(comm, values);
#else
  rondo::all_reduce(comm, values, rondo::counts{each});
#endif
}
