// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/detail/exchange.hpp>

namespace rondo::inline v0_1::device {

/// Gives the root's `count` elements to all ranks. Who calls, and what may follow, as for
/// all_reduce, and `root{r}` (default 0). The prologue is called on the root alone, the epilogue on
/// all ranks, the root included. Algorithms: one_shot, automatic.
/// Cost: n - 1 times the elements leave the root; one wait a round. Errors: as all_reduce, and
/// error_code::invalid_argument for a root that is no rank.
template <class Group, peer_window Window, class... Given>
RONDO_HOST_DEVICE bool broadcast(Group group, const Window& window, std::size_t count,
                                 const Given&... given) {
  const root from = detail::pick<detail::is_root>(root{}, given...);
  return detail::exchange_values(detail::broadcasts{from.rank}, group, window, count, given...);
}

/// The same in place: every rank passes a buffer of as many elements. Without a codec, ranks load
/// from the root's buffer where it lies; where peers are other processes, it is in the window's
/// heap.
/// Cost: so, each rank loads the root's elements, and waits twice. Errors: as all_reduce from
/// buffers, and for a root that is no rank.
template <class Group, peer_window Window, class T, class... Given>
requires(!std::is_const_v<T>) RONDO_HOST_DEVICE
    bool broadcast(Group group, const Window& window, device_span<T> values,
                   const Given&... given) {
  const root from = detail::pick<detail::is_root>(root{}, given...);
  return detail::exchange_buffers(detail::broadcasts{from.rank}, group, window, values.size(),
                                  device_span<const T>{values}, values.data(), given...);
}

}  // namespace rondo::inline v0_1::device
