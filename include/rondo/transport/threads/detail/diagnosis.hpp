// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/transport/detail/diagnosis.hpp>
#include <rondo/transport/threads/detail/group.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rondo::inline v0_1::threads::detail {

/// A circle of ranks each waiting for the next. Exact: the stamps show that all were waiting while
/// their words were looked at, and a word is written only by the rank that is waited for.
inline bool find_circle(group& in, int self, std::uint32_t number) {
  struct link {
    int rank;
    std::uint64_t stamp;
  };
  const auto blocked = [&](int rank, link& seen, int& next) {
    const auto& w = in.of(rank).wait;
    seen = {rank, w.stamp.load(std::memory_order_acquire)};
    if (seen.stamp % 2 == 0) {
      return false;
    }
    next = w.peer.load(std::memory_order_acquire);
    const auto* word = w.word.load(std::memory_order_acquire);
    const auto value = w.value.load(std::memory_order_acquire);
    const bool differs = w.differs.load(std::memory_order_acquire);
    return next >= 0 && w.stamp.load(std::memory_order_relaxed) == seen.stamp &&
           (protocol::observe(*word) == value) == differs;
  };
  link seen{};
  int at = self;
  int next = -1;
  for (int step = 0; step < in.size(); ++step) {  // long enough a line leads into a circle
    if (!blocked(at, seen, next)) {
      return false;  // the usual end: nothing has been allocated
    }
    at = next;
  }
  std::vector<link> circle;
  const int first = at;
  do {
    if (static_cast<int>(circle.size()) == in.size() || !blocked(at, seen, next)) {
      return false;
    }
    circle.push_back(seen);
    at = next;
  } while (at != first);
  // Look again: nobody may have moved since.
  for (const link& before : circle) {
    if (!blocked(before.rank, seen, next) || seen.stamp != before.stamp) {
      return false;
    }
  }
  std::string text = "ranks wait for each other";
  for (const link& one : circle) {
    text += (one.rank == first ? ": " : "; ") + rondo::detail::account_of(in, one.rank, number);
  }
  in.fail(error_code::mismatch, first, text);
  return true;
}

/// The rank that everybody behind `peer` waits for: the end of the line, as far as it can be seen.
[[nodiscard]] inline int end_of_line(const group& in, int peer) {
  for (int step = 0; step < in.size(); ++step) {
    const auto& w = in.of(peer).wait;
    if (w.stamp.load(std::memory_order_acquire) % 2 == 0) {
      break;
    }
    peer = w.peer.load(std::memory_order_acquire);
  }
  return peer;
}

}  // namespace rondo::inline v0_1::threads::detail
