// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/detail/minifloat.hpp>
#include <rondo/codec/detail/statistic.hpp>
#include <rondo/codec/integer.hpp>

/// The OCP Microscaling formats (MX specification 1.0, 2023): 32 values share a power of two, one
/// byte. Element and scale bytes are those of other implementations (torchao, cuBLAS); where they
/// stand on the wire is rondo's.
namespace rondo::inline v0_1::codec {

/// How a block's largest magnitude A becomes a power of two.
enum class mx_scale {
  round_up,  ///< ceil(log2(A / largest element)): nothing saturates, as in cuBLAS; the default
  floor      ///< floor(log2 A) - the element's top exponent: the specification's own
};

namespace detail {

/// A scale of the MX formats: 2^(byte - 127), and 255 for NaN.
struct e8m0 {
  std::uint8_t byte;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float value() const {
    const std::uint32_t normal = static_cast<std::uint32_t>(byte) << 23;
    const std::uint32_t bits = select(byte == 0, 0x00400000u, normal);
    return float_of(select(byte == 255, nan_bits, bits));
  }
  /// 1 / value(), exactly.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float inverse() const {
    const std::uint32_t normal = (254u - byte) << 23;
    const std::uint32_t bits = select(byte == 254, 0x00400000u, normal);
    return float_of(select(byte == 255, nan_bits, bits));
  }
  /// The least power of two that is not below x >= 0; 255 for infinity and NaN.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr e8m0 not_below(float x) {
    const std::uint32_t bits = magnitude_of(x);
    const std::uint32_t exponent = bits >> 23;
    const std::uint32_t mantissa = bits & 0x007fffffu;
    // Subnormals: 2^-127 is 0x00400000.
    const bool above = exponent == 0 ? mantissa > 0x00400000u : mantissa != 0 && exponent < 255u;
    return {static_cast<std::uint8_t>(exponent + (above ? 1u : 0u))};
  }
};

/// MX elements that are floats.
template <class Minifloat>
struct mx_float {
  static constexpr int bits = Minifloat::bits;
  static constexpr float largest = Minifloat::largest;
  static constexpr float half_top_step = Minifloat::half_top_step;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static std::uint32_t code_of(float x,
                                                                                   float factor) {
    return minifloat_code<Minifloat>(x, factor);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float value_of(std::uint32_t code,
                                                                            float step) {
    return minifloat_value<Minifloat>(code, step);
  }
};

/// MX elements that are 64ths, -127/64 .. 127/64.
struct mx_integer {
  static constexpr int bits = 8;
  static constexpr float largest = 127.0f / 64;
  static constexpr float half_top_step = 0.5f / 64;

  /// With the rule `floor`, values up to 2 occur: they saturate.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static std::uint32_t code_of(float x,
                                                                                   float factor) {
    return nearest_byte(multiply(multiply(x, factor), 64.0f), -127, 127);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float value_of(std::uint32_t code,
                                                                            float step) {
    return multiply(multiply(static_cast<float>(sign_extended<8>(code)), 1.0f / 64), step);
  }
};

template <class Element, mx_scale Rule>
struct microscaling {
  static constexpr std::size_t block = 32;
  static constexpr int bits = Element::bits;
  static constexpr std::uint8_t poison = 0x7f;
  using scale_type = e8m0;
  using statistic = largest_magnitude;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static e8m0 scale_of(const statistic& seen,
                                                                           std::size_t /*count*/) {
    const e8m0 scale = scale_for(seen.value());
    return {static_cast<std::uint8_t>(select(seen.finite(), scale.byte, 255u))};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static bool is_poison(e8m0 scale) {
    return scale.byte == 255;
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float factor_of(e8m0 scale) {
    return scale.inverse();
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static std::uint32_t code_of(float x,
                                                                                   float factor) {
    return Element::code_of(x, factor);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float step_of(e8m0 scale) {
    return scale.value();
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float value_of(std::uint32_t code,
                                                                            float step) {
    return Element::value_of(code, step);
  }

  /// Half the top step; with `floor`, what saturates may lose more.
  [[nodiscard]] static float max_error(float block_absmax) {
    const float scale = scale_for(block_absmax).value();
    const float saturated = block_absmax - scale * Element::largest;
    const float rounded = scale * Element::half_top_step;
    return saturated > rounded ? saturated : rounded;
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static e8m0 scale_for(float absmax) {
    if constexpr (Rule == mx_scale::round_up) {
      const e8m0 exact = e8m0::not_below(divide(absmax, Element::largest));
      return {static_cast<std::uint8_t>(exact.byte > 254 ? 254 : exact.byte)};
    } else {
      constexpr auto top = bits_of(Element::largest) >> 23;
      const std::uint32_t exponent = bits_of(absmax) >> 23;
      return {static_cast<std::uint8_t>(exponent + 127u < top ? 0u : exponent + 127u - top)};
    }
  }
};

}  // namespace detail

/// MXFP8 with e4m3 elements. 8.25 bits per value.
template <mx_scale Rule = mx_scale::round_up>
struct mxfp8 : block_codec<detail::microscaling<detail::mx_float<detail::e4m3>, Rule>> {};

/// MXFP8 with e5m2 elements. 8.25 bits per value.
template <mx_scale Rule = mx_scale::round_up>
struct mxfp8_e5m2 : block_codec<detail::microscaling<detail::mx_float<detail::e5m2>, Rule>> {};

/// MXFP6 with e2m3 elements. 6.25 bits per value; on Gaussian data as good as MXFP8.
template <mx_scale Rule = mx_scale::round_up>
struct mxfp6_e2m3 : block_codec<detail::microscaling<detail::mx_float<detail::e2m3>, Rule>> {};

/// MXFP6 with e3m2 elements. 6.25 bits per value.
template <mx_scale Rule = mx_scale::round_up>
struct mxfp6_e3m2 : block_codec<detail::microscaling<detail::mx_float<detail::e3m2>, Rule>> {};

/// MXFP4: e2m1 elements. 4.25 bits per value.
template <mx_scale Rule = mx_scale::round_up>
struct mxfp4 : block_codec<detail::microscaling<detail::mx_float<detail::e2m1>, Rule>> {};

/// MXINT8. 8.25 bits per value; on Gaussian data 10 dB better than MXFP8.
template <mx_scale Rule = mx_scale::round_up>
struct mxint8 : block_codec<detail::microscaling<detail::mx_integer, Rule>> {};

}  // namespace rondo::inline v0_1::codec
