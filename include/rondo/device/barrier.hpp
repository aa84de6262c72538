// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/detail/elements.hpp>
#include <rondo/device/detail/in_call.hpp>
#include <rondo/protocol/barrier.hpp>

namespace rondo::inline v0_1::device {

/// Returns when the same slot of every rank has come: what their groups wrote before, to memory of
/// any rank, can then be read by this one. Slots do not wait for each other; for whole grids,
/// synchronise the grid before and behind. Called by all threads of a group, on every rank.
/// Cost: one word stored to each of n - 1 peers, and one wait. Errors: as all_reduce.
template <class Group, peer_window Window>
RONDO_HOST_DEVICE bool barrier(Group group, const Window& window) {
  constexpr auto name = detail::hash_of_types<>("barrier");
  return detail::in_call(group, window, detail::fingerprint(name, 0, window.slot_count()),
                         [&](auto& mine) { return protocol::barrier(group, mine); });
}

}  // namespace rondo::inline v0_1::device
