// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: pass a communicator, then the buffers of this collective .*, then policies
#include <rondo/rondo.hpp>

#include <cstddef>
#include <span>

void call(rondo::threads::communicator& comm, float* values, std::size_t count) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, std::span{values, count});
#else
  rondo::all_reduce(comm, values, count);
#endif
}
