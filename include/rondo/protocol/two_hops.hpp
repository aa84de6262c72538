// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/version.hpp>

#include <cstddef>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

/// All-reduce by parts, in blocks: each rank owns one part of each block. It stages the parts of
/// others, folds its own a round later, and shares the result with that round's signal: one signal
/// per block. What is staged and how is up to `work`:
///  - `Work::how`, `Work::grain`  push or pull; parts begin on multiples of that many elements
///  - `bytes(count)`              staging bytes of `count` elements, a multiple of the grain
///  - `stage(to, first, count)`   writes this rank's elements, for the part's owner
///  - `stages_own`                what stays with this rank is staged, too
///  - `fold(source, results, targets, first, count)` folds what each rank r staged at `source(r)`;
///    writes to `results(0)` .. `results(targets - 1)`
///  - `use(from, first, count, owner)` takes the result of a part
/// Cost: per rank (n-1)/n of the elements written and as many read, twice.
template <cooperative Group, stages Peers, class Work>
RONDO_HOST_DEVICE bool two_hops(Group& group, Peers& peers, std::size_t count, const Work& work) {
  constexpr bool pushes = Work::how == access::push;
  const int size = peers.size();
  const int self = peers.rank();
  const auto ranks = static_cast<std::size_t>(size);
  // Areas of a bank: one for every rank's values, and one for the result, or for every rank's.
  const std::size_t area =
      peers.stage_bytes() / (pushes ? 2 * ranks : ranks + 1) / stage_line * stage_line;
  const std::size_t each = area / work.bytes(Work::grain) * Work::grain;
  if (each == 0) {
    peers.cannot_stage(work.bytes(Work::grain), pushes ? 2 * size : size + 1);
    return false;
  }
  const auto place = [&](int rank, unsigned bank, int which) {
    return peers.stage(rank, bank) + static_cast<std::size_t>(which) * area;
  };
  // Blocks of equal size, so that the last one is not a round for a handful of elements.
  const std::size_t most = each * ranks;
  const std::size_t blocks = count > most ? (count + most - 1) / most : 1;
  const std::size_t grain = ranks * Work::grain;
  const std::size_t even = ((count + blocks - 1) / blocks + grain - 1) / grain * grain;
  const std::size_t block = even < most ? even : most;

  /// Rank's part of block k, in the whole.
  const auto part_of = [&](std::size_t k, int rank) {
    const std::size_t begin = k * block < count ? k * block : count;
    part found = even_part(count - begin < block ? count - begin : block, ranks,
                           static_cast<std::size_t>(rank), Work::grain);
    found.first += begin;
    return found;
  };
  return staged_rounds(
      group, peers, blocks + 1,
      [&](std::size_t k, unsigned bank) {
        if (k > 0) {
          const part mine = part_of(k - 1, self);
          work.fold(
              [&](int rank) -> std::byte* {
                return pushes ? place(self, bank ^ 1u, rank) : place(rank, bank ^ 1u, self);
              },
              [&](int rank) {
                return pushes ? place(rank, bank, size + self) : place(self, bank, size);
              },
              pushes ? size : 1, mine.first, mine.count);
        }
        for (int step = 1; k < blocks && step <= size; ++step) {
          const int rank = rank_after(self, step, size);
          if (Work::stages_own || rank != self) {
            const part theirs = part_of(k, rank);
            work.stage(pushes ? place(rank, bank, self) : place(self, bank, rank), theirs.first,
                       theirs.count);
          }
        }
      },
      [&](std::size_t k, unsigned bank) {
        for (int step = 1; k > 0 && step <= size; ++step) {
          const int rank = rank_after(self, step, size);
          const part theirs = part_of(k - 1, rank);
          work.use(pushes ? place(self, bank, size + rank) : place(rank, bank, size), theirs.first,
                   theirs.count, rank);
        }
      });
}

/// Values from one array to another, by one group of threads: what `two_hops` is told.
template <class Group, class T, class Reduction>
struct staged_values {
  static constexpr access how = access::pull;
  static constexpr bool stages_own = false;
  static constexpr std::size_t grain = line_of<T>;

  Group& group;
  const T* in;
  T* out;
  const Reduction& with;
  int self;
  int size;
  bool gets_result;

  [[nodiscard]] RONDO_HOST_DEVICE static std::size_t bytes(std::size_t count) {
    return count * sizeof(T);
  }
  RONDO_HOST_DEVICE void stage(std::byte* to, std::size_t first, std::size_t count) const {
    copy_part(group, reinterpret_cast<T*>(to), in + first, count);
  }
  template <class Source, class Results>
  RONDO_HOST_DEVICE void fold(const Source& source, const Results& result, int, std::size_t first,
                              std::size_t count) const {
    T* const staged = reinterpret_cast<T*>(result(0));
    T* const results[2] = {staged, gets_result ? out + first : staged};
    fold_each(
        group,
        [&](int rank) {
          return rank == self ? in + first : reinterpret_cast<const T*>(source(rank));
        },
        size, [&](int which) { return results[which]; }, gets_result ? 2 : 1, 0, count, with);
  }
  RONDO_HOST_DEVICE void use(const std::byte* from, std::size_t first, std::size_t count,
                             int owner) const {
    if (gets_result && owner != self) {
      copy_part(group, out + first, reinterpret_cast<const T*>(from), count);
    }
  }
};

/// Folds in rank order for all ranks, or for `root` alone.
template <cooperative Group, stages Peers, class T, class Reduction>
RONDO_HOST_DEVICE bool staged_fold(Group& group, Peers& peers, const T* in, T* out,
                                   std::size_t count, const Reduction& with, int root = -1) {
  const staged_values<Group, T, Reduction> work{
      group, in, out, with, peers.rank(), peers.size(), root < 0 || root == peers.rank()};
  return two_hops(group, peers, count, work);
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
