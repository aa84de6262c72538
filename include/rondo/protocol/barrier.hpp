// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

/// Returns when all ranks have come. One word per rank, watched by all; words alternate as packets
/// do. Cost: one latency.
template <cooperative Group, peer_memory Peers>
RONDO_HOST_DEVICE bool barrier(Group& group, Peers& peers) {
  const std::uint32_t turn = peers.used().arrivals++ & 1u;
  group.sync();
  return meet(group, peers, [&](pad& of) -> std::uint64_t& { return of.arrived[turn].word; });
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
