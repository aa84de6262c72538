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

/// Halves go away from 0. Of a number that no whole number holds, the largest one.
[[nodiscard]] constexpr long long nearest_whole(double value) noexcept {
  constexpr double most = 9e18;
  const double kept = value < -most ? -most : value < most ? value : most;
  const auto cut = static_cast<long long>(kept);
  const double rest = kept - static_cast<double>(cut);  // exact, where value + 0.5 would be rounded
  return cut + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
}

}  // namespace rondo::inline v0_1
