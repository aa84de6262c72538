// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstdint>

namespace rondo::inline v0_1 {

/// One layer of a transformer, as far as its activations go.
struct transformer_layer {
  std::int64_t sequence = 0;
  std::int64_t micro_batch = 1;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t feed_forward = 4 * hidden;
  friend constexpr bool operator==(const transformer_layer&, const transformer_layer&) = default;
};

/// What is computed again in the backward pass: nothing; the attention's scores, softmax and
/// dropout; everything but the layer's input.
enum class recomputed { nothing, attention_core, layer };
/// What tensor ranks hold of layer norms, dropouts and inputs between split blocks: all of it, or
/// (sequence parallelism) a share of the tokens.
enum class between_blocks { replicated, sequence_parallel };

/// Bytes of activations that a tensor rank keeps of one layer and micro-batch for its backward
/// pass, in 16-bit floats with one-byte masks, and scores kept as a whole (a flash kernel keeps
/// what `attention_core` says). With s, b, h, a, f as in `transformer_layer` and t ranks:
///
///     s b (10 h + (8 h + 4 f)/t + 5 a s/t)     sequence parallel: s b ((18 h + 4 f)/t + 5 a s/t)
///     attention_core: without 5 a s/t           layer: 2 s b h, and 1/t of it if sequence parallel
///
/// f = 4 h gives the paper's s b h (34 + 5 a s/h). What is split is to be divisible by t.
/// Source: Korthikanti et al., Reducing Activation Recomputation in Large Transformer Models
/// (2022), arXiv:2205.05198, section 4 and table 2.
[[nodiscard]] constexpr double activation_bytes(const transformer_layer& of, int tensor_ranks = 1,
                                                between_blocks between = between_blocks::replicated,
                                                recomputed again = recomputed::nothing) {
  const double t = tensor_ranks;
  const double tokens = static_cast<double>(of.sequence) * static_cast<double>(of.micro_batch);
  const double h = static_cast<double>(of.hidden);
  const double cut_between = between == between_blocks::sequence_parallel ? t : 1;
  if (again == recomputed::layer) {
    return 2 * tokens * h / cut_between;
  }
  const double blocks = 8 * h + 4 * static_cast<double>(of.feed_forward);
  const double scores = 5 * static_cast<double>(of.heads) * static_cast<double>(of.sequence);
  return tokens *
         (10 * h / cut_between + blocks / t + (again == recomputed::nothing ? scores / t : 0));
}

}  // namespace rondo::inline v0_1
