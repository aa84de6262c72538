// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

/// std::min and std::max for host and device, without the 11,000 lines of `algorithm`.
namespace rondo::inline v0_1 {

template <class T>
[[nodiscard]] RONDO_HOST_DEVICE constexpr const T& smaller(const T& a, const T& b) noexcept {
  return b < a ? b : a;
}

template <class T>
[[nodiscard]] RONDO_HOST_DEVICE constexpr const T& larger(const T& a, const T& b) noexcept {
  return a < b ? b : a;
}

}  // namespace rondo::inline v0_1
