// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/version.hpp>

#include <cstddef>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

/// Every rank gives `count` elements to every rank, the same to all or not, through staging areas
/// in blocks. One signal per block. What is staged and how is up to `work`:
///  - `Work::how`, `Work::grain`, `bytes(count)`  as for `two_hops`
///  - `Work::same_for_all`   a rank gives the same elements to all
///  - `gives(self)`          this rank gives anything at all
///  - `stage(to, targets, peer, first, count)` writes elements for `peer` to `to(0)` .. ; if all
///    get the same, to all `targets` places at once
///  - `use(source, first, count)` takes what each rank r staged for this one, at `source(r)`
/// Cost: (n-1) times the elements leave each rank; one latency.
template <cooperative Group, stages Peers, class Work>
RONDO_HOST_DEVICE bool one_hop(Group& group, Peers& peers, std::size_t count, const Work& work) {
  constexpr bool pushes = Work::how == access::push;
  constexpr bool one_area = Work::same_for_all && !pushes;
  const int size = peers.size();
  const int self = peers.rank();
  const std::size_t area = peers.stage_bytes() /
                           (one_area ? std::size_t{1} : static_cast<std::size_t>(size)) /
                           stage_line * stage_line;
  const std::size_t each = area / work.bytes(Work::grain) * Work::grain;
  if (each == 0) {
    peers.cannot_stage(work.bytes(Work::grain), one_area ? 1 : size);
    return false;
  }
  const auto place = [&](int rank, unsigned bank, int which) {
    return peers.stage(rank, bank) + static_cast<std::size_t>(which) * area;
  };
  const auto in_block = [&](std::size_t k) {
    const std::size_t left = count - k * each;
    return left < each ? left : each;
  };
  const auto after = [&](int step) { return rank_after(self, 1 + step, size); };  // itself last
  return staged_rounds(
      group, peers, count > each ? (count + each - 1) / each : 1,
      [&](std::size_t k, unsigned bank) {
        if (!work.gives(self)) {
          return;
        }
        if constexpr (one_area) {
          work.stage([&](int) { return place(self, bank, 0); }, 1, self, k * each, in_block(k));
        } else if constexpr (Work::same_for_all) {
          work.stage([&](int step) { return place(after(step), bank, self); }, size, self, k * each,
                     in_block(k));
        } else {
          for (int step = 0; step < size; ++step) {
            const int peer = after(step);
            work.stage(
                [&](int) { return pushes ? place(peer, bank, self) : place(self, bank, peer); }, 1,
                peer, k * each, in_block(k));
          }
        }
      },
      [&](std::size_t k, unsigned bank) {
        work.use(
            [&](int rank) -> const std::byte* {
              return pushes ? place(self, bank, rank) : place(rank, bank, one_area ? 0 : self);
            },
            k* each, in_block(k));
      });
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
