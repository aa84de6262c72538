// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: ranks of several nodes make all_reduce, reduce_scatter, all_gather
// compilers: nvcc
// needs: nccl
#include <rondo/collective/nccl/nodes.cuh>
#include <rondo/cuda.cuh>
#include <rondo/nccl.hpp>

void call(rondo::nccl::nodes& ranks, rondo::device_span<float> values, cudaStream_t stream) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(ranks, values, rondo::on{stream});
#else
  rondo::reduce(ranks, values, values, rondo::root{0}, rondo::on{stream});
#endif
}
