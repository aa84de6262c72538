// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/transport/threads/group.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

/// Why does nobody come? Asked once a millisecond by a rank that has waited for long; costs the fast
/// path nothing but the records it reads.
namespace rondo::inline v0_1::threads {

/// What rank `rank` said last about itself.
[[nodiscard]] inline std::string account_of(const group& in, int rank, std::uint32_t number) {
  call made;
  const auto& member = in.of(rank);
  std::string text = "rank " + std::to_string(rank) + ' ';
  const auto word = member.calls[number % group::records_kept].read(made);
  if (word >> 32 == number) {
    return text + "is in call " + std::to_string(number) + ", " + made.describe();
  }
  if (in.presence_of(rank) == presence::returned) {
    return text + "has returned without it";
  }
  if (member.message.read(made) != 0) {
    return text + "is in " + made.describe();
  }
  for (std::uint32_t back = 1; back < group::records_kept && back < number; ++back) {
    const auto older = number - back;
    if (member.calls[older % group::records_kept].read(made) >> 32 == older) {
      return text + "has not come; its last call was " + made.describe();
    }
  }
  return text + "has not made any call yet";
}

/// Ranks that called something else under the number of our call. Ends the communicator and returns
/// true if there are any.
inline bool find_disagreement(group& in, int self, std::uint64_t word) {
  const auto number = static_cast<std::uint32_t>(word >> 32);
  const auto disagrees = [&](int rank, bool& came) {
    call made;
    const auto theirs = in.of(rank).calls[number % group::records_kept].read(made);
    came = theirs >> 32 == number;
    return came && theirs != word;
  };
  bool came = false;
  bool found = false;
  for (int rank = 0; rank < in.size(); ++rank) {
    found = found || disagrees(rank, came);
  }
  if (!found) {
    return false;
  }
  // The odd one out is easier to name when more ranks have come: give them a moment.
  for (int patience = 0; patience < 20; ++patience) {
    int arrived = 0;
    for (int rank = 0; rank < in.size(); ++rank) {
      static_cast<void>(disagrees(rank, came));
      arrived += came ? 1 : 0;
    }
    if (arrived == in.size()) {
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  std::vector<std::uint64_t> words(static_cast<std::size_t>(in.size()), 0);
  std::vector<int> votes(words.size(), 0);
  for (int rank = 0; rank < in.size(); ++rank) {
    call made;
    const auto theirs = in.of(rank).calls[number % group::records_kept].read(made);
    words[static_cast<std::size_t>(rank)] = theirs >> 32 == number ? theirs : 0;
  }
  for (std::size_t a = 0; a < words.size(); ++a) {
    for (const auto other : words) {
      votes[a] += words[a] != 0 && other == words[a] ? 1 : 0;
    }
  }
  // Expected is what most ranks called (on a tie, what the lowest rank called).
  std::size_t usual = words[0] != 0 ? 0 : static_cast<std::size_t>(self);
  for (std::size_t rank = 0; rank < words.size(); ++rank) {
    usual = votes[rank] > votes[usual] ? rank : usual;
  }
  std::size_t odd = 0;
  while (odd < words.size() && (words[odd] == 0 || words[odd] == words[usual])) {
    ++odd;
  }
  if (odd == words.size()) {
    return false;
  }
  call expected;
  call got;
  static_cast<void>(in.of(static_cast<int>(usual)).calls[number % group::records_kept].read(expected));
  static_cast<void>(in.of(static_cast<int>(odd)).calls[number % group::records_kept].read(got));
  in.fail(error_code::mismatch, static_cast<int>(odd),
          "ranks disagree about call " + std::to_string(number) + ": got " + got.describe() +
              " on rank " + std::to_string(odd) + ", expected " + expected.describe() +
              " as on rank " + std::to_string(usual) +
              (got.describe() == expected.describe()
                   ? ", with other counts or parameters of the algorithm"
                   : "") +
              "; every rank must make the same calls in the same order");
  return true;
}

/// A circle of ranks each waiting for the next. Exact: the stamps show that all were waiting while
/// their words were looked at, and a word is written only by the rank that is waited for.
inline bool find_circle(group& in, int self, std::uint32_t number) {
  struct link {
    int rank;
    std::uint64_t stamp;
  };
  std::vector<link> path;
  int at = self;
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
    return w.stamp.load(std::memory_order_relaxed) == seen.stamp &&
           (protocol::observe(*word) == value) == differs;
  };
  std::size_t first = 0;
  for (bool closed = false; !closed;) {
    link seen{};
    int next = -1;
    if (!blocked(at, seen, next) || next < 0) {
      return false;
    }
    path.push_back(seen);
    for (first = 0; first < path.size() && path[first].rank != next; ++first) {
    }
    closed = first < path.size();
    at = next;
  }
  // Look again: nobody may have moved since.
  for (std::size_t i = first; i < path.size(); ++i) {
    link seen{};
    int next = -1;
    if (!blocked(path[i].rank, seen, next) || seen.stamp != path[i].stamp) {
      return false;
    }
  }
  std::string text = "ranks wait for each other: ";
  for (std::size_t i = first; i < path.size(); ++i) {
    text += account_of(in, path[i].rank, number);
    text += i + 1 < path.size() ? "; " : "";
  }
  in.fail(error_code::mismatch, path[first].rank, text);
  return true;
}

/// A rank that will never come because its body has returned.
inline bool find_absence(group& in, int peer, std::uint32_t number, const call& mine) {
  if (in.presence_of(peer) != presence::returned) {
    return false;
  }
  in.fail(error_code::mismatch, peer,
          "rank " + std::to_string(peer) + " returned from its body without " + mine.describe() +
              " (call " + std::to_string(number) + "), which other ranks are in");
  return true;
}

}  // namespace rondo::inline v0_1::threads
