// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/bit_cast.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

/// Float arithmetic that gives the same bits on the host and on the device, whatever the flags.
namespace rondo::inline v0_1::codec::detail {

using rondo::detail::select;

inline constexpr std::uint32_t magnitude_mask = 0x7fffffffu;
inline constexpr std::uint32_t infinity_bits = 0x7f800000u;
inline constexpr std::uint32_t nan_bits = 0x7fc00000u;
inline constexpr float smallest_normal = 0x1p-126f;

[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint32_t bits_of(float value) {
  return rondo::bit_cast<std::uint32_t>(value);
}
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float float_of(std::uint32_t bits) {
  return rondo::bit_cast<float>(bits);
}
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint32_t magnitude_of(float x) {
  return bits_of(x) & magnitude_mask;
}

/// a * b, rounded on its own: a device compiler would fuse it with the addition that follows. (The
/// host's loops run under `vectorized`, where fusing is off.)
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float multiply(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}

[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float divide(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}

/// A sum on its way to being an average, or one that stays a sum: by 1 nothing is divided.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float divide_sum(float sum,
                                                                               float divisor) {
  return divisor == 1 ? sum : divide(sum, divisor);
}

/// The integer nearest to x, ties to even, for |x| <= 2^22: adding 1.5 * 2^23 leaves it in the low
/// bits of the sum. Any other x, NaN too, gives some integer; nothing is undefined.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::int32_t nearest_integer(
    float x) {
  return static_cast<std::int32_t>(bits_of(x + 0x1.8p23f) - bits_of(0x1.8p23f));
}

/// A lower bound that is none.
inline constexpr std::int32_t unbounded = -0x7fffffff - 1;

/// Its low 8 bits, brought within lowest .. highest first. The bounds have names of their own, for
/// of `narrow(a < b ? b : a)` GCC makes `a < b ? narrow(b) : narrow(a)`, which is twice the work.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint32_t nearest_byte(
    float x, std::int32_t lowest, std::int32_t highest) {
  const auto sum = static_cast<std::int32_t>(bits_of(x + 0x1.8p23f));
  constexpr auto zero = static_cast<std::int32_t>(bits_of(0x1.8p23f));
  const std::int32_t least = lowest == unbounded ? unbounded : zero + lowest;
  const std::int32_t raised = sum < least ? least : sum;
  const std::int32_t kept = raised > zero + highest ? zero + highest : raised;
  return static_cast<std::uint32_t>(kept);
}

/// The greatest finite `Scale` that is not above `value`; the least, if there is none.
template <class Scale>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr Scale rounded_down(float value) {
  if constexpr (std::is_same_v<Scale, float>) {
    return value;
  } else {
    // Cutting the mantissa rounds towards zero; a negative value then needs one step away from it.
    const std::uint32_t cut = bits_of(value) >> 16;
    const bool above = value < 0 && (bits_of(value) & 0xffffu) != 0 && cut != 0xff7fu;
    return Scale::from_bits(static_cast<std::uint16_t>(cut + (above ? 1u : 0u)));
  }
}

/// The least `Scale` that is not below `value`, a normal positive float.
template <class Scale>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr Scale rounded_up(float value) {
  if constexpr (std::is_same_v<Scale, float>) {
    return value;
  } else {
    const auto nearest = Scale{value};
    const bool below = float{nearest} < value;
    return Scale::from_bits(static_cast<std::uint16_t>(nearest.bits + (below ? 1 : 0)));
  }
}

/// The larger of two that are not negative, compared as integers: one step of a vector loop, where
/// floats are three.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float larger_magnitude(float a,
                                                                                     float b) {
  const std::uint32_t x = bits_of(a);
  const std::uint32_t y = bits_of(b);
  return float_of(x < y ? y : x);
}

/// `value` where `condition` holds, else 0.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float value_if(bool condition,
                                                                             float value) {
  return float_of(select(condition, bits_of(value), 0));
}

/// `scale` where `finite` holds, else NaN.
template <class Scale>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr Scale scale_or_nan(bool finite,
                                                                                 Scale scale) {
  if constexpr (std::is_same_v<Scale, float>) {
    return float_of(select(finite, bits_of(scale), nan_bits));
  } else {
    return Scale::from_bits(static_cast<std::uint16_t>(select(finite, scale.bits, nan_bits >> 16)));
  }
}

/// -scale where `condition` holds.
template <class Scale>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr Scale negated_if(bool condition,
                                                                               Scale scale) {
  const std::uint32_t flip = select(condition, 0x80000000u, 0);
  if constexpr (std::is_same_v<Scale, float>) {
    return float_of(bits_of(scale) ^ flip);
  } else {
    return Scale::from_bits(static_cast<std::uint16_t>(scale.bits ^ (flip >> 16)));
  }
}

/// 1 / scale, and 0 for the scale of a block of zeros or a poisoned one.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float inverse_or_zero(float scale) {
  return value_if(magnitude_of(scale) - 1u < infinity_bits - 1u, divide(1.0f, scale));
}

}  // namespace rondo::inline v0_1::codec::detail
