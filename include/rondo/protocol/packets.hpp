// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstring>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

/// Each rank writes its few bytes and their signal into one cache line; every peer reads that line.
/// Lines are used in turn by parity: who is a call ahead has seen that all have left the call
/// before, so two suffice and nobody waits to leave.
///
/// `read(rank, bytes)` is called for ranks 0 .. size-1 in order.
/// Cost: one message of one line to each peer, one latency.
template <cooperative Group, peer_memory Peers, class Read>
RONDO_HOST_DEVICE bool exchange_packets(Group& group, Peers& peers, const void* bytes,
                                        std::size_t count, const Read& read) {
  const std::uint32_t turn = peers.used().packets++ & 1u;
  group.sync();
  const bool all_came = meet(
      group, peers, [&](pad& of) -> std::uint64_t& { return of.packets[turn].word; },
      [&](pad& to) {
        if (count != 0) {  // `bytes` may be null
          std::memcpy(to.packets[turn].payload, bytes, count);
        }
      });
  if (!all_came) {
    return false;
  }
  for (int rank = 0; rank < peers.size(); ++rank) {
    read(rank, static_cast<const std::byte*>(peers.pad(rank).packets[turn].payload));
  }
  return true;
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
