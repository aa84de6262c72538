// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/heap.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <vector>

namespace rondo::inline v0_1::schedule::detail {

/// Both ends of a message: ranks, and steps of their programs.
struct message {
  int from = 0;
  std::size_t send = 0;
  int to = 0;
  std::size_t receive = 0;
};

/// All messages of a sound schedule, by sender and step.
[[nodiscard]] inline std::vector<message> messages_of(const table& schedule) {
  std::vector<message> sent;
  std::vector<message> received;
  for (int rank = 0; rank < schedule.size; ++rank) {
    const auto& steps = schedule.row(rank).steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].what == verb::send) {
        sent.push_back({rank, i, steps[i].peer, 0});
      } else if (is_message(steps[i].what)) {
        received.push_back({steps[i].peer, 0, rank, i});
      }
    }
  }
  const auto by_pair = [](const message& a, const message& b) {
    return a.from != b.from ? a.from < b.from
           : a.to != b.to   ? a.to < b.to
                            : a.send + a.receive < b.send + b.receive;  // one of which is 0
  };
  sort(sent.data(), sent.size(), by_pair);
  sort(received.data(), received.size(), by_pair);
  for (std::size_t i = 0; i < sent.size() && i < received.size(); ++i) {
    sent[i].receive = received[i].receive;
  }
  return sent;
}

}  // namespace rondo::inline v0_1::schedule::detail
