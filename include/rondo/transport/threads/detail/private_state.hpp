// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/threads/detail/channel.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rondo::inline v0_1::threads::detail {

/// How often to look again for a rank of another processor, where ranks share processors.
///
/// Where all wait for all, as long as it takes to give ours away and to get it back: who shares it
/// with us waits for that rank, too. With 8 bytes on 4 and 8 ranks, 2 cores, a call then takes 1.0
/// and 3.0 switches of context on each, which is as few as there can be, and not 1.5 and 3.5.
///
/// Who sends a message may wait for a rank that shares our processor. So for messages we look half
/// as often after each time in vain, and twice as often after any other: a ring of 4 and 8 ranks
/// takes 16 and 76 us instead of 45 and 207, and recursive doubling on 4 ranks stays at 3.0, which
/// was 5.3 with four looks (all on Zen 5, 2026-11-27).
inline constexpr int looks_across = 100;
inline constexpr int fewest_looks = 4;

/// What one rank keeps to itself about a communicator.
struct private_state {
  std::uint32_t number = 0;  ///< of the last collective call
  protocol::counters used{};
  int looks = looks_across;  ///< for a message from another processor: as many as paid lately
  std::vector<std::uint64_t> sent{};  ///< messages posted, by kind and peer
  std::vector<std::uint64_t> low{};   ///< first message not yet taken, by kind and peer
  struct lent {
    const envelope* slot;
    std::uint64_t number;  ///< 1 + number of the message
    int peer;
    traffic which;
  };
  std::vector<lent> unsettled{};             ///< offers whose bytes peers may still read
  std::vector<std::vector<listed>> lists{};  ///< `lists_lent` of them are on offer
  std::size_t lists_lent = 0;
  std::vector<std::size_t> due{};  ///< messages of a round, by peer

  /// A short message that a later one of another tag has overtaken.
  struct overtaken {
    message what;
    std::byte bytes[channel::eager_bytes];
  };
  /// By peer: all of them were sent before any that is in the channel still.
  std::vector<std::vector<overtaken>> aside{};

  [[nodiscard]] std::vector<overtaken>& aside_of(int peer) {
    if (aside.empty()) {
      aside.resize(sent.size() / 2);
    }
    return aside[static_cast<std::size_t>(peer)];
  }

  /// An empty list, whose elements stay where they are until `take_back`.
  [[nodiscard]] std::vector<listed>& next_list() {
    if (lists_lent == lists.size()) {
      lists.emplace_back();
    }
    auto& list = lists[lists_lent++];
    list.clear();
    return list;
  }

  /// Nobody reads any more what was on offer.
  void take_back() noexcept {
    unsettled.clear();
    lists_lent = 0;
  }
};

}  // namespace rondo::inline v0_1::threads::detail
