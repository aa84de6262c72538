// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/detail/arithmetic.hpp>

/// What a block's scale is made of. Each is an integer maximum over the bits of the floats, so it
/// does not depend on the order (a vector loop, or lanes that shuffle, give the same), and a NaN or
/// an infinity always comes out on top.
namespace rondo::inline v0_1::codec::detail {

/// The largest magnitude, as bits.
struct largest_magnitude {
  std::uint32_t bits = 0;

  template <std::size_t N>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr largest_magnitude observe(
      const float (&x)[N]) {
    std::int32_t largest = 0;
    for (std::size_t i = 0; i < N; ++i) {
      const auto bits = static_cast<std::int32_t>(magnitude_of(x[i]));
      largest = bits > largest ? bits : largest;
    }
    return {static_cast<std::uint32_t>(largest)};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr largest_magnitude combine(
      largest_magnitude a, largest_magnitude b) {
    return a.bits > b.bits ? a : b;
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr bool finite() const { return bits < infinity_bits; }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr float value() const { return float_of(bits); }
};

/// The value of largest magnitude, with its sign; of two opposite ones, the negative.
struct farthest_value {
  std::uint32_t rotated = 0;  ///< the float's bits rotated left by one: magnitude, then sign

  template <std::size_t N>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr farthest_value observe(
      const float (&x)[N]) {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < N; ++i) {
      const std::uint32_t bits = bits_of(x[i]);
      const std::uint32_t rotated = (bits << 1) | (bits >> 31);
      largest = rotated > largest ? rotated : largest;
    }
    return {largest};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr farthest_value combine(
      farthest_value a, farthest_value b) {
    return a.rotated > b.rotated ? a : b;
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr bool finite() const {
    return (rotated >> 1) < infinity_bits;
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr float value() const {
    return float_of((rotated >> 1) | (rotated << 31));
  }
};

/// The least and the greatest value, as integers that order as the floats do.
struct extent {
  std::int32_t least = 0x7fffffff;
  std::int32_t greatest = -0x7fffffff - 1;

  /// Its own inverse.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr std::int32_t ordered(
      std::int32_t bits) {
    return bits ^ ((bits >> 31) & 0x7fffffff);
  }

  template <std::size_t N>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr extent observe(
      const float (&x)[N]) {
    extent seen;
    for (std::size_t i = 0; i < N; ++i) {
      const std::int32_t key = ordered(static_cast<std::int32_t>(bits_of(x[i])));
      seen.least = key < seen.least ? key : seen.least;
      seen.greatest = key > seen.greatest ? key : seen.greatest;
    }
    return seen;
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr extent combine(extent a,
                                                                                      extent b) {
    return {a.least < b.least ? a.least : b.least,
            a.greatest > b.greatest ? a.greatest : b.greatest};
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr bool finite() const {
    constexpr auto infinity = static_cast<std::int32_t>(infinity_bits);
    return greatest < infinity && least > ordered(-0x7fffffff - 1 + infinity);
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr float minimum() const {
    return float_of(static_cast<std::uint32_t>(ordered(least)));
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr float maximum() const {
    return float_of(static_cast<std::uint32_t>(ordered(greatest)));
  }
};

}  // namespace rondo::inline v0_1::codec::detail

namespace rondo::inline v0_1::codec {

/// For formats of one's own.
using detail::extent;
using detail::farthest_value;
using detail::largest_magnitude;

}  // namespace rondo::inline v0_1::codec
