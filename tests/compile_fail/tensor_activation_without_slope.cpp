// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: an activation's function needs value\(x\) and slope\(x\), its derivative
#include "tensor_case.hpp"

#include <rondo/tensor/layers/mlp.hpp>

struct relu {
  static float value(float x) { return x > 0 ? x : 0; }
#ifdef RONDO_CONTROL
  static float slope(float x) { return x > 0 ? 1 : 0; }
#endif
};

void attempt(rondo::mlp<tensor_ranks, kernels, rondo::pointwise<relu>>& block,
             const rondo::mlp_weights<float>& weights, rondo::mlp_saved<float>& saved) {
  block.forward(all, weights, saved, all);
}
