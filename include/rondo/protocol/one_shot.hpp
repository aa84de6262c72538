// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/packets.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstring>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

/// All-reduce of `count` elements that fit a packet or a staging area: everyone reads everyone and
/// folds in rank order. `in` and `out` may be the same memory.
template <cooperative Group, peer_memory Peers, class T, class Reduction>
RONDO_HOST_DEVICE bool one_shot_all_reduce(Group& group, Peers& peers, const T* in, T* out,
                                           std::size_t count, const Reduction& with) {
  using partial = typename Reduction::partial;
  if constexpr (std::is_trivially_default_constructible_v<partial> &&
                sizeof(T) <= packet::capacity) {
    constexpr std::size_t most = packet::capacity / sizeof(T);
    if (count <= most) {
      partial folded[most];
      const bool complete = exchange_packets(
          group, peers, in, count * sizeof(T), [&](int rank, const std::byte* payload) {
            for (std::size_t i = group.thread_rank(); i < count; i += group.size()) {
              T value;
              std::memcpy(&value, payload + i * sizeof(T), sizeof(T));
              folded[i] =
                  rank == 0 ? Reduction::lift(value) : with.fold(folded[i], Reduction::lift(value));
            }
          });
      for (std::size_t i = group.thread_rank(); complete && i < count; i += group.size()) {
        out[i] = with.lower(folded[i]);
      }
      return complete;
    }
  }
  return exchange_stages(group, peers, in, count * sizeof(T), [&](const auto& area) {
    const auto source = [&](int rank) { return reinterpret_cast<const T*>(area(rank)); };
    fold_each(
        group, source, peers.size(), [out](int) { return out; }, 1, 0, count, with);
  });
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
