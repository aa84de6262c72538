// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: expert_parallel: what a pass keeps is where the values are: on GPUs expert_pass<
// expect-error: rondo: auxiliary_loss: on GPUs the loss stays there
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/experts/auxiliary_loss.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>

struct no_kernels {  // so that no nvcc is needed
  template <class Body>
  static void each(std::size_t, const Body&, cudaStream_t) {}
};
struct copying {
  void forward(std::size_t, rondo::matrix<const float>, rondo::matrix<float>) const {}
  void backward(std::size_t, rondo::matrix<const float>, rondo::matrix<const float>,
                rondo::matrix<float>) const {}
};
using gpus = rondo::team<rondo::layer_ranks<rondo::nccl::basic_communicator<no_kernels>>, "expert">;
#ifdef RONDO_CONTROL
using saved_in = rondo::expert_pass<float, rondo::cuda::buffer<float>>;
#else
using saved_in = rondo::expert_pass<float>;
#endif

void attempt(rondo::expert_parallel<gpus, copying>& experts, saved_in& pass,
             const rondo::routing<float>& chosen, const rondo::sharded<float, 0, "expert">& x) {
  experts.forward(pass, x, chosen, x);
}
#ifdef RONDO_CONTROL
void attempt(const gpus& ranks, const rondo::cut& tokens, rondo::matrix<float> probability,
             rondo::matrix<float> loss) {
  rondo::auxiliary_loss(ranks, tokens, probability, {}, 1.0F, probability, loss);
}
#else
float attempt(const gpus& ranks, const rondo::cut& tokens, rondo::matrix<float> probability) {
  return rondo::auxiliary_loss(ranks, tokens, probability, {}, 1.0F, probability);
}
#endif
