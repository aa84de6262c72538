// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/detail/exchange.hpp>

namespace rondo::inline v0_1::device {

/// Folds element `rank * count + i` of all ranks and gives it to that rank, as element i < count.
/// Who calls, and what may follow, as for all_reduce; `prologue(i)` for i < size * count,
/// `epilogue(i, value)` for i < count. Algorithms: packets, one_shot, automatic (packets where they
/// fit). Order: ranks 0 .. n-1; 16-bit types are folded in fp32.
/// Cost: (n - 1) / n of the elements leave each rank (twice the bytes in packets); one wait, or
/// one a round past the size of packets. Errors: as all_reduce.
template <class Group, peer_window Window, class... Given>
RONDO_HOST_DEVICE bool reduce_scatter(Group group, const Window& window, std::size_t count,
                                      const Given&... given) {
  return detail::exchange_values(detail::scatters{}, group, window, count, given...);
}

/// The same from buffer to buffer: `in` has out.size() elements for each rank. Without a codec, and
/// past the size of packets, ranks load from peers' inputs where they lie; where peers are other
/// processes, `in` is then in the window's heap.
/// Cost: so, each rank loads a part of n inputs, and waits twice. Errors: as all_reduce from
/// buffers.
template <class Group, peer_window Window, class T, class... Given>
RONDO_HOST_DEVICE bool reduce_scatter(Group group, const Window& window, device_span<const T> in,
                                      device_span<T> out, const Given&... given) {
  return detail::exchange_buffers(detail::scatters{}, group, window, out.size(), in, out.data(),
                                  given...);
}

}  // namespace rondo::inline v0_1::device
