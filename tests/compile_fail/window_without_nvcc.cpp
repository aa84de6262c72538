// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: collectives over a window are kernels: compile this file with nvcc
// needs: nccl
#include <rondo/core/policies.hpp>
#include <rondo/rondo.hpp>
#include <rondo/transport/cuda/virtual_ranks.hpp>

void call(rondo::cuda::virtual_ranks& ranks, rondo::device_span<float> values) {
#if defined(RONDO_CONTROL)
  static_cast<void>(ranks.rank(0).on(nullptr));
  static_cast<void>(values);
#else
  rondo::all_reduce(ranks.rank(0), values, rondo::on{});
#endif
}
