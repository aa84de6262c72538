// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: mlp: on GPUs, what is saved is in their memory
// expect-error: rondo: mlp: pointwise and gated run on the host
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/layers/mlp.hpp>

#include "tensor_case.hpp"

struct users_activation {
  static constexpr int parts = 1;
  void forward(rondo::matrix<const float>, rondo::matrix<float>) const {}
  void backward(rondo::matrix<const float>, rondo::matrix<const float>,
                rondo::matrix<float>) const {}
};
struct identity {
  static float value(float x) { return x; }
  static float slope(float) { return 1; }
};

#ifdef RONDO_CONTROL
using activation = users_activation;
using saved_type = rondo::mlp_saved<float, rondo::cuda::buffer<float>>;
#else
using activation = rondo::pointwise<identity>;
using saved_type = rondo::mlp_saved<float>;
#endif
using gpus = rondo::team<rondo::layer_ranks<rondo::nccl::communicator>, "tensor">;

void attempt(rondo::mlp<gpus, kernels, activation>& block, saved_type& saved) {
  block.forward(all, {{view}, {view}}, saved, all);
}
