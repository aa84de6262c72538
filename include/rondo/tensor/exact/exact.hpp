// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// Sums over a split dimension are folded in whatever order the collective has: the default.
struct any_order {
  friend bool operator==(const any_order&, const any_order&) = default;
};

/// Exact mode: the same bits as one rank, for every mesh.
///
/// A sum over features or over tokens is cut into leaves of a fixed number of global indices; the
/// terms of each leaf are computed on their own and folded by the balanced binary tree over the
/// leaves' global numbers, on whatever rank they are. The cut gives every rank whole leaves:
/// `cut::even(extent, ranks, exact.features)`.
///
/// What it asks of the user's products: the bits of an element depend on its row, its column and
/// the leaf alone, not on how many rows and columns there are around it.
struct exact {
  std::size_t features = 64;  ///< columns (of an activation) in a leaf
  std::size_t tokens = 64;    ///< rows in a leaf of a weight's gradient
  friend bool operator==(const exact&, const exact&) = default;
};

namespace detail {

template <class Order>
inline constexpr bool is_exact = std::is_same_v<Order, exact>;

template <class Order>
concept order_of_sums = is_exact<Order> || std::is_same_v<Order, any_order>;

/// One leaf that a rank holds: its global number, and its indices in the rank's memory.
struct held_leaf {
  std::size_t number;
  part local;
};

/// The leaves of `rank`, in memory order. Errors: a run that begins or ends inside a leaf.
[[nodiscard]] inline std::vector<held_leaf> leaves_of(const cut& division, int rank,
                                                      std::size_t leaf) {
  if (leaf == 0) {
    refuse("exact: leaves of 0 indices; pass at least 1", rank);
  }
  std::vector<held_leaf> all;
  std::size_t local = 0;
  for (const part run : division.runs(rank)) {
    const std::size_t end = run.first + run.count;
    if (run.first % leaf != 0 || (end % leaf != 0 && end != division.extent())) {
      refuse("exact: rank " + std::to_string(rank) + " holds indices " + std::to_string(run.first) +
                 " to " + std::to_string(end) + ", which part a leaf of " + std::to_string(leaf) +
                 "; cut with that granule, as in cut::even(extent, ranks, " + std::to_string(leaf) +
                 ")",
             rank);
    }
    for (std::size_t first = run.first; first < end; first += leaf) {
      const std::size_t count = end - first < leaf ? end - first : leaf;
      all.push_back({first / leaf, {local, count}});
      local += count;
    }
  }
  return all;
}

/// Which leaves each rank holds, as a cut of the leaves' numbers.
[[nodiscard]] inline cut leaf_cut(const cut& division, std::size_t leaf) {
  std::vector<std::vector<part>> runs(static_cast<std::size_t>(division.ranks()));
  for (int rank = 0; rank < division.ranks(); ++rank) {
    for (const held_leaf& one : leaves_of(division, rank, leaf)) {
      auto& held = runs[static_cast<std::size_t>(rank)];
      if (!held.empty() && held.back().first + held.back().count == one.number) {
        ++held.back().count;
      } else {
        held.push_back({one.number, 1});
      }
    }
  }
  const std::size_t rest = division.extent() % leaf;
  return {division.extent() / leaf + (rest != 0 ? 1 : 0), std::move(runs)};
}

}  // namespace detail
}  // namespace rondo::inline v0_1
