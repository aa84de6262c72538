// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <cstdint>

namespace rondo::inline v0_1::detail {

/// splitmix64's finaliser (Steele, Lea, Flood 2014): every input bit reaches every output bit. Of
/// 0, g, 2 g, .. with g = 0x9e3779b97f4a7c15 it makes splitmix64's random numbers.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint64_t mixed(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace rondo::inline v0_1::detail
