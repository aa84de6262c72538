// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/builder.hpp>
#include <rondo/version.hpp>

#include <bit>

namespace rondo::inline v0_1::schedule::detail {

/// A power of two of members, each of which stands for itself or for a pair of neighbours.
///
///     ranks     0 1 | 2 3 | 4 | 5      6 ranks, 4 members: the odd rank of a pair is the member,
///     members    0     1    2   3      the even one hands over before and is served afterwards
///
/// Members m .. m + k - 1 stand for the consecutive ranks first(m) .. first(m + k) - 1, so that
/// folds between neighbouring members keep the rank order.
struct power_of_two_group {
  int members;
  int pairs;

  constexpr explicit power_of_two_group(int size)
      : members{power_of_two_within(size)}, pairs{size - members} {}

  /// In which each member meets another one, to hear of all.
  [[nodiscard]] constexpr int rounds() const {
    return std::countr_zero(static_cast<unsigned>(members));
  }
  [[nodiscard]] constexpr bool paired(int rank) const { return rank < 2 * pairs; }
  [[nodiscard]] constexpr bool hands_over(int rank) const { return paired(rank) && rank % 2 == 0; }
  [[nodiscard]] constexpr int member(int rank) const {
    return paired(rank) ? rank / 2 : rank - pairs;
  }
  [[nodiscard]] constexpr int rank(int member) const {
    return member < pairs ? 2 * member + 1 : member + pairs;
  }
  [[nodiscard]] constexpr int first(int member) const {
    return member < pairs ? 2 * member : member + pairs;
  }
};

}  // namespace rondo::inline v0_1::schedule::detail
