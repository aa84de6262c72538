// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

/// Each rank copies its input to its staging area and signals; each rank then has `use(source)`
/// read all areas, where `source(rank)` is the address of that rank's bytes. One phase: banks
/// alternate as packets do.
/// Cost: bytes written once and read by all, one latency. Limit: `peers.stage_bytes()`.
template <cooperative Group, peer_memory Peers, class Use>
RONDO_HOST_DEVICE bool exchange_stages(Group& group, Peers& peers, const void* bytes,
                                       std::size_t count, const Use& use) {
  const std::uint32_t turn = peers.used().stages++ & 1u;
  auto* area = peers.stage(peers.rank(), turn);
  group.sync();
#if defined(__CUDA_ARCH__)
  for (std::size_t i = group.thread_rank(); i < count; i += group.size()) {
    area[i] = static_cast<const std::byte*>(bytes)[i];
  }
#else
  if (count != 0) {
    std::memcpy(area, bytes, count);
  }
#endif
  group.sync();
  if (!meet(group, peers, [&](pad& of) -> std::uint64_t& { return of.staged[turn].word; })) {
    return false;
  }
  use([&](int rank) { return static_cast<const std::byte*>(peers.stage(rank, turn)); });
  return true;
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
