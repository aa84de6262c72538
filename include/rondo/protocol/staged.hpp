// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/layout.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/packets.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

/// The direct collectives where peers' buffers cannot be reached: data goes through the staging
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
  /// `parts` blocks in each area.
  RONDO_HOST_DEVICE staged_blocks(Peers& peers, int parts) : peers_{peers} {
    constexpr std::size_t line = sizeof(T) < 64 ? 64 / sizeof(T) : 1;
    each_ = peers.stage_bytes() / static_cast<std::size_t>(parts) / sizeof(T) / line * line;
#if !defined(__CUDA_ARCH__)
    if (each_ == 0) {
      refuse("elements of " + std::to_string(sizeof(T)) + " bytes for " + std::to_string(parts) +
             " ranks do not fit the shared window; use a schedule such as ring{}");
    }
#endif
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
  const int size = peers.size();
  const int self = peers.rank();
  const auto ranks = static_cast<std::size_t>(size);
  const staged_blocks<Peers, T> parts{peers, size + 1};  // one for every rank, one for the result
  const std::size_t block = parts.each() * ranks;
  const std::size_t blocks = count > block ? (count + block - 1) / block : 1;
  const bool gets_result = root < 0 || root == self;

  /// Rank's part of block k, in the whole.
  const auto part_of = [&](std::size_t k, int rank) {
    constexpr std::size_t line = sizeof(T) < 64 ? 64 / sizeof(T) : 1;
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

/// out[chunk r] = rank r's input, for all r, or on `root` alone.
template <peer_memory Peers, class T>
void staged_gather(Peers& peers, const T* in, T* out, const layout& cut, int root = -1) {
  one_thread alone;
  const int size = peers.size();
  const int self = peers.rank();
  const staged_blocks<Peers, T> blocks{peers, 1};
  const bool gets = root < 0 || root == self;
  const bool gives = root != self;
  if (gets) {
    copy_part(alone, out + cut.offset(self), in, cut.count(self));
  }
  staged_rounds(
      alone, peers, blocks.rounds(cut.largest(size)),
      [&](std::size_t k, unsigned bank) {
        const part mine = blocks.in_round(k, cut.count(self));
        copy_part(alone, blocks.at(self, bank), in + mine.first, gives ? mine.count : 0);
      },
      [&](std::size_t k, unsigned bank) {
        for (int step = 1; gets && step < size; ++step) {
          const int rank = (self + step) % size;
          const part theirs = blocks.in_round(k, cut.count(rank));
          copy_part(alone, out + cut.offset(rank) + theirs.first,
                    static_cast<const T*>(blocks.at(rank, bank)), theirs.count);
        }
      });
}

/// Every rank's staging area holds a block for every peer: what `sent` cuts its input into.
/// `use(k, source)` then reads, in rank order or not, `source(rank)`: round k of what rank sent
/// here.
template <peer_memory Peers, class T, class Use>
void staged_by_rank(Peers& peers, const T* in, const layout& sent, bool gives, std::size_t largest,
                    const staged_blocks<Peers, T>& blocks, const Use& use) {
  one_thread alone;
  const int self = peers.rank();
  staged_rounds(
      alone, peers, blocks.rounds(largest),
      [&](std::size_t k, unsigned bank) {
        for (int rank = 0; gives && rank < peers.size(); ++rank) {
          if (rank != self) {
            const part theirs = blocks.in_round(k, sent.count(rank));
            copy_part(alone, blocks.at(self, bank, rank), in + sent.offset(rank) + theirs.first,
                      theirs.count);
          }
        }
      },
      [&](std::size_t k, unsigned bank) {
        use(k, [&](int rank) { return static_cast<const T*>(blocks.at(rank, bank, self)); });
      });
}

/// out = the fold, in rank order, of every rank's input chunk `rank`.
template <peer_memory Peers, class T, class Reduction>
void staged_reduce_scatter(Peers& peers, const T* in, T* out, const layout& cut,
                           const Reduction& with) {
  one_thread alone;
  const int self = peers.rank();
  const staged_blocks<Peers, T> blocks{peers, peers.size()};
  staged_by_rank(peers, in, cut, true, cut.largest(peers.size()), blocks,
                 [&](std::size_t k, const auto& staged) {
                   const part mine = blocks.in_round(k, cut.count(self));
                   const auto source = [&](int rank) {
                     return rank == self ? in + cut.offset(self) + mine.first : staged(rank);
                   };
                   fold_each(
                       alone, source, peers.size(), [&](int) { return out + mine.first; }, 1, 0,
                       mine.count, with);
                 });
}

/// The largest of the ranks' numbers.
template <peer_memory Peers>
[[nodiscard]] std::size_t agree_on_largest(Peers& peers, std::size_t mine) {
  one_thread alone;
  std::size_t largest = 0;
  exchange_packets(alone, peers, &mine, sizeof mine, [&](int, const std::byte* bytes) {
    std::size_t theirs = 0;
    std::memcpy(&theirs, bytes, sizeof theirs);
    largest = (std::max)(largest, theirs);
  });
  return largest;
}

/// Chunk s of the output = chunk `rank` of rank s's input.
template <peer_memory Peers, class T>
void staged_all_to_all(Peers& peers, const T* in, T* out, const layout& sent,
                       const layout& received) {
  one_thread alone;
  const bool equal = sent.uniform() && received.uniform();
  const std::size_t largest =
      equal ? sent.largest(peers.size()) : agree_on_largest(peers, sent.largest(peers.size()));
  const int self = peers.rank();
  const staged_blocks<Peers, T> blocks{peers, peers.size()};
  copy_part(alone, out + received.offset(self), in + sent.offset(self), received.count(self));
  staged_by_rank(peers, in, sent, true, largest, blocks, [&](std::size_t k, const auto& staged) {
    for (int step = 1; step < peers.size(); ++step) {
      const int rank = (self + step) % peers.size();
      const part theirs = blocks.in_round(k, received.count(rank));
      copy_part(alone, out + received.offset(rank) + theirs.first, staged(rank), theirs.count);
    }
  });
}

/// Every rank's part of the root's input.
template <peer_memory Peers, class T>
void staged_scatter(Peers& peers, const T* in, T* out, const layout& cut, int root) {
  one_thread alone;
  const int self = peers.rank();
  const staged_blocks<Peers, T> blocks{peers, peers.size()};
  if (self == root) {
    copy_part(alone, out, in + cut.offset(self), cut.count(self));
  }
  staged_by_rank(peers, in, cut, self == root, cut.largest(peers.size()), blocks,
                 [&](std::size_t k, const auto& staged) {
                   const part mine = blocks.in_round(k, cut.count(self));
                   copy_part(alone, out + mine.first, staged(root), self == root ? 0 : mine.count);
                 });
}

/// The root stages its values, all others copy them.
template <peer_memory Peers, class T>
void staged_broadcast(Peers& peers, const T* in, T* out, std::size_t count, int root) {
  one_thread alone;
  const bool gives = peers.rank() == root;
  const staged_blocks<Peers, T> blocks{peers, 1};
  staged_rounds(
      alone, peers, blocks.rounds(count),
      [&](std::size_t k, unsigned bank) {
        const part some = blocks.in_round(k, count);
        copy_part(alone, blocks.at(root, bank), in + some.first, gives ? some.count : 0);
      },
      [&](std::size_t k, unsigned bank) {
        const part some = blocks.in_round(k, count);
        copy_part(alone, out + some.first, static_cast<const T*>(blocks.at(root, bank)),
                  gives ? 0 : some.count);
      });
}

}  // namespace rondo::inline v0_1::protocol
