// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/detail/exchange.hpp>

namespace rondo::inline v0_1::device {

/// Rank r gets element `r * count + i` of each rank s, as element s * count + i, for i < count. Who
/// calls, and what may follow, as for all_reduce; prologue and epilogue for size * count elements.
/// Algorithms: packets, one_shot, automatic (packets where they fit).
/// Cost: (n - 1) / n of the elements leave each rank (twice the bytes in packets); one wait, or
/// one a round past the size of packets. Errors: as all_reduce.
template <class Group, peer_window Window, class... Given>
RONDO_HOST_DEVICE bool all_to_all(Group group, const Window& window, std::size_t count,
                                  const Given&... given) {
  return detail::exchange_values(detail::transposes{}, group, window, count, given...);
}

/// The same from buffer to buffer, which must not overlap; each has as many elements for every
/// rank. Without a codec, and past the size of packets, ranks load from peers' inputs where they
/// lie; where peers are other processes, `in` is then in the window's heap.
/// Cost: so, each rank loads a part of n - 1 inputs, and waits twice. Errors: as all_reduce from
/// buffers.
template <class Group, peer_window Window, class T, class... Given>
RONDO_HOST_DEVICE bool all_to_all(Group group, const Window& window, device_span<const T> in,
                                  device_span<T> out, const Given&... given) {
  const std::size_t count = in.size() / static_cast<std::size_t>(window.size());
  return detail::exchange_buffers(detail::transposes{}, group, window, count, in, out.data(),
                                  given...);
}

}  // namespace rondo::inline v0_1::device
