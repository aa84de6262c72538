// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: cross_entropy: logits are a shard of the vocabulary
#include "tensor_case.hpp"

#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>

void attempt(rondo::vocabulary_cross_entropy<tensor_ranks>& loss, std::span<const int> targets,
             std::span<float> losses, rondo::cross_entropy_saved<>& saved) {
#ifdef RONDO_CONTROL
  loss.forward(by_columns, targets, losses, saved);
#else
  loss.forward(all, targets, losses, saved);
#endif
}
