// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/device/detail/turn.hpp>
#include <rondo/device/window.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstdint>

namespace rondo::inline v0_1::device::detail {

/// False, and a report, if a kernel's group has too few threads for what it shares out to warps.
template <class Group, class Turn>
[[nodiscard]] RONDO_HOST_DEVICE bool has_threads([[maybe_unused]] Group& group,
                                                 [[maybe_unused]] Turn& mine,
                                                 [[maybe_unused]] unsigned least) {
#if defined(__CUDA_ARCH__)
  if (group.size() < least) {
    mine.tell(trouble::few_threads, mine.rank(), least);
    return false;
  }
#endif
  return true;
}

/// Makes one call of a group: `body(turn)` unless an earlier one has failed. True, on all threads,
/// if all waits ended.
template <protocol::cooperative Group, peer_window Window, class Body>
RONDO_HOST_DEVICE bool in_call(Group& group, const Window& window, std::uint16_t fingerprint,
                               const Body& body) {
  turn<Window> mine{window, fingerprint};
  if (!protocol::agree(group, mine.usable())) {
    return false;
  }
  const bool complete = body(mine);
  mine.close(group);
  return complete;
}

}  // namespace rondo::inline v0_1::device::detail
