// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: this codec has no kernels; on GPUs use a codec made of blocks
// needs: nccl
// compilers: nvcc
#include <rondo/codec/integer.hpp>
#include <rondo/codec/top_k.hpp>
#include <rondo/nccl.hpp>

void call(rondo::nccl::communicator& comm, rondo::device_span<float> values, cudaStream_t stream) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, values, rondo::codec::int8<128>{}, rondo::on{stream});
#else
  rondo::all_reduce(comm, values, rondo::codec::top_k{}, rondo::on{stream});
#endif
}
