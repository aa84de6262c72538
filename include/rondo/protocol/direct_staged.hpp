// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/chunking.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/packets.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstring>

/// The collectives that move chunks, through staging areas: what direct.hpp falls back to where
/// peers' buffers cannot be reached.
namespace rondo::inline v0_1::protocol {

/// out[chunk r] = rank r's input, for all r, or on `root` alone.
template <stages Peers, class T>
void staged_gather(Peers& peers, const T* in, T* out, const chunking& cut, int root = -1) {
  one_thread alone;
  const int size = peers.size();
  const int self = peers.rank();
  const staged_blocks<Peers, T> blocks{peers, 1};
  const bool gets = root < 0 || root == self;
  const bool gives = root != self;
  const auto touched = static_cast<std::size_t>(root < 0 ? size + 1 : 2) * cut.whole(size);
  const store how = store_for(peers, touched * sizeof(T));
  staged_rounds(
      alone, peers, blocks.rounds(cut.largest(size)),
      [&](std::size_t k, unsigned bank) {
        const part mine = blocks.in_round(k, cut.count(self));
        copy_elements(blocks.at(self, bank), in + mine.first, gives ? mine.count : 0);
        copy_elements(out + cut.offset(self) + mine.first, in + mine.first, gets ? mine.count : 0,
                      how);
      },
      [&](std::size_t k, unsigned bank) {
        for (int step = 1; gets && step < size; ++step) {
          const int rank = rank_after(self, step, size);
          const part theirs = blocks.in_round(k, cut.count(rank));
          copy_elements(out + cut.offset(rank) + theirs.first,
                        static_cast<const T*>(blocks.at(rank, bank)), theirs.count, how);
        }
      });
}

/// Every rank's staging area holds a block for every peer: what `sent` cuts its input into.
/// `use(k, source)` then reads, in rank order or not, `source(rank)`: round k of what rank sent
/// here.
template <stages Peers, class T, class Use>
void staged_by_rank(Peers& peers, const T* in, const chunking& sent, bool gives,
                    std::size_t largest, const staged_blocks<Peers, T>& blocks, const Use& use) {
  one_thread alone;
  const int self = peers.rank();
  staged_rounds(
      alone, peers, blocks.rounds(largest),
      [&](std::size_t k, unsigned bank) {
        for (int rank = 0; gives && rank < peers.size(); ++rank) {
          if (rank != self) {
            const part theirs = blocks.in_round(k, sent.count(rank));
            copy_elements(blocks.at(self, bank, rank), in + sent.offset(rank) + theirs.first,
                          theirs.count);
          }
        }
      },
      [&](std::size_t k, unsigned bank) {
        use(k, [&](int rank) { return static_cast<const T*>(blocks.at(rank, bank, self)); });
      });
}

/// out = the fold, in rank order, of every rank's input chunk `rank`.
template <stages Peers, class T, class Reduction>
void staged_reduce_scatter(Peers& peers, const T* in, T* out, const chunking& cut,
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
    largest = larger(largest, theirs);
  });
  return largest;
}

/// Chunk s of the output = chunk `rank` of rank s's input.
template <stages Peers, class T>
void staged_all_to_all(Peers& peers, const T* in, T* out, const chunking& sent,
                       const chunking& received) {
  const bool equal = sent.uniform() && received.uniform();
  const std::size_t largest =
      equal ? sent.largest(peers.size()) : agree_on_largest(peers, sent.largest(peers.size()));
  const int self = peers.rank();
  const staged_blocks<Peers, T> blocks{peers, peers.size()};
  const store how = store_for(
      peers, 2 * static_cast<std::size_t>(peers.size()) * received.whole(peers.size()) * sizeof(T));
  copy_elements(out + received.offset(self), in + sent.offset(self), received.count(self), how);
  staged_by_rank(peers, in, sent, true, largest, blocks, [&](std::size_t k, const auto& staged) {
    for (int step = 1; step < peers.size(); ++step) {
      const int rank = rank_after(self, step, peers.size());
      const part theirs = blocks.in_round(k, received.count(rank));
      copy_elements(out + received.offset(rank) + theirs.first, staged(rank), theirs.count, how);
    }
  });
}

/// Every rank's part of the root's input.
template <stages Peers, class T>
void staged_scatter(Peers& peers, const T* in, T* out, const chunking& cut, int root) {
  const int self = peers.rank();
  const staged_blocks<Peers, T> blocks{peers, peers.size()};
  if (self == root) {
    copy_elements(out, in + cut.offset(self), cut.count(self));
  }
  staged_by_rank(peers, in, cut, self == root, cut.largest(peers.size()), blocks,
                 [&](std::size_t k, const auto& staged) {
                   const part mine = blocks.in_round(k, cut.count(self));
                   copy_elements(out + mine.first, staged(root), self == root ? 0 : mine.count);
                 });
}

/// The root stages its values, all others copy them.
template <stages Peers, class T>
void staged_broadcast(Peers& peers, const T* in, T* out, std::size_t count, int root) {
  one_thread alone;
  const bool gives = peers.rank() == root;
  const staged_blocks<Peers, T> blocks{peers, 1};
  const store how = store_for(peers, static_cast<std::size_t>(peers.size()) * count * sizeof(T));
  staged_rounds(
      alone, peers, blocks.rounds(count),
      [&](std::size_t k, unsigned bank) {
        const part some = blocks.in_round(k, count);
        copy_elements(blocks.at(root, bank), in + some.first, gives ? some.count : 0);
      },
      [&](std::size_t k, unsigned bank) {
        const part some = blocks.in_round(k, count);
        copy_elements(out + some.first, static_cast<const T*>(blocks.at(root, bank)),
                      gives ? 0 : some.count, how);
      });
}

}  // namespace rondo::inline v0_1::protocol
