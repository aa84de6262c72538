// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/pipeline/action.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

namespace rondo::inline v0_1::pipeline {

/// Time in whole ticks, so that two ways to compute it agree exactly.
using ticks = std::int64_t;

/// The most that a model may ask for one action, one hop or one activation: 4.9 hours in
/// nanoseconds, and a quarter of a million of them add up without overflow.
inline constexpr ticks most_ticks = ticks{1} << 44;

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
  /// W: all of it at most, or it is refused; what I adds for W (output gradients) is not counted.
  std::int64_t activation = 1;
  std::int64_t retained = 0;

  friend constexpr bool operator==(const costs&, const costs&) = default;

  [[nodiscard]] constexpr ticks time(const action& what) const {
    switch (what.kind) {
      case kind::forward:
        return forward;
      case kind::backward:
        return backward == -1 ? sum(backward_input, backward_weight) : backward;
      case kind::backward_input:
        return backward_input;
      case kind::backward_weight:
        return backward_weight;
      default:
        return 0;
    }
  }
  [[nodiscard]] constexpr ticks pair_time(const action& first, const action& second) const {
    return overlapped == -1 ? sum(time(first), time(second)) : overlapped;
  }
  [[nodiscard]] constexpr ticks hop_time(const action&, int, int) const { return hop; }
  [[nodiscard]] constexpr std::int64_t activation_of(const action&) const { return activation; }
  [[nodiscard]] constexpr std::int64_t retained_of(const action&) const { return retained; }

 private:
  /// Of what is refused, one part stands for both.
  [[nodiscard]] static constexpr ticks sum(ticks a, ticks b) {
    const bool fine = a >= 0 && a <= most_ticks && b >= 0 && b <= most_ticks;
    return fine ? a + b : a < 0 || a > most_ticks ? a : b;
  }
};

/// Anything that prices actions and messages: uneven stages, micro-batches of different lengths,
/// slow links. `hop_time(producer, from, to)` is asked for messages between different ranks only.
/// A model may add `pair_time(first, second)`, `activation_of(forward)` and `retained_of(forward)`.
/// What is not from 0 to `most_ticks`, or no number, is refused by all who ask.
template <class Model>
concept cost_model = requires(const Model& model, const action& what, int rank) {
  { model.time(what) } -> std::convertible_to<ticks>;
  { model.hop_time(what, rank, rank) } -> std::convertible_to<ticks>;
};

namespace detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_cost(const char* which, const action& of,
                                                               const std::string& got) {
  constexpr const char* letters[] = {"F", "B", "I", "W"};
  const auto kind = static_cast<unsigned>(of.kind);
  refuse("pipeline: costs: the " + std::string{which} + " of " + std::to_string(of.stage) +
         (kind < 4 ? letters[kind] : "?") + std::to_string(of.micro_batch) + " is " + got +
         "; a model gives numbers from 0 to " + std::to_string(most_ticks));
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_part(const action& of, std::int64_t kept,
                                                               std::int64_t whole) {
  refuse("pipeline: costs: the retained part of " + to_text(of) + " is " + std::to_string(kept) +
         ", but its activation " + std::to_string(whole) + "; a part is all of it at most");
}

/// What a model says, as whole ticks.
template <class Value>
[[nodiscard]] constexpr ticks checked_cost(const char* which, const action& of,
                                           const Value& value) {
  using number = std::conditional_t<std::is_floating_point_v<Value>, Value, ticks>;
  const auto asked = static_cast<number>(value);
  if (!(asked >= 0 && asked <= static_cast<number>(most_ticks))) {  // true of no NaN
    refuse_cost(which, of, std::to_string(asked));
  }
  return static_cast<ticks>(asked);
}

template <cost_model Model>
[[nodiscard]] constexpr ticks time_of(const Model& model, const action& what) {
  return checked_cost("time", what, model.time(what));
}
template <cost_model Model>
[[nodiscard]] constexpr ticks hop_of(const Model& model, const action& what, int from, int to) {
  return checked_cost("hop", what, model.hop_time(what, from, to));
}

template <cost_model Model>
[[nodiscard]] constexpr ticks pair_time(const Model& model, const action& first,
                                        const action& second) {
  if constexpr (requires { model.pair_time(first, second); }) {
    return checked_cost("pair_time", first, model.pair_time(first, second));
  } else {
    return time_of(model, first) + time_of(model, second);
  }
}

template <cost_model Model>
[[nodiscard]] constexpr std::int64_t activation_of(const Model& model, const action& what) {
  if constexpr (requires { model.activation_of(what); }) {
    return checked_cost("activation", what, model.activation_of(what));
  } else {
    return 1;
  }
}

template <cost_model Model>
[[nodiscard]] constexpr std::int64_t retained_of(const Model& model, const action& what) {
  if constexpr (requires { model.retained_of(what); }) {
    const std::int64_t kept = checked_cost("retained part", what, model.retained_of(what));
    if (const std::int64_t whole = activation_of(model, what); kept > whole) {
      refuse_part(what, kept, whole);
    }
    return kept;
  } else {
    return 0;
  }
}

}  // namespace detail
}  // namespace rondo::inline v0_1::pipeline
