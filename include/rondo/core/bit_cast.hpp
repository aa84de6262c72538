// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1 {

/// std::bit_cast for the host and the device: the same bytes seen as another type of equal size.
template <class To, class From>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr To bit_cast(
    const From& from) noexcept {
  return __builtin_bit_cast(To, from);
}

}  // namespace rondo::inline v0_1
