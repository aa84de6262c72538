// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/finite.hpp>
#include <rondo/version.hpp>

#include <cstdint>

namespace rondo::inline v0_1::data {

/// Numbers in [-clip, clip] as whole numbers 0 .. largest, whose sum is taken modulo 2^32. The
/// defaults are Flower's (SecAgg+: clipping range 8, quantisation range 2^22, modulus 2^32).
struct fixed_point {
  double clip = 8;
  std::uint32_t largest = (std::uint32_t{1} << 22) - 1;

  [[nodiscard]] constexpr bool valid() const {
    return clip > 0 && is_finite(2 * clip) && largest > 0;
  }
  /// Between neighbours; a value is at most half a step from its number.
  [[nodiscard]] constexpr double step() const { return 2 * clip / largest; }
  /// How many numbers a sum has room for before it can wrap: 1024 by default; 0 of a grid that is
  /// not valid.
  [[nodiscard]] constexpr std::uint64_t room() const { return valid() ? 0xffffffffU / largest : 0; }

  /// round((clip(x) + clip) / (2 clip) * largest), halves up; what is not a number is 0, the lowest
  /// (`secure_average` refuses it).
  [[nodiscard]] constexpr std::uint32_t encode(double x) const {
    const double inside = !(x >= -clip) ? -clip : x > clip ? clip : x;
    return static_cast<std::uint32_t>((inside + clip) / (2 * clip) * largest + 0.5);
  }
  /// The mean of `count` numbers whose sum is given.
  [[nodiscard]] constexpr double decode(std::uint32_t sum, std::uint64_t count) const {
    return static_cast<double>(sum) / static_cast<double>(count) / largest * (2 * clip) - clip;
  }
  friend constexpr bool operator==(const fixed_point&, const fixed_point&) = default;
};

}  // namespace rondo::inline v0_1::data
