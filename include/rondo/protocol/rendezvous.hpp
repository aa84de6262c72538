// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

namespace detail {

/// A pointer of rank `rank`, as this rank sees the same memory: where address spaces differ, the
/// peer memory has `seen_here(rank, pointer)`.
template <class Peers, class T>
RONDO_HOST_DEVICE T* seen_here(Peers& peers, int rank, T* pointer) {
  if constexpr (requires { peers.seen_here(rank, pointer); }) {
    return peers.seen_here(rank, pointer);
  } else {
    static_cast<void>(rank);
    return pointer;
  }
}

}  // namespace detail

/// Shows every rank where this rank's buffers are; true when every rank has shown its own.
/// Two banks in turn (`used().entries`): a rank whose share others did may still look for entries
/// when they are in the next call. Synchronises the group. Cost: one latency.
template <cooperative Group, peer_memory Peers>
RONDO_HOST_DEVICE bool enter(Group& group, Peers& peers, unsigned bank, const void* input,
                             void* output) {
  group.sync();
  return meet(
      group, peers, [=](pad& of) -> std::uint64_t& { return of.entered[bank].word; },
      [&](pad& to) {
        to.entered[bank].input = input;
        to.entered[bank].output = output;
      });
}

/// What rank `rank` has shown, as this rank sees the same memory.
template <peer_memory Peers>
[[nodiscard]] RONDO_HOST_DEVICE const void* input_of(Peers& peers, unsigned bank, int rank) {
  return detail::seen_here(peers, rank, peers.pad(rank).entered[bank].input);
}
template <peer_memory Peers>
[[nodiscard]] RONDO_HOST_DEVICE void* output_of(Peers& peers, unsigned bank, int rank) {
  return detail::seen_here(peers, rank, peers.pad(rank).entered[bank].output);
}

namespace detail {

/// Claims of shares, for ranks that share processors: `number` is that of the rendezvous.
template <class Peers>
class share_claims {
 public:
  share_claims(Peers& peers, std::uint32_t number) : peers_{peers}, number_{number} {}

  /// True for the first rank that asks for the share of rank `rank`.
  [[nodiscard]] bool claim(int rank) const {
    std::uint64_t& word = peers_.pad(rank).left.claim;
    const std::uint64_t seen = peek_word(&word);
    return seen >> 32 != number_ &&
           replace_word(word, seen, call_word(number_, static_cast<std::uint32_t>(peers_.rank())));
  }

  /// Who does the share of rank `rank`, as far as is known.
  [[nodiscard]] int doer_for(int rank) const {
    const std::uint64_t seen = peek_word(&peers_.pad(rank).left.claim);
    return seen >> 32 == number_ ? static_cast<int>(static_cast<std::uint32_t>(seen)) : rank;
  }

 private:
  Peers& peers_;
  std::uint32_t number_;
};

/// All shares of ranks on this processor that nobody has begun, first this rank's own. The last to
/// come does them all: the others need not wake up for it, which saves a round of context switches.
template <class Peers, class DoShare>
bool do_shares_here(Peers& peers, std::uint32_t number, const DoShare& do_share) {
  const share_claims claims{peers, number};
  const auto left = [&](int rank) -> std::uint64_t& { return peers.pad(rank).left.word; };
  for (int step = 0; step < peers.size(); ++step) {
    const int rank = rank_after(peers.rank(), step, peers.size());
    if ((step == 0 || peers.beside(rank)) && claims.claim(rank)) {
      do_share(rank);
      publish(left(rank), peers.word());
    }
  }
  const auto doer_for = [&](int rank) { return claims.doer_for(rank); };
  one_thread alone;
  return wait_for_all(alone, peers, left, doer_for) &&
         peers.wait(doer_for(peers.rank()), left(peers.rank()));
}

}  // namespace detail

/// Whose hands may do a rank's share of a rendezvous. The same on all ranks.
enum class hands { own, any };

/// Shows every rank where every rank's buffers are, and returns when the shares of all ranks are
/// done between entry and exit: `body(rank, input_of, output_of)` does that of rank `rank`. Nothing
/// is copied: bodies load from peers' inputs and store to peers' outputs, each rank a different
/// part. Where ranks share processors and `by` any hands, a rank may do the shares of its
/// neighbours, too.
/// Cost: two latencies.
template <cooperative Group, peer_memory Peers, class Body>
RONDO_HOST_DEVICE bool rendezvous(Group& group, Peers& peers, const void* input, void* output,
                                  const Body& body, [[maybe_unused]] hands by = hands::any) {
  const std::uint32_t number = ++peers.used().entries;
  const unsigned bank = number & 1u;
  if (!enter(group, peers, bank, input, output)) {
    return false;
  }
  const auto do_share = [&](int rank) {
    peers.touch([&] {
      body(
          rank, [&](int other) { return protocol::input_of(peers, bank, other); },
          [&](int other) { return protocol::output_of(peers, bank, other); });
    });
  };
  if constexpr (shares_processors<Peers>) {
    if (by == hands::any && peers.crowded()) {
      return detail::do_shares_here(peers, number, do_share);
    }
  }
  do_share(peers.rank());
  group.sync();
  return meet(group, peers, [](pad& of) -> std::uint64_t& { return of.left.word; });
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
