// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace rondo::inline v0_1::pipeline {
namespace detail {

/// A rank, a stage or another number from 0 on, where containers are indexed by it.
[[nodiscard]] constexpr std::size_t index(int number) { return static_cast<std::size_t>(number); }

}  // namespace detail

/// Which rank holds which stage, and which stage follows which.
///
/// Stages form chains of equal length: data enters at the first stage of a chain and leaves at its
/// last. There is one chain, but for `mirrored`, which has two that hold the same parts of the
/// model.
class placement {
 public:
  constexpr placement() = default;

  /// `rank_of_stage[s]` is the rank of stage s; `chains` of equal length follow one another.
  constexpr placement(constant_vector<int> rank_of_stage, int ranks, int chains = 1)
      : rank_of_{std::move(rank_of_stage)}, ranks_{ranks}, chains_{chains} {
    if (chains < 1 || rank_of_.empty() || rank_of_.size() % static_cast<std::size_t>(chains)) {
      refuse("pipeline: placement: stages must form chains of equal length");
    }
    for (const int rank : rank_of_) {
      if (rank < 0 || rank >= ranks) {
        refuse("pipeline: placement: rank " + std::to_string(rank) + " is not in 0 .. " +
               std::to_string(ranks - 1));
      }
    }
  }

  [[nodiscard]] constexpr int ranks() const { return ranks_; }
  [[nodiscard]] constexpr int chains() const { return chains_; }
  [[nodiscard]] constexpr int stages() const { return static_cast<int>(rank_of_.size()); }

  /// Different parts of the model: the length of a chain.
  [[nodiscard]] constexpr int parts() const { return stages() / chains_; }

  /// The part of the model that a stage holds; two stages with one part are replicas.
  [[nodiscard]] constexpr int part_of(int stage) const { return stage % parts(); }

  [[nodiscard]] constexpr int rank_of(int stage) const { return rank_of_[detail::index(stage)]; }
  [[nodiscard]] constexpr bool is_first(int stage) const { return part_of(stage) == 0; }
  [[nodiscard]] constexpr bool is_last(int stage) const { return part_of(stage) == parts() - 1; }

  friend constexpr bool operator==(const placement&, const placement&) = default;

 private:
  constant_vector<int> rank_of_{};
  int ranks_ = 0;
  int chains_ = 1;
};

namespace detail {

/// A pass enters a chain at its first stage and leaves it at its last; backwards, the other way.
[[nodiscard]] constexpr bool enters_at(int stage, bool forward, const placement& where) {
  return forward ? where.is_first(stage) : where.is_last(stage);
}
[[nodiscard]] constexpr bool leaves_at(int stage, bool forward, const placement& where) {
  return enters_at(stage, !forward, where);
}
/// Where it goes from `stage`, unless it leaves there.
[[nodiscard]] constexpr int stage_after(int stage, bool forward) {
  return forward ? stage + 1 : stage - 1;
}

}  // namespace detail

/// Stage s on rank s mod ranks: 0 1 2 3 | 0 1 2 3.
[[nodiscard]] constexpr placement looped(int ranks, int chunks = 1) {
  constant_vector<int> rank_of;
  for (int stage = 0; stage < ranks * chunks; ++stage) {
    rank_of.push_back(stage % ranks);
  }
  return {std::move(rank_of), ranks};
}

/// Forth and back: 0 1 2 3 | 3 2 1 0. The stages at each turn lie on the same rank.
[[nodiscard]] constexpr placement vee(int ranks, int chunks = 2) {
  constant_vector<int> rank_of;
  for (int stage = 0; stage < ranks * chunks; ++stage) {
    const int step = stage % ranks;
    rank_of.push_back((stage / ranks) % 2 == 0 ? step : ranks - 1 - step);
  }
  return {std::move(rank_of), ranks};
}

/// Two chains in opposite directions, 0 1 2 3 and 3 2 1 0; each rank holds two parts of the model.
[[nodiscard]] constexpr placement mirrored(int ranks) {
  const placement both = vee(ranks, 2);
  constant_vector<int> rank_of;
  for (int stage = 0; stage < both.stages(); ++stage) {
    rank_of.push_back(both.rank_of(stage));
  }
  return {std::move(rank_of), ranks, 2};
}

}  // namespace rondo::inline v0_1::pipeline
