// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/barrier.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

namespace detail {

/// True, on all threads, when both ranks have come to this step of bank `bank`. Synchronises.
template <cooperative Group, peer_memory Peers>
RONDO_HOST_DEVICE bool wait_for_two(Group& group, Peers& peers, int left, int right,
                                    unsigned bank) {
  const unsigned me = group.thread_rank();
  bool came = true;
  if (me == 0) {
    came = peers.wait(left, peers.pad(left).staged[bank].word);
  }
  if (me == (group.size() > 1 ? 1u : 0u)) {
    came = came && peers.wait(right, peers.pad(right).staged[bank].word);
  }
  return agree(group, came);
}

}  // namespace detail

/// All-reduce around a ring: partial results go once around and results once more, each step from
/// one staging area into the next rank's. Chunk c is folded in the order c, c+1, .. c-1 of ranks;
/// partial results travel in the accumulator's type. `from(i)` gives element i, `to(i, value)`
/// takes the result. The first step hears all ranks, so that any call may come before. Cost:
/// 2(n-1)/n of the elements written; 2(n-1) + 1 latencies. For links that are not all-to-all.
template <class T, cooperative Group, stages Peers, class From, class To, class Reduction>
RONDO_HOST_DEVICE bool ring_all_reduce(Group& group, Peers& peers, std::size_t count,
                                       const From& from, const To& to, const Reduction& with) {
  using partial = typename Reduction::partial;
  constexpr std::size_t wide = sizeof(partial) > sizeof(T) ? sizeof(partial) : sizeof(T);
  constexpr std::size_t line = line_of<T>;
  const int size = peers.size();
  const int self = peers.rank();
  const int left = rank_after(self, size - 1, size);
  const int right = rank_after(self, 1, size);
  const std::size_t each = peers.stage_bytes() / (wide * line) * line;
  if (each == 0) {
    peers.cannot_stage(wide * line, 1);
    return false;
  }
  const std::size_t block = each * static_cast<std::size_t>(size);

  for (std::size_t begin = 0; begin < count; begin += block) {
    const std::size_t length = count - begin < block ? count - begin : block;
    const int steps = 2 * (size - 1);
    unsigned before = 0;  // the bank that was filled a step ago
    for (int step = 0; step <= steps; ++step) {
      const int chunk = ((self - step) % size + size) % size;
      part mine =
          even_part(length, static_cast<std::size_t>(size), static_cast<std::size_t>(chunk), line);
      mine.first += begin;
      const unsigned bank = peers.used().stages & 1u;
      std::byte* const here = peers.stage(self, before);
      std::byte* const there = peers.stage(right, bank);
      const bool last = step == steps;
      group.sync();
      for (std::size_t i = group.thread_rank(); i < mine.count; i += group.size()) {
        const std::size_t at = mine.first + i;
        if (step < size - 1) {  // on its way round
          const auto own = Reduction::lift(static_cast<T>(from(at)));
          reinterpret_cast<partial*>(there)[i] =
              step == 0 ? own : with.fold(reinterpret_cast<const partial*>(here)[i], own);
        } else {  // complete
          const T value =
              step == size - 1
                  ? with.lower(step == 0 ? Reduction::lift(static_cast<T>(from(at)))
                                         : with.fold(reinterpret_cast<const partial*>(here)[i],
                                                     Reduction::lift(static_cast<T>(from(at)))))
                  : reinterpret_cast<const T*>(here)[i];
          to(at, value);
          if (!last) {
            reinterpret_cast<T*>(there)[i] = value;
          }
        }
      }
      group.sync();
      if (last) {
        break;
      }
      ++peers.used().stages;
      const bool begins = begin == 0 && step == 0;
      const unsigned turn = begins ? peers.used().arrivals++ & 1u : 0u;
      announce(group, peers, [&](pad& seen) {
        publish(seen.staged[bank].word, peers.word());
        if (begins) {
          publish(seen.arrived[turn].word, peers.word());
        }
      });
      if (!detail::wait_for_two(group, peers, left, right, bank)) {
        return false;
      }
      // From here on this rank writes staging areas and words that ranks far away may still look at
      // in the call before. Theirs are watched where no later step of a neighbour's replaces them.
      if (begins && !wait_for_all(group, peers, [&](int rank) -> std::uint64_t& {
            return peers.pad(rank).arrived[turn].word;
          })) {
        return false;
      }
      peers.advance();
      before = bank;
    }
    // Ranks far away may be steps behind, and the next call may write to any staging area.
    if (!barrier(group, peers)) {
      return false;
    }
    peers.advance();
  }
  return true;
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
