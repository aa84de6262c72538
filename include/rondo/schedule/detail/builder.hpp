// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <utility>

namespace rondo::inline v0_1::schedule::detail {

/// Writes a program step by step; every step goes into the round that `at` or `next_round` set.
class builder {
 public:
  constexpr explicit builder(int chunks) { written_.chunks = chunks; }

  constexpr void at(int round) { round_ = round; }
  constexpr void next_round() { ++round_; }
  [[nodiscard]] constexpr int round() const { return round_; }

  /// Scratch grows to `slot_count` chunks if it has fewer.
  constexpr void need_slots(int slot_count) {
    if (slot_count > written_.slot_count) {
      written_.slot_count = slot_count;
    }
  }
  constexpr void need_equal_chunks() { written_.uniform = true; }

  constexpr void send(run from, int peer) { add({verb::send, round_, peer, {}, from, {}}); }
  constexpr void receive(run into, int peer) { add({verb::receive, round_, peer, into, {}, {}}); }
  constexpr void receive_fold(run into, run left, run right, int peer) {
    add({verb::receive_fold, round_, peer, into, left, right});
  }
  constexpr void fold(run into, run left, run right) {
    add({verb::fold, round_, -1, into, left, right});
  }
  constexpr void copy(run into, run from) { add({verb::copy, round_, -1, into, from, {}}); }
  constexpr void add(const step& next) { written_.steps.push_back(next); }

  [[nodiscard]] constexpr program finish() { return std::move(written_); }

 private:
  program written_{};
  int round_ = 0;
};

/// `value` modulo `size`, never negative; `value` must be at least `-size` and below `2 * size`.
[[nodiscard]] constexpr int wrap(int value, int size) {
  return value < 0 ? value + size : value >= size ? value - size : value;
}

/// The least power of two that is not below `value`, and the greatest that is not above it.
[[nodiscard]] constexpr int power_of_two_from(int value) {
  int power = 1;
  while (power < value) {
    power *= 2;
  }
  return power;
}
[[nodiscard]] constexpr int power_of_two_within(int value) {
  int power = 1;
  while (power <= value / 2) {
    power *= 2;
  }
  return power;
}

}  // namespace rondo::inline v0_1::schedule::detail
