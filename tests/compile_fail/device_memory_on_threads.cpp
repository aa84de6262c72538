// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: these ranks do not reach device memory, and have no stream
#include <rondo/core/device_span.hpp>
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& values) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, values);
#else
  rondo::all_reduce(comm, rondo::device_span<float>{values.data(), values.size()});
#endif
}
