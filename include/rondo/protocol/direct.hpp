// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/chunking.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/direct_staged.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/packets.hpp>
#include <rondo/protocol/rendezvous.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/protocol/two_hops.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstring>

/// The other collectives over peer memory: each rank loads from peers' inputs or stores to peers'
/// outputs, no byte is copied twice, and messages of a few bytes ride on their signal. Where peers'
/// buffers cannot be reached, the staged forms do the same.
/// `in` of an all-gather holds the rank's own chunk; layouts give where chunks lie in the whole.
namespace rondo::inline v0_1::protocol {

/// From bytes that lie anywhere. `to` may be null where there is nothing to copy.
template <class T>
void copy_from_bytes(T* to, const std::byte* from, std::size_t count) {
  if (count != 0) {
    std::memcpy(static_cast<void*>(to), from, count * sizeof(T));
  }
}

/// Up to how many bytes, of a rank's larger buffer, one phase through staging areas beats two that
/// copy nothing twice. Measured with 2, 4 and 8 ranks on 2 processors (Zen 5, 2026-11-27): the two
/// cost the same from 2 KiB (2 ranks, and reduce-scatter) to 16 KiB (all-gather of 8 ranks).
inline constexpr std::size_t one_phase_limit = 2048;

/// Copies `count` elements to element `first` on of all outputs, in blocks that are still in the
/// cache when they are read for the last output: of 64 KiB, which took 0.92 of the time of 16 KiB
/// (median of 20 cases from 1 MiB on, Zen 5, 2026-11-27); but of 8 KiB, 0.93 of the time of 64 KiB,
/// in calls that stay in the caches of a processor with shorter registers (36 cases, Zen 3,
/// 2026-11-28).
template <class T, class OutputOf>
void copy_to_all(const OutputOf& output_of, int size, std::size_t first, const T* from,
                 std::size_t count, store how) {
  const bool short_blocks = how == store::cached && !rondo::detail::stores_whole_lines();
  const std::size_t block = larger((short_blocks ? 8192 : 65536) / sizeof(T), std::size_t{1});
  for (std::size_t done = 0; done < count; done += block) {
    const std::size_t some = smaller(block, count - done);
    for (int rank = 0; rank < size; ++rank) {
      copy_elements(static_cast<T*>(output_of(rank)) + first + done, from + done, some, how);
    }
  }
}

/// out[chunk r] = rank r's input, for all r. Every rank copies its part of the whole to all
/// outputs. Cost: n outputs written, and each input read once from memory, shared by n ranks.
template <peer_memory Peers, class T>
void direct_all_gather(Peers& peers, const T* in, T* out, const chunking& cut) {
  one_thread alone;
  const int size = peers.size();
  const std::size_t mine = cut.count(peers.rank());
  const std::size_t whole = cut.whole(size) * sizeof(T);
  if (cut.largest(size) * sizeof(T) <= packet::capacity) {
    exchange_packets(alone, peers, in, mine * sizeof(T), [&](int rank, const std::byte* bytes) {
      copy_from_bytes(out + cut.offset(rank), bytes, cut.count(rank));
    });
  } else if (whole <= one_phase_limit) {
    exchange_stages(alone, peers, in, mine * sizeof(T), [&](const auto& area) {
      for (int rank = 0; rank < size; ++rank) {
        copy_from_bytes(out + cut.offset(rank), area(rank), cut.count(rank));
      }
    });
  } else if constexpr (!reaches_buffers<Peers>) {
    staged_gather(peers, in, out, cut);
  } else {
    const store how = store_for(peers, whole * (static_cast<std::size_t>(size) + 1));
    rendezvous(alone, peers, in, out, [&](int self, const auto& input_of, const auto& output_of) {
      const part share = even_part(whole / sizeof(T), static_cast<std::size_t>(size),
                                   static_cast<std::size_t>(self), 64);
      for (int rank = 0; rank < size; ++rank) {
        const std::size_t chunk = cut.offset(rank) - cut.offset(0);
        const std::size_t first = larger(chunk, share.first);
        const std::size_t last = smaller(chunk + cut.count(rank), share.first + share.count);
        if (first < last) {
          copy_to_all<T>(output_of, size, cut.offset(0) + first,
                         static_cast<const T*>(input_of(rank)) + (first - chunk), last - first,
                         how);
        }
      }
    });
  }
}

/// out = the fold, in rank order, of every rank's input chunk `rank`.
/// Cost: each rank reads its chunk from all.
template <peer_memory Peers, class T, class Reduction>
void direct_reduce_scatter(Peers& peers, const T* in, T* out, const chunking& cut,
                           const Reduction& with) {
  one_thread alone;
  const int size = peers.size();
  const std::size_t whole = cut.whole(size) * sizeof(T);
  if (whole <= one_phase_limit) {
    exchange_stages(alone, peers, in, whole, [&](const auto& area) {
      fold_each(
          alone,
          [&](int rank) {
            return reinterpret_cast<const T*>(area(rank)) + cut.offset(peers.rank());
          },
          size, [&](int) { return out; }, 1, 0, cut.count(peers.rank()), with);
    });
  } else if constexpr (!reaches_buffers<Peers>) {
    staged_reduce_scatter(peers, in, out, cut, with);
  } else {
    rendezvous(alone, peers, in, out, [&](int self, const auto& input_of, const auto& output_of) {
      fold_each(
          alone, [&](int rank) { return static_cast<const T*>(input_of(rank)) + cut.offset(self); },
          size, [&](int) { return static_cast<T*>(output_of(self)); }, 1, 0, cut.count(self), with);
    });
  }
}

/// Chunk s of the output = chunk `rank` of rank s's input, whose offset in that input is
/// `theirs(rank, s)`. `equal` if all chunks of all ranks are, which all ranks must know alike: then
/// `received` and `theirs` hold for any rank.
/// Cost: (n-1) chunks read by each rank.
template <reaches_buffers Peers, class T, class Theirs>
void direct_all_to_all(Peers& peers, const T* in, T* out, const chunking& received, bool equal,
                       const Theirs& theirs) {
  one_thread alone;
  const int size = peers.size();
  const std::size_t whole = received.whole(size) * sizeof(T);
  if (equal && whole <= one_phase_limit) {
    exchange_stages(alone, peers, in, whole, [&](const auto& area) {
      for (int rank = 0; rank < size; ++rank) {
        copy_from_bytes(out + received.offset(rank),
                        area(rank) + theirs(peers.rank(), rank) * sizeof(T), received.count(rank));
      }
    });
    return;
  }
  const store how = store_for(peers, 2 * whole * static_cast<std::size_t>(size));
  rendezvous(
      alone, peers, in, out,
      [&](int self, const auto& input_of, const auto& output_of) {
        for (int step = 0; step < size; ++step) {
          const int rank = rank_after(self, step, size);
          copy_elements(static_cast<T*>(output_of(self)) + received.offset(rank),
                        static_cast<const T*>(input_of(rank)) + theirs(self, rank),
                        received.count(rank), how);
        }
      },
      equal ? hands::any : hands::own);
}

/// Every rank copies its part of the root's buffer to all outputs, so that all processors share the
/// work. Cost: n-1 outputs written, shared by n ranks.
template <peer_memory Peers, class T>
void direct_broadcast(Peers& peers, const T* in, T* out, std::size_t count, int root) {
  one_thread alone;
  const int size = peers.size();
  if (count * sizeof(T) <= packet::capacity) {
    exchange_packets(alone, peers, in, peers.rank() == root ? count * sizeof(T) : 0,
                     [&](int rank, const std::byte* bytes) {
                       if (rank == root) {
                         copy_from_bytes(out, bytes, count);
                       }
                     });
  } else if (count * sizeof(T) <= one_phase_limit) {
    exchange_stages(alone, peers, in, peers.rank() == root ? count * sizeof(T) : 0,
                    [&](const auto& area) { copy_from_bytes(out, area(root), count); });
  } else if constexpr (!reaches_buffers<Peers>) {
    staged_broadcast(peers, in, out, count, root);
  } else {
    rendezvous(alone, peers, in, out, [&](int self, const auto& input_of, const auto& output_of) {
      const part mine =
          even_part(count, static_cast<std::size_t>(size), static_cast<std::size_t>(self), 64);
      copy_to_all<T>(output_of, size, mine.first,
                     static_cast<const T*>(input_of(root)) + mine.first, mine.count,
                     store_for(peers, count * static_cast<std::size_t>(size) * sizeof(T)));
    });
  }
}

/// The root's output = the fold of all inputs in rank order; every rank folds its part.
template <peer_memory Peers, class T, class Reduction>
void direct_reduce(Peers& peers, const T* in, T* out, std::size_t count, int root,
                   const Reduction& with) {
  one_thread alone;
  if constexpr (!reaches_buffers<Peers>) {
    staged_fold(alone, peers, in, out, count, with, root);
  } else {
    rendezvous(alone, peers, in, out, [&](int self, const auto& input_of, const auto& output_of) {
      const part mine = even_part(count, static_cast<std::size_t>(peers.size()),
                                  static_cast<std::size_t>(self), 16);
      fold_each(
          alone, [&](int rank) { return static_cast<const T*>(input_of(rank)); }, peers.size(),
          [&](int) { return static_cast<T*>(output_of(root)); }, 1, mine.first,
          mine.first + mine.count, with);
    });
  }
}

/// Every rank stores its chunk into the root's output.
template <peer_memory Peers, class T>
void direct_gather(Peers& peers, const T* in, T* out, const chunking& cut, int root) {
  if constexpr (!reaches_buffers<Peers>) {
    staged_gather(peers, in, out, cut, root);
  } else {
    one_thread alone;
    rendezvous(alone, peers, in, out, [&](int self, const auto& input_of, const auto& output_of) {
      copy_elements(static_cast<T*>(output_of(root)) + cut.offset(self),
                    static_cast<const T*>(input_of(self)), cut.count(self));
    });
  }
}

/// Every rank loads its chunk from the root's input.
template <peer_memory Peers, class T>
void direct_scatter(Peers& peers, const T* in, T* out, const chunking& cut, int root) {
  if constexpr (!reaches_buffers<Peers>) {
    staged_scatter(peers, in, out, cut, root);
  } else {
    one_thread alone;
    rendezvous(alone, peers, in, out, [&](int self, const auto& input_of, const auto& output_of) {
      copy_elements(static_cast<T*>(output_of(self)),
                    static_cast<const T*>(input_of(root)) + cut.offset(self), cut.count(self));
    });
  }
}

}  // namespace rondo::inline v0_1::protocol
