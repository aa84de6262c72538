// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: cross_entropy: on GPUs, what is saved is in their memory: cross_entropy_saved<
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>

struct no_kernels {  // so that no nvcc is needed
  template <class Body>
  static void each(std::size_t, const Body&, cudaStream_t) {}
};
using gpus = rondo::team<rondo::layer_ranks<rondo::nccl::basic_communicator<no_kernels>>, "tensor">;
#ifdef RONDO_CONTROL
using saved_in = rondo::cuda::buffer<double>;
#else
using saved_in = std::vector<double>;
#endif

void attempt(rondo::vocabulary_cross_entropy<gpus>& loss, const rondo::sharded<float, 1>& logits,
             std::span<const int> targets, std::span<float> losses,
             rondo::cross_entropy_saved<saved_in>& saved) {
  loss.forward(logits, targets, losses, saved);
}
