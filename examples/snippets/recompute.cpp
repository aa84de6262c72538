// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/pipeline/recompute.hpp>
#include <rondo/tensor/layer_memory.hpp>

#include <cstdio>

namespace pipeline = rondo::pipeline;

namespace {

// begin: chain
struct chain {
  void keep(int first, int layer, int from, int to) {
    std::printf("slot %d: layers %d .. %d, into slot %d\n", from, first, layer - 1, to);
  }
  void backward(int first, int layer, int from) {
    std::printf("slot %d: layers %d .. %d, then layer %d backward\n", from, first, layer, layer);
  }
};
// end: chain

}  // namespace

int main() {
  // begin: recompute
  static_assert(pipeline::recompute_steps(16, 0) == 136);  // forward steps with the input alone
  static_assert(pipeline::recompute_steps(16, 3) == 43);   // and three slots
  pipeline::recompute(16, 3, chain{});                     // the calls that take 43
  // end: recompute

  // begin: layer
  constexpr rondo::transformer_layer gpt3{.sequence = 2048, .hidden = 12288, .heads = 96};
  constexpr auto parallel = rondo::between_blocks::sequence_parallel;
  const double kept =
      rondo::activation_bytes(gpt3, 8, parallel);  // 0.36 GB a layer and micro-batch
  const double less =
      rondo::activation_bytes(gpt3, 8, parallel, rondo::recomputed::attention_core);  // 0.11 GB
  // end: layer
  check(kept > 3.5e8 && less < 1.1e8, "with and without the attention's scores");
}
