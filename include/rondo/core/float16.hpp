// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/bit_cast.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <limits>
#include <type_traits>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

// CUDA's own types of these formats. They are named here for files that never see CUDA's headers,
// so that what is said of them is the same in every file of a program.
struct __half;
struct __nv_bfloat16;

/// The two 16-bit floating-point formats. Both convert to float without being asked, so they
/// compare and compute as floats; the way back rounds and must be written out. The conversions are
/// branchless integer code: the same bits on host and device, in constant expressions, and in
/// loops that the compiler turns into vector code.
namespace rondo::inline v0_1 {

namespace detail {

inline constexpr std::uint32_t float_infinity_bits = 0x7f800000u;

/// All bits or none.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint32_t all_bits(
    bool condition) noexcept {
  return 0u - static_cast<std::uint32_t>(condition);
}

/// condition ? yes : no, without the branch that would keep a loop from becoming vector code.
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint32_t select(
    bool condition, std::uint32_t yes, std::uint32_t no) noexcept {
  return (yes & all_bits(condition)) | (no & ~all_bits(condition));
}

[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint16_t bfloat16_bits(
    float value) noexcept {
  const auto bits = rondo::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  const bool is_nan = (bits & 0x7fffffffu) > float_infinity_bits;
  return static_cast<std::uint16_t>(select(is_nan, 0x7fc00000u, rounded) >> 16);
}

[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint16_t half_bits(
    float value) noexcept {
  const auto bits = rondo::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const std::uint32_t nan = all_bits(magnitude > float_infinity_bits);
  // 2^16 becomes infinite and 1.5 x 2^16 the NaN, by the same sums as all else.
  const std::uint32_t top = 0x47800000u;
  const std::uint32_t clamped = (magnitude < top ? magnitude : top) | (nan & 0x00400000u);

  // A half of exponent e has steps of 2^(e - 10), a subnormal one those of e = -14, and so has a
  // float of 2^(e + 13): what is added to that is rounded to steps, which its last bits then count.
  // A normal half counts 2^10 steps more than its mantissa says, one step of the exponent.
  const std::uint32_t lowest = 0x38800000u;  // 2^-14
  const std::uint32_t exponent = clamped & float_infinity_bits;
  const std::uint32_t scale = exponent > lowest ? exponent : lowest;
  const std::uint32_t zero_steps = scale + 0x06800000u;
  const std::uint32_t steps = rondo::bit_cast<std::uint32_t>(rondo::bit_cast<float>(clamped) +
                                                             rondo::bit_cast<float>(zero_steps)) -
                              zero_steps;
  const std::uint32_t sign = (bits >> 16) & 0x8000u & ~nan;
  return static_cast<std::uint16_t>((((scale - lowest) >> 13) + steps) | sign);
}

[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float half_value(
    std::uint16_t bits) noexcept {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t magnitude = (bits & 0x7fffu) << 13;
  // Exponents are biased by 15 and by 127. Infinity and NaN have the last one of each.
  const std::uint32_t normal =
      magnitude + select(magnitude < 0x0f800000u, 0x38000000u, 0x70000000u);
  const std::uint32_t subnormal =
      rondo::bit_cast<std::uint32_t>(rondo::bit_cast<float>(magnitude + 0x38800000u) - 0x1p-14f);
  return rondo::bit_cast<float>(select(magnitude < 0x00800000u, subnormal, normal) | sign);
}

}  // namespace detail

/// 1 sign, 8 exponent and 7 mantissa bits: the range of float with a relative error of 2^-8.
/// From float: to nearest, ties to even; what rounds past the top is infinite. Every NaN becomes
/// the same one: of two, a processor keeps either, by the order in which a compiler puts them.
struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  RONDO_HOST_DEVICE explicit constexpr bfloat16(float value) noexcept
      : bits{detail::bfloat16_bits(value)} {}
  RONDO_HOST_DEVICE constexpr operator float() const noexcept {
    return rondo::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr bfloat16 from_bits(std::uint16_t bits) noexcept {
    return rondo::bit_cast<bfloat16>(bits);
  }

  /// From and to CUDA's own type.
  template <class T>
  requires std::is_same_v<T, __nv_bfloat16> RONDO_HOST_DEVICE explicit bfloat16(T value) noexcept
      : bits{rondo::bit_cast<std::uint16_t>(value)} {}
  template <class T>
  requires std::is_same_v<T, __nv_bfloat16> RONDO_HOST_DEVICE explicit operator T() const noexcept {
    return rondo::bit_cast<T>(bits);
  }
};

/// IEEE binary16: 1 sign, 5 exponent and 10 mantissa bits; largest value 65504, relative error
/// 2^-11. From float: to nearest, ties to even, subnormals kept; what rounds past the top is
/// infinite. Every NaN becomes the same one.
struct half {
  std::uint16_t bits;

  half() = default;
  RONDO_HOST_DEVICE explicit constexpr half(float value) noexcept
      : bits{detail::half_bits(value)} {}
  RONDO_HOST_DEVICE constexpr operator float() const noexcept { return detail::half_value(bits); }
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr half from_bits(std::uint16_t bits) noexcept {
    return rondo::bit_cast<half>(bits);
  }

  /// From and to CUDA's own type.
  template <class T>
  requires std::is_same_v<T, __half> RONDO_HOST_DEVICE explicit half(T value) noexcept
      : bits{rondo::bit_cast<std::uint16_t>(value)} {}
  template <class T>
  requires std::is_same_v<T, __half> RONDO_HOST_DEVICE explicit operator T() const noexcept {
    return rondo::bit_cast<T>(bits);
  }
};

static_assert(sizeof(bfloat16) == 2 && sizeof(half) == 2);

/// Sums of 16-bit values are kept in float.
template <>
struct accumulator<bfloat16> {
  using type = float;
};
template <>
struct accumulator<half> {
  using type = float;
};
template <>
struct accumulator<__nv_bfloat16> {
  using type = float;
};
template <>
struct accumulator<__half> {
  using type = float;
};

namespace detail {

/// What both formats' numeric limits share.
template <class T>
struct float16_limits {
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = true;
  static constexpr bool is_integer = false;
  static constexpr bool is_exact = false;
  static constexpr bool is_iec559 = true;
  static constexpr bool is_bounded = true;
  static constexpr bool is_modulo = false;
  static constexpr bool has_infinity = true;
  static constexpr bool has_quiet_NaN = true;
  static constexpr bool has_signaling_NaN = false;
  static constexpr int radix = 2;
  static constexpr auto round_style = std::round_to_nearest;
  static constexpr T denorm_min() noexcept { return T::from_bits(1); }
};

}  // namespace detail
}  // namespace rondo::inline v0_1

template <>
struct std::numeric_limits<rondo::bfloat16> : rondo::detail::float16_limits<rondo::bfloat16> {
  using type = rondo::bfloat16;
  static constexpr int digits = 8;
  static constexpr int min_exponent = -125;
  static constexpr int max_exponent = 128;
  static constexpr type(min)() noexcept { return type::from_bits(0x0080); }
  static constexpr type(max)() noexcept { return type::from_bits(0x7f7f); }
  static constexpr type lowest() noexcept { return type::from_bits(0xff7f); }
  static constexpr type epsilon() noexcept { return type::from_bits(0x3c00); }
  static constexpr type infinity() noexcept { return type::from_bits(0x7f80); }
  static constexpr type quiet_NaN() noexcept { return type::from_bits(0x7fc0); }
};

template <>
struct std::numeric_limits<rondo::half> : rondo::detail::float16_limits<rondo::half> {
  using type = rondo::half;
  static constexpr int digits = 11;
  static constexpr int min_exponent = -13;
  static constexpr int max_exponent = 16;
  static constexpr type(min)() noexcept { return type::from_bits(0x0400); }
  static constexpr type(max)() noexcept { return type::from_bits(0x7bff); }
  static constexpr type lowest() noexcept { return type::from_bits(0xfbff); }
  static constexpr type epsilon() noexcept { return type::from_bits(0x1400); }
  static constexpr type infinity() noexcept { return type::from_bits(0x7c00); }
  static constexpr type quiet_NaN() noexcept { return type::from_bits(0x7e00); }
};
