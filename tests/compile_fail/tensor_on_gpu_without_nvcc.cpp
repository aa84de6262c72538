// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: .*a layer adds something itself, so kernels do part of the work: compile this
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>

using gpus = rondo::team<rondo::layer_ranks<rondo::nccl::communicator>, "tensor">;

void attempt(const gpus& tensor, const rondo::cut& words, std::span<const int> tokens,
             rondo::matrix<const float> table, rondo::matrix<float> y) {
  rondo::vocabulary_embedding layer{tensor, words};  // making it needs no kernel
#ifndef RONDO_CONTROL
  layer.forward(tokens, table, rondo::replicated<float>{y});
#endif
  static_cast<void>(tokens);
  static_cast<void>(table);
  static_cast<void>(y);
}
