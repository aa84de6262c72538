// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/detail/arithmetic.hpp>
#include <rondo/codec/detail/bit_pack.hpp>
#include <rondo/core/vectorize.hpp>

/// The floating-point formats of 8, 6 and 4 bits, as branchless integer code for vector loops and
/// for GPUs without instructions for them.
namespace rondo::inline v0_1::codec::detail {

/// 1 sign bit, `ExponentBits`, `MantissaBits`. `Largest` is the code of the greatest finite value;
/// `Infinity` that of infinity and `FirstNan` the least NaN, for formats that have them.
template <int ExponentBits, int MantissaBits, std::uint32_t Largest, std::uint32_t Infinity = 0x100,
          std::uint32_t FirstNan = 0x100>
struct minifloat {
  static constexpr int bits = 1 + ExponentBits + MantissaBits;
  static constexpr int bias = (1 << (ExponentBits - 1)) - 1;
  static constexpr std::uint32_t sign_bit = 1u << (bits - 1);
  static constexpr bool has_nan = FirstNan < 0x100;

  /// The value of a code.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr float decode(
      std::uint32_t code) {
    const std::uint32_t sign = (code << (32 - bits)) & 0x80000000u;
    const std::uint32_t magnitude = code & (sign_bit - 1u);
    // As if every code had a hidden bit: right for all but the subnormal ones. Twice that without
    // the hidden bit of the smallest normal is right for those, and larger for the others.
    const std::uint32_t normal = (magnitude << shift) + rebase;
    const std::uint32_t subnormal =
        bits_of(float_of(normal + 0x00800000u) - float_of(smallest_normal_bits));
    std::uint32_t result = signed_bits(subnormal) < signed_bits(normal) ? subnormal : normal;
    if constexpr (has_nan) {
      result = select(magnitude >= FirstNan, nan_bits, result);
    }
    if constexpr (Infinity < 0x100) {
      result = select(magnitude == Infinity, infinity_bits, result);
    }
    return float_of(result | sign);
  }

  /// The code nearest to x, ties to even; past the greatest finite value, that. The sign is kept.
  /// For NaN, too, it is the greatest: blocks mark NaN in their scale.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr std::uint32_t encode(
      float x) {
    const std::int32_t given = signed_bits(magnitude_of(x));
    const std::int32_t magnitude =
        given < signed_bits(largest_bits) ? given : signed_bits(largest_bits);
    // The power of two at or below x, or the smallest normal one: 2^e.
    const std::int32_t own = magnitude & signed_bits(infinity_bits);
    constexpr std::int32_t least = signed_bits(smallest_normal_bits);
    const std::int32_t power = own > least ? own : least;
    // A float of 2^(e + shift) has steps of 2^(e - MantissaBits): adding it rounds x to them, and
    // leaves their number, hidden bit and all, in its low bits. The exponent is counted from the
    // smallest normal power, which is taken off there, too: an even number, so ties stay right.
    const std::int32_t rounder = power + (shift << 23) + (0x10000 - (least >> shift));
    const float rounded = float_of(static_cast<std::uint32_t>(magnitude)) +
                          float_of(static_cast<std::uint32_t>(rounder));
    const std::uint32_t code = bits_of(rounded) + (static_cast<std::uint32_t>(power) >> shift);
    // What stands above the code is shifted out. Joined with the sign at the top: at the bottom,
    // compilers would narrow both to bytes apart.
    return (code << (32 - bits) | (bits_of(x) & 0x80000000u)) >> (32 - bits);
  }

  /// The greatest finite value.
  static constexpr float largest =
      float_of((Largest << (23 - MantissaBits)) + (static_cast<std::uint32_t>(127 - bias) << 23));

  /// Half the distance of the two greatest.
  static constexpr float half_top_step =
      (largest - float_of(((Largest - 1u) << (23 - MantissaBits)) +
                          (static_cast<std::uint32_t>(127 - bias) << 23))) /
      2;

 private:
  static constexpr int shift = 23 - MantissaBits;
  static constexpr std::uint32_t rebase = static_cast<std::uint32_t>(127 - bias) << 23;
  static constexpr std::uint32_t largest_bits = (Largest << shift) + rebase;
  static constexpr std::uint32_t smallest_normal_bits = static_cast<std::uint32_t>(128 - bias)
                                                        << 23;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr std::int32_t signed_bits(
      std::uint32_t bits_given) {
    return static_cast<std::int32_t>(bits_given);
  }
};

using e4m3 = minifloat<4, 3, 0x7e, 0x100, 0x7f>;
using e5m2 = minifloat<5, 2, 0x7b, 0x7c, 0x7d>;
using e2m3 = minifloat<2, 3, 0x1f>;
using e3m2 = minifloat<3, 2, 0x1f>;
using e2m1 = minifloat<2, 1, 0x07>;

/// The code of x * factor.
template <class Element>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint32_t minifloat_code(
    float x, float factor) {
  return Element::encode(multiply(x, factor));
}

/// The value of a code, times `step`.
template <class Element>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float minifloat_value(
    std::uint32_t code, float step) {
  return multiply(Element::decode(code), step);
}

}  // namespace rondo::inline v0_1::codec::detail
