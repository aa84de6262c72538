// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: these ranks are GPUs; pass device_span\{pointer, count\} for memory of the
// needs: nccl
#include <rondo/nccl.hpp>

#include <vector>

void call(rondo::nccl::communicator& comm, std::vector<float>& values) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, rondo::device_span<float>{values.data(), values.size()});
#else
  rondo::all_reduce(comm, values);
#endif
}
