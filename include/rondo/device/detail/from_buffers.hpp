// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/device/detail/plain.hpp>
#include <rondo/protocol/packs.hpp>
#include <rondo/protocol/rendezvous.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/version.hpp>

#include <cstddef>

/// All-reduce from buffers that are read where they lie to an epilogue.
namespace rondo::inline v0_1::device::detail {

/// Takes the owner's results of one part: to the peers' staging areas, and to its own epilogue
/// while they are in registers.
template <class T, class Target, class To>
struct shared_and_used {
  const protocol::pack_targets<T, Target>& shared;
  const To& to;
  std::size_t first;  ///< of the part, in the whole

  RONDO_HOST_DEVICE void operator()(std::size_t i, const T& value) const {
    packed(i, protocol::pack<T, 1>{{value}});
  }
  template <unsigned Width>
  RONDO_HOST_DEVICE void packed(std::size_t i, const protocol::pack<T, Width>& values) const
      requires(Width <= protocol::width_to<T, To>()) {
    shared(i, values);
    protocol::pack_to(to, first + i, values);
  }
};

/// Each rank shows its input, folds its part of each block from all inputs in rank order and stores
/// it to every peer's staging area; peers take it from there. The prologue is the buffer itself, so
/// nothing is staged before the fold. A rank returns when all have read its input; its epilogue may
/// overwrite element i of it.
/// Cost: per rank n elements read from inputs, (n - 1) / n of them written to peers and read at
/// home; one latency, and one per block.
template <class T, protocol::cooperative Group, protocol::peer_memory Peers, class To,
          class Reduction>
RONDO_HOST_DEVICE bool reduce_from_buffers(Group& group, Peers& peers, const T* in,
                                           std::size_t count, const To& to, const Reduction& with) {
  const int size = peers.size();
  const int self = peers.rank();
  const auto ranks = static_cast<std::size_t>(size);
  const std::size_t area =
      peers.stage_bytes() / ranks / protocol::stage_line * protocol::stage_line;
  const std::size_t each = area / sizeof(T) / line_of<T> * line_of<T>;
  if (each == 0) {
    peers.cannot_stage(sizeof(T) * line_of<T>, size);
    return false;
  }
  const unsigned entry = ++peers.used().entries & 1u;
  if (!protocol::enter(group, peers, entry, in, nullptr)) {
    return false;
  }
  const std::size_t block = each * ranks;
  const auto part_of = [&](std::size_t k, int rank) {
    const std::size_t begin = k * block < count ? k * block : count;
    part found = even_part(count - begin < block ? count - begin : block, ranks,
                           static_cast<std::size_t>(rank), line_of<T>);
    found.first += begin;
    return found;
  };
  const auto after = [&](int step) { return protocol::rank_after(self, 1 + step, size); };
  const auto place = [&](int rank, unsigned bank, int owner) {
    return reinterpret_cast<T*>(peers.stage(rank, bank) + static_cast<std::size_t>(owner) * area);
  };
  return protocol::staged_rounds(
      group, peers, count > block ? (count + block - 1) / block : 1,
      [&](std::size_t k, unsigned bank) {
        const part mine = part_of(k, self);
        const auto peer = [&](int step) { return place(after(step), bank, self); };
        const protocol::pack_targets<T, decltype(peer)> shared{peer, size - 1};
        const shared_and_used<T, decltype(peer), To> results{shared, to, mine.first};
        fold_to<T, Group, decltype(results), Reduction>{group, results, with, size}(
            [&](int rank) {
              return static_cast<const T*>(protocol::input_of(peers, entry, rank)) + mine.first;
            },
            0, mine.count);
      },
      [&](std::size_t k, unsigned bank) {
        for (int step = 0; step < size - 1; ++step) {
          const part theirs = part_of(k, after(step));
          protocol::load_each(group, static_cast<const T*>(place(self, bank, after(step))), to,
                              theirs.first, theirs.count);
        }
      });
}

}  // namespace rondo::inline v0_1::device::detail
