// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/bit_cast.hpp>
#include <rondo/version.hpp>

#include <cstdint>

namespace rondo::inline v0_1 {

/// Neither infinite nor not a number. Reads the bits of the exponent: under -ffast-math compilers
/// take arithmetic and std::isfinite to know the answer.
[[nodiscard]] constexpr bool is_finite(float value) noexcept {
  constexpr std::uint32_t exponent = 0x7f800000u;
  return (rondo::bit_cast<std::uint32_t>(value) & exponent) != exponent;
}
[[nodiscard]] constexpr bool is_finite(double value) noexcept {
  constexpr std::uint64_t exponent = 0x7ff0000000000000u;
  return (rondo::bit_cast<std::uint64_t>(value) & exponent) != exponent;
}

/// Of a number that no whole number holds, the largest one.
[[nodiscard]] constexpr long long nearest_whole(double value) noexcept {
  constexpr double most = 9e18;
  const double away = value + (value < 0 ? -0.5 : 0.5);
  return static_cast<long long>(away < -most ? -most : away < most ? away : most);
}

}  // namespace rondo::inline v0_1
