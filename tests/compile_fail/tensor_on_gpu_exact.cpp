// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: tree_sum: leaves are added where they are: on GPUs by tree_sum<T, cuda::buffer
// expect-error: rondo: tree_exchange: sums are where these ranks have their memory: on GPUs tree_sum<T
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>

struct no_kernels {  // so that no nvcc is needed
  template <class Body>
  static void each(std::size_t, const Body&, cudaStream_t) {}
};
using gpus = rondo::team<rondo::layer_ranks<rondo::nccl::basic_communicator<no_kernels>>, "tensor">;
#ifdef RONDO_CONTROL
using leaf_sums = rondo::tree_sum<float, rondo::cuda::buffer<float>>;
#else
using leaf_sums = rondo::tree_sum<float>;
#endif

void attempt(const gpus& tensor, rondo::tree_exchange& leaves, leaf_sums& sums,
             const rondo::replicated<float>& all) {
  sums.put(7, tensor.memory());
  leaves.reduce(tensor, sums, all);
}
