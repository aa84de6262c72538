// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

/// What a data-parallel rank holds and sends of a model of so many parameters. Numbers are double:
/// they are large, and a share need not be whole (the largest rank holds the next whole number).
/// Source: Rajbhandari et al., ZeRO (2020), arXiv:1910.02054, sections 3.1, 5 and 7.
namespace rondo::inline v0_1::data {

/// What is cut over the ranks instead of held by all: ZeRO's stages 0, 1, 2 and 3.
enum class sharded { nothing, optimizer, gradients, parameters };

/// Bytes of one parameter. The default is mixed precision with Adam: 16-bit values and gradients,
/// and in 32 bits a copy of the value, momentum and variance.
struct state_bytes {
  double parameter = 2;
  double gradient = 2;
  double optimizer = 12;

  /// Bytes that one of so many ranks holds of it.
  [[nodiscard]] constexpr double of_rank(int ranks, sharded what) const {
    const auto cut = [&](double bytes, sharded from) {
      return what >= from ? bytes / ranks : bytes;
    };
    return cut(parameter, sharded::parameters) + cut(gradient, sharded::gradients) +
           cut(optimizer, sharded::optimizer);
  }
  friend constexpr bool operator==(const state_bytes&, const state_bytes&) = default;
};

/// Bytes that each of so many ranks holds for parameters, gradients and optimizer; activations and
/// buffers come on top.
[[nodiscard]] constexpr double bytes_held(double parameters, int ranks, sharded what,
                                          state_bytes each = {}) {
  return parameters * each.of_rank(ranks, what);
}

/// The most parameters whose states fit so many bytes of each rank.
[[nodiscard]] constexpr double parameters_that_fit(double bytes, int ranks, sharded what,
                                                   state_bytes each = {}) {
  return bytes / each.of_rank(ranks, what);
}

/// Elements that a rank sends in a step: (n-1)/n of the model for each reduce_scatter and
/// all_gather. Gradients are reduced and parameters gathered once each (an all_reduce is just
/// that); sharded parameters are gathered twice, for the forward and for the backward pass.
[[nodiscard]] constexpr double elements_sent(double parameters, int ranks, sharded what) {
  const int passes = what == sharded::parameters ? 3 : 2;
  return passes * (parameters * (ranks - 1) / ranks);
}

}  // namespace rondo::inline v0_1::data
