// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <string>

namespace rondo::inline v0_1::pipeline {

/// The fewest forward steps of a backward pass over a chain of `layers` alike, if of their inputs
/// the first is kept and room for `spare` others: each layer's last forward, which keeps what its
/// backward needs, counts too.
///
///     layers + r layers - C(c + r, r - 1)
///     with c = spare + 1 and C(c + r - 1, c) < layers <= C(c + r, c)
///
/// Source: Griewank and Walther, Revolve (2000), doi:10.1145/347837.347846.
[[nodiscard]] constexpr std::int64_t recompute_steps(int layers, int spare) {
  if (layers < 1 || spare < 0) {
    refuse("recompute: " + std::to_string(layers) + " layers with " + std::to_string(spare) +
           " slots; expected one layer at least, and slots that are not negative");
  }
  const std::int64_t kept = std::int64_t{spare} + 1;
  std::int64_t repeats = 0;
  std::int64_t reach = 1;  // C(kept + repeats, kept): layers that so many repeats suffice for
  while (reach < layers) {
    ++repeats;
    reach = reach * (kept + repeats) / repeats;
  }
  return layers + repeats * layers - reach * repeats / (kept + 1);
}

/// The backward pass of a chain with the fewest forward steps: the calls that `chain` gets, in
/// order. The input of layer 0 lies in slot 0; there are `spare` more.
///
///     chain.keep(first, layer, from, to)   the input of `first` lies in slot `from`: go forward to
///                                          the input of `layer`, and keep it in slot `to`
///     chain.backward(first, layer, from)   go forward from there, keeping nothing, and make the
///                                          forward and the backward pass of `layer`
///
/// Layers are passed backward from the last to the first, each once; slots are used again.
/// Calls of `chain.keep` and `chain.backward` forward layers recompute_steps(layers, spare) times
/// in all. Time to decide: layers^2 at most.
template <class Chain>
constexpr void recompute(int layers, int spare, Chain&& chain) {
  static_cast<void>(recompute_steps(layers, spare));
  struct range {
    static constexpr void reverse(int first, int layers, int spare, int from, int to,
                                  Chain& chain) {
      while (spare > 0 && layers > 1) {
        int best = 1;
        const auto steps = [&](int length) {
          return length + recompute_steps(layers - length, spare - 1) +
                 recompute_steps(length, spare);
        };
        for (int length = 2; length < layers; ++length) {
          best = steps(length) < steps(best) ? length : best;
        }
        chain.keep(first, first + best, from, to);
        reverse(first + best, layers - best, spare - 1, to, to + 1, chain);
        layers = best;
      }
      for (int layer = first + layers; layer-- > first;) {
        chain.backward(first, layer, from);
      }
    }
  };
  range::reverse(0, layers, spare, 0, 1, chain);
}

/// Bytes that a chain of `layers` needs if the inputs of `segments` equal parts are kept, and one
/// part is computed again at a time: segments * input + ceil(layers / segments) * inner. `inner`:
/// what a layer keeps for its own backward pass. Errors: no part.
[[nodiscard]] constexpr std::int64_t segmented_bytes(int layers, int segments, std::int64_t input,
                                                     std::int64_t inner) {
  if (segments < 1) {
    refuse("recompute: " + std::to_string(layers) + " layers in " + std::to_string(segments) +
           " segments; expected one at least");
  }
  return segments * input + (layers / segments + (layers % segments != 0 ? 1 : 0)) * inner;
}

/// The number of parts that needs the fewest bytes; near sqrt(layers * inner / input).
/// Source: Chen et al., Training Deep Nets with Sublinear Memory Cost (2016), arXiv:1604.06174.
[[nodiscard]] constexpr int best_segments(int layers, std::int64_t input, std::int64_t inner) {
  if (layers < 1 || input < 0 || inner < 0) {
    refuse("recompute: " + std::to_string(layers) + " layers of " + std::to_string(input) +
           " and " + std::to_string(inner) + " bytes; expected one layer, and no negative sizes");
  }
  int best = 1;
  for (int segments = 2; segments <= layers; ++segments) {
    if (segmented_bytes(layers, segments, input, inner) <
        segmented_bytes(layers, best, input, inner)) {
      best = segments;
    }
  }
  return best;
}

}  // namespace rondo::inline v0_1::pipeline
