// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: mlp: all_reduce and sequence parallelism do not mix
#include "tensor_case.hpp"

#include <rondo/tensor/layers/mlp.hpp>

struct twice {
  float value(float x) const { return 2 * x; }
  float slope(float) const { return 2; }
};

void attempt(rondo::mlp<tensor_ranks, kernels, rondo::pointwise<twice>>& block) {
  rondo::mlp_saved<float> saved;
#ifdef RONDO_CONTROL
  block.forward(by_rows, {}, saved, by_rows);
#else
  block.forward(by_rows, {}, saved, all);
#endif
}
