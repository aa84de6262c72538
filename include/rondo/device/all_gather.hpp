// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/detail/exchange.hpp>

namespace rondo::inline v0_1::device {

/// Gives the `count` elements of each rank r to all ranks, as elements r * count + i. Who calls,
/// and what may follow, as for all_reduce; `prologue(i)` for i < count, `epilogue(i, value)` for i
/// < size * count. Algorithms: packets, one_shot, automatic (packets where they fit). Order: none,
/// the elements go as they are, or through the codec once.
/// Cost: n - 1 times the elements leave each rank (twice the bytes in packets); one wait, or
/// one a round past the size of packets. Errors: as all_reduce.
template <class Group, peer_window Window, class... Given>
RONDO_HOST_DEVICE bool all_gather(Group group, const Window& window, std::size_t count,
                                  const Given&... given) {
  return detail::exchange_values(detail::gathers{}, group, window, count, given...);
}

/// The same from buffer to buffer; `out` has in.size() elements of each rank. Without a codec, and
/// past the size of packets, ranks load from peers' inputs where they lie; `in` may be the rank's
/// part of `out`. Where peers are other processes, `in` then lies in the window's heap.
/// Cost: so, each rank loads n - 1 inputs, and waits twice. Errors: as all_reduce from buffers.
template <class Group, peer_window Window, class T, class... Given>
RONDO_HOST_DEVICE bool all_gather(Group group, const Window& window, device_span<const T> in,
                                  device_span<T> out, const Given&... given) {
  return detail::exchange_buffers(detail::gathers{}, group, window, in.size(), in, out.data(),
                                  given...);
}

}  // namespace rondo::inline v0_1::device
