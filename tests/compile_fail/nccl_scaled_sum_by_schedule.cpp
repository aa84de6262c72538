// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: nccl::scaled_sum is NCCL's own: leave out the algorithm
// compilers: nvcc
// needs: nccl
#include <rondo/nccl.hpp>

void call(rondo::nccl::communicator& comm, rondo::device_span<float> values, cudaStream_t stream) {
  const rondo::nccl::scaled_sum<float> half{0.5f};
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, values, half, rondo::on{stream});
#else
  rondo::all_reduce(comm, values, half, rondo::two_shot{}, rondo::on{stream});
#endif
}
