// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/bit_cast.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/protocol/barrier.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

RONDO_HOST_DEVICE_BEGIN

/// Packets of four bytes and a flag in one 8-byte word: data and signal arrive together, so nobody
/// waits for a fence. Half of the bytes moved are flags (the low-latency protocol of NCCL,
/// src/device/prims_ll.h, and of MSCCL++, packet_device.hpp).
namespace rondo::inline v0_1::protocol {

/// Peer memory with inboxes for words.
///  - `inbox(reader, writer, bank)` where `reader` finds the words of `writer`, `inbox_words()` of
///    them
///  - `flag()`       the running step's mark: never 0, and not seen before in this memory
///  - `outdated()`   flags have come around since the inboxes were last cleared
///  - `clear_inboxes(group)` zeroes all inboxes of this rank, and remembers
///  - `give_up(patience, rank)` after a look in vain; true when rank is too late to wait for
template <class Peers>
concept has_inboxes = peer_memory<Peers> &&
    requires(Peers& peers, int rank, one_thread& group, typename Peers::patience& so_far) {
  { peers.inbox(rank, rank, 0u) } -> std::same_as<std::uint64_t*>;
  { peers.inbox_words() } -> std::convertible_to<std::size_t>;
  { peers.flag() } -> std::same_as<std::uint32_t>;
  { peers.outdated() } -> std::same_as<bool>;
  peers.clear_inboxes(group);
  { peers.give_up(so_far, rank) } -> std::same_as<bool>;
};

/// The fewest elements that fill whole words.
template <class T>
struct word_chunk {
  static constexpr std::size_t elements = 4 / std::gcd(sizeof(T), std::size_t{4});
  static constexpr std::size_t words = elements * sizeof(T) / 4;
  T value[elements];

  struct raw {
    std::uint32_t word[words];
  };
  static_assert(sizeof(raw) == elements * sizeof(T));

  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t chunks(std::size_t count) {
    return (count + elements - 1) / elements;
  }
};

namespace detail {

template <class T, class Give, std::size_t... E>
[[nodiscard]] RONDO_HOST_DEVICE word_chunk<T> chunk_from(const Give& give, std::size_t first,
                                                         std::size_t last,
                                                         std::index_sequence<E...>) {
  // Past the end, the last element once more: there may be no other value to make.
  return {{static_cast<T>(give(first + E < last ? first + E : last - 1))...}};
}

/// One look at, and if need be more, until the words of ranks [begin, begin + Batch) are here.
template <int Batch, std::size_t Words, class Peers>
RONDO_HOST_DEVICE bool collect(Peers& peers, unsigned bank, int begin, std::size_t at,
                               std::uint32_t flag,
                               std::uint32_t (&words)[std::size_t{Batch}][Words]) {
  typename Peers::patience so_far{};
  for (;;) {
    int missing = -1;
    RONDO_UNROLL
    for (int b = 0; b < Batch; ++b) {
      if (begin + b < peers.size()) {
        const std::uint64_t* const from = peers.inbox(peers.rank(), begin + b, bank) + at;
        RONDO_UNROLL
        for (std::size_t w = 0; w < Words; ++w) {
          const std::uint64_t seen = peek_word(from + w);
          words[b][w] = static_cast<std::uint32_t>(seen);
          missing = static_cast<std::uint32_t>(seen >> 32) == flag ? missing : begin + b;
        }
      }
    }
    if (missing < 0) {
      return true;
    }
    if (peers.give_up(so_far, missing)) {
      return false;
    }
  }
}

}  // namespace detail

/// Elements of T that `words` words of an inbox carry, in whole chunks.
template <class T>
[[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t elements_in_words(std::size_t words) {
  return words / word_chunk<T>::words * word_chunk<T>::elements;
}

/// Every rank gives `count` elements to every rank; element i for rank r is `give(r, i)`, or, if
/// `SameForAll`, `give(self, i)`. Each chunk goes to a fresh `taker()`: `begin(first)`, `see(rank,
/// chunk)` for ranks 0 .. size-1 in order, `end(first, elements)`.
///
/// Two banks in turn: who writes a bank again has seen words of the call in between from all, who
/// had then left the call before. Orders no memory but the words themselves.
/// Cost: one latency; 8 bytes moved for 4.
template <class T, bool SameForAll, cooperative Group, has_inboxes Peers, class Give, class Taker>
RONDO_HOST_DEVICE bool exchange_words(Group& group, Peers& peers, std::size_t count,
                                      const Give& give, const Taker& taker) {
  using chunk = word_chunk<T>;
  constexpr auto each = std::make_index_sequence<chunk::elements>{};
  if (count == 0) {  // would tell nobody that this rank has left the call before
    return true;
  }
  if (peers.outdated()) {  // once in 2^31 steps: nobody may take an old flag for a new one
    if (!barrier(group, peers)) {
      return false;
    }
    peers.clear_inboxes(group);
    peers.advance();
    if (!barrier(group, peers)) {
      return false;
    }
    peers.advance();
  }
  const int size = peers.size();
  const int self = peers.rank();
  const unsigned bank = peers.used().packets++ & 1u;
  const std::uint32_t flag = peers.flag();
  const std::uint64_t mark = std::uint64_t{flag} << 32;
  const std::size_t chunks = chunk::chunks(count);
  group.sync();
  for (std::size_t c = group.thread_rank(); c < chunks; c += group.size()) {
    typename chunk::raw raw{};
    for (int step = 0; step < size; ++step) {
      const int peer = rank_after(self, 1 + step, size);
      if (!SameForAll || step == 0) {
        raw = rondo::bit_cast<typename chunk::raw>(
            detail::chunk_from<T>([&](std::size_t i) { return give(SameForAll ? self : peer, i); },
                                  c * chunk::elements, count, each));
      }
      std::uint64_t* const to = peers.inbox(peer, self, bank) + c * chunk::words;
      RONDO_UNROLL
      for (std::size_t w = 0; w < chunk::words; ++w) {
        put_word(to + w, mark | raw.word[w]);
      }
    }
  }
  constexpr int batch = chunk::words <= 2 ? 8 : chunk::words <= 4 ? 4 : 1;
  bool complete = true;
  for (std::size_t c = group.thread_rank(); complete && c < chunks; c += group.size()) {
    auto take = taker();
    take.begin(c * chunk::elements);
    for (int begin = 0; complete && begin < size; begin += batch) {
      std::uint32_t words[std::size_t{batch}][chunk::words];
      complete = detail::collect<batch>(peers, bank, begin, c * chunk::words, flag, words);
      RONDO_UNROLL
      for (int b = 0; b < batch; ++b) {
        if (complete && begin + b < size) {
          typename chunk::raw raw;
          RONDO_UNROLL
          for (std::size_t w = 0; w < chunk::words; ++w) {
            raw.word[w] = words[b][w];
          }
          take.see(begin + b, rondo::bit_cast<chunk>(raw));
        }
      }
    }
    if (complete) {
      const std::size_t left = count - c * chunk::elements;
      take.end(c * chunk::elements, left < chunk::elements ? left : chunk::elements);
    }
  }
  complete = agree(group, complete);
  peers.advance();
  return complete;
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
