// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/action.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstdint>

namespace rondo::inline v0_1::pipeline {

/// Time in whole ticks, so that two ways to compute it agree exactly.
using ticks = std::int64_t;

/// What one action of each kind takes, the same for all stages and micro-batches. A stage cut into
/// chunks or slices has costs of one chunk or slice.
struct costs {
  ticks forward = 1;
  ticks backward_input = 1;
  ticks backward_weight = 1;
  ticks hop = 0;  ///< from the end of an action to the start of the next stage's, on another rank
  ticks backward = -1;    ///< both halves at once; -1: their sum
  ticks overlapped = -1;  ///< a forward and a backward together; -1: their sum

  /// Memory of one forward, in units of the caller's choice, and how much of it lives on from I to
  /// W.
  std::int64_t activation = 1;
  std::int64_t retained = 0;

  friend constexpr bool operator==(const costs&, const costs&) = default;

  [[nodiscard]] constexpr ticks time(const action& what) const {
    switch (what.kind) {
      case kind::forward:
        return forward;
      case kind::backward:
        return backward < 0 ? backward_input + backward_weight : backward;
      case kind::backward_input:
        return backward_input;
      case kind::backward_weight:
        return backward_weight;
      default:
        return 0;
    }
  }
  [[nodiscard]] constexpr ticks pair_time(const action& first, const action& second) const {
    return overlapped < 0 ? time(first) + time(second) : overlapped;
  }
  [[nodiscard]] constexpr ticks hop_time(const action&, int, int) const { return hop; }
  [[nodiscard]] constexpr std::int64_t activation_of(const action&) const { return activation; }
  [[nodiscard]] constexpr std::int64_t retained_of(const action&) const { return retained; }
};

/// Anything that prices actions and messages: uneven stages, micro-batches of different lengths,
/// slow links. `hop_time(producer, from, to)` is asked for messages between different ranks only.
/// A model may add `pair_time(first, second)`, `activation_of(forward)` and `retained_of(forward)`.
template <class Model>
concept cost_model = requires(const Model& model, const action& what, int rank) {
  { model.time(what) } -> std::convertible_to<ticks>;
  { model.hop_time(what, rank, rank) } -> std::convertible_to<ticks>;
};

namespace detail {

template <cost_model Model>
[[nodiscard]] constexpr ticks pair_time(const Model& model, const action& first,
                                        const action& second) {
  if constexpr (requires { model.pair_time(first, second); }) {
    return model.pair_time(first, second);
  } else {
    return model.time(first) + model.time(second);
  }
}

template <cost_model Model>
[[nodiscard]] constexpr std::int64_t activation_of(const Model& model, const action& what) {
  if constexpr (requires { model.activation_of(what); }) {
    return model.activation_of(what);
  } else {
    return 1;
  }
}

template <cost_model Model>
[[nodiscard]] constexpr std::int64_t retained_of(const Model& model, const action& what) {
  if constexpr (requires { model.retained_of(what); }) {
    return model.retained_of(what);
  } else {
    return 0;
  }
}

}  // namespace detail
}  // namespace rondo::inline v0_1::pipeline
