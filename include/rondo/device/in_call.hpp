// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/device/turn.hpp>
#include <rondo/device/window.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstdint>

namespace rondo::inline v0_1::device::detail {

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
