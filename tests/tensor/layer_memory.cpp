// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/layer_memory.hpp>

using rondo::activation_bytes;
using rondo::between_blocks;
using rondo::recomputed;
using rondo::transformer_layer;

namespace {

constexpr auto replicated = between_blocks::replicated;
constexpr auto sequence = between_blocks::sequence_parallel;
constexpr double gibi = 1024.0 * 1024 * 1024;

}  // namespace

TEST_CASE("layer_memory: bytes of a layer, as table 2 of Korthikanti et al. gives them") {
  constexpr transformer_layer layer{
      .sequence = 2048, .micro_batch = 3, .hidden = 1024, .heads = 16};
  const double sbh = 2048.0 * 3 * 1024;
  const double scores = 5.0 * 16 * 2048 / 1024;  // 5 a s / h
  CHECK(activation_bytes(layer) == sbh * (34 + scores));
  for (const int t : {1, 2, 4, 8}) {
    CHECK(activation_bytes(layer, t) == sbh * (10 + 24.0 / t + scores / t));
    CHECK(activation_bytes(layer, t, sequence) == sbh * (34.0 / t + scores / t));
    CHECK(activation_bytes(layer, t, replicated, recomputed::attention_core) ==
          sbh * (10 + 24.0 / t));
    CHECK(activation_bytes(layer, t, sequence, recomputed::attention_core) == sbh * 34 / t);
    CHECK(activation_bytes(layer, t, replicated, recomputed::layer) == 2 * sbh);
  }
  // Recomputing the attention's core saves 5 a s^2 b bytes.
  CHECK(activation_bytes(layer) -
            activation_bytes(layer, 1, replicated, recomputed::attention_core) ==
        5.0 * 16 * 2048 * 2048 * 3);
  // Another feed-forward width: s b (18 h + 4 f + 5 a s).
  transformer_layer narrow = layer;
  narrow.feed_forward = 2816;
  CHECK(activation_bytes(narrow) == 2048.0 * 3 * (18 * 1024 + 4 * 2816 + 5 * 16 * 2048));
}

TEST_CASE("layer_memory: a rank's activations in figure 1 of Korthikanti et al., to the last bit") {
  // 22B: 8 tensor ranks, one stage. 175B: 8 stages of 12 layers, three chunks interleaved, so that
  // the first rank holds 96 layers' worth times 1 + (p - 1) / (p m). In GiB; also in
  // calculon-ai/calculon, calculon/llm/validation.py.
  const auto gib = [](const transformer_layer& layer, double layers, between_blocks between,
                      recomputed again) {
    return activation_bytes(layer, 8, between, again) * layers / gibi;
  };
  constexpr transformer_layer of_22b{2048, 4, 6144, 64}, of_175b{2048, 1, 12288, 96};
  constexpr double layers_22b = 48, layers_175b = 96 * (1 + 7.0 / 24);
  CHECK(gib(of_22b, layers_22b, replicated, recomputed::nothing) == Approx(59.25).epsilon(1e-14));
  CHECK(gib(of_22b, layers_22b, sequence, recomputed::attention_core) ==
        Approx(9.5625).epsilon(1e-14));
  CHECK(gib(of_175b, layers_175b, replicated, recomputed::nothing) ==
        Approx(66.84375).epsilon(1e-14));
  CHECK(gib(of_175b, layers_175b, sequence, recomputed::attention_core) ==
        Approx(12.3515625).epsilon(1e-14));
}
