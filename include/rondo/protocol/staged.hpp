// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstring>

/// Direct collectives where peers' buffers cannot be reached: data goes through the staging
/// areas in blocks that stay in cache, so that memory is still read once and written once.
namespace rondo::inline v0_1::protocol {

/// `rounds` times: `fill(k, bank)` writes this rank's staging area of that bank, all ranks signal,
/// `use(k, bank)` reads the areas of all. Banks alternate: who fills a bank again has seen that all
/// have left the round in between, so one signal per round is enough. While `fill(k, bank)` runs,
/// the other bank of every rank still holds what round k-1 filled.
template <cooperative Group, peer_memory Peers, class Fill, class Use>
RONDO_HOST_DEVICE bool staged_rounds(Group& group, Peers& peers, std::size_t rounds,
                                     const Fill& fill, const Use& use) {
  for (std::size_t k = 0; k < rounds; ++k) {
    const std::uint32_t bank = peers.used().stages & 1u;
    group.sync();
    fill(k, bank);
    group.sync();
    if (group.thread_rank() == 0) {
      ++peers.used().stages;
      publish(peers.pad(peers.rank()).staged[bank].word, peers.word());
    }
    const bool complete = wait_for_all(
        peers, [&](int rank) -> std::uint64_t& { return peers.pad(rank).staged[bank].word; });
    group.sync();
    if (!complete) {
      return false;
    }
    use(k, bank);
    peers.advance();
  }
  return true;
}

/// Staging areas cut into blocks of elements.
template <class Peers, class T>
class staged_blocks {
 public:
  /// `parts` blocks in each area; `peers.cannot_stage(bytes, parts)` is called if elements are
  /// larger.
  RONDO_HOST_DEVICE staged_blocks(Peers& peers, int parts) : peers_{peers} {
    constexpr std::size_t line = sizeof(T) < 64 ? 64 / sizeof(T) : 1;
    each_ = peers.stage_bytes() / static_cast<std::size_t>(parts) / sizeof(T) / line * line;
    if (each_ == 0) {
      peers.cannot_stage(sizeof(T), parts);
    }
  }

  /// Elements per block.
  [[nodiscard]] RONDO_HOST_DEVICE std::size_t each() const noexcept { return each_; }
  [[nodiscard]] RONDO_HOST_DEVICE std::size_t rounds(std::size_t count) const noexcept {
    return count > each_ ? (count + each_ - 1) / each_ : 1;
  }
  [[nodiscard]] RONDO_HOST_DEVICE T* at(int rank, unsigned bank, int part = 0) const {
    return reinterpret_cast<T*>(peers_.stage(rank, bank)) + static_cast<std::size_t>(part) * each_;
  }
  /// What of `count` elements belongs to round k.
  [[nodiscard]] RONDO_HOST_DEVICE part in_round(std::size_t k, std::size_t count) const noexcept {
    const std::size_t first = k * each_ < count ? k * each_ : count;
    return {first, count - first < each_ ? count - first : each_};
  }

 private:
  Peers& peers_;
  std::size_t each_ = 1;
};

template <cooperative Group, class T>
RONDO_HOST_DEVICE void copy_part(Group& group, T* to, const T* from, std::size_t count) {
#if defined(__CUDA_ARCH__)
  for (std::size_t i = group.thread_rank(); i < count; i += group.size()) {
    to[i] = from[i];
  }
#else
  static_cast<void>(group);
  if (count != 0 && to != from) {
    std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(T));
  }
#endif
}

/// Folds in rank order for all ranks, or for `root` group. Each rank owns one part of each block;
/// it stages the parts of others, folds its own a round later, and shares the result with that
/// round's signal: one signal per block. Cost: per rank (n-1)/n of the elements written and as many
/// read in the window, twice.
template <cooperative Group, peer_memory Peers, class T, class Reduction>
RONDO_HOST_DEVICE bool staged_fold(Group& group, Peers& peers, const T* in, T* out,
                                   std::size_t count, const Reduction& with, int root = -1) {
  constexpr std::size_t line = sizeof(T) < 64 ? 64 / sizeof(T) : 1;
  const int size = peers.size();
  const int self = peers.rank();
  const auto ranks = static_cast<std::size_t>(size);
  const staged_blocks<Peers, T> parts{peers, size + 1};  // one for every rank, one for the result
  // Blocks of equal size, so that the last one is not a round for a handful of elements.
  const std::size_t most = parts.each() * ranks;
  const std::size_t blocks = count > most ? (count + most - 1) / most : 1;
  const std::size_t grain = ranks * line;
  const std::size_t even = ((count + blocks - 1) / blocks + grain - 1) / grain * grain;
  const std::size_t block = even < most ? even : most;
  const bool gets_result = root < 0 || root == self;

  /// Rank's part of block k, in the whole.
  const auto part_of = [&](std::size_t k, int rank) {
    const std::size_t begin = k * block;
    part found = even_part(count - begin < block ? count - begin : block, ranks,
                           static_cast<std::size_t>(rank), line);
    found.first += begin;
    return found;
  };
  return staged_rounds(
      group, peers, blocks + 1,
      [&](std::size_t k, unsigned bank) {
        if (k > 0) {
          const part mine = part_of(k - 1, self);
          T* const staged = parts.at(self, bank, size);
          T* const results[2] = {staged, gets_result ? out + mine.first : staged};
          const auto source = [&](int rank) {
            return rank == self ? in + mine.first
                                : static_cast<const T*>(parts.at(rank, bank ^ 1u, self));
          };
          fold_each(
              group, source, size, [&](int which) { return results[which]; }, gets_result ? 2 : 1,
              0, mine.count, with);
        }
        for (int rank = 0; k < blocks && rank < size; ++rank) {
          if (rank != self) {
            const part theirs = part_of(k, rank);
            copy_part(group, parts.at(self, bank, rank), in + theirs.first, theirs.count);
          }
        }
      },
      [&](std::size_t k, unsigned bank) {
        for (int step = 1; k > 0 && gets_result && step < size; ++step) {
          const int rank = (self + step) % size;
          const part theirs = part_of(k - 1, rank);
          copy_part(group, out + theirs.first, static_cast<const T*>(parts.at(rank, bank, size)),
                    theirs.count);
        }
      });
}

}  // namespace rondo::inline v0_1::protocol
