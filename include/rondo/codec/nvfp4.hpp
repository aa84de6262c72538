// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/detail/minifloat.hpp>
#include <rondo/codec/detail/statistic.hpp>

namespace rondo::inline v0_1::codec {

namespace detail {

/// The largest magnitude of what is finite: one NaN must not spoil the scale of all.
struct largest_finite {
  std::uint32_t bits = 0;

  template <std::size_t N>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr largest_finite observe(
      const float (&x)[N]) {
    std::int32_t largest = 0;
    for (std::size_t i = 0; i < N; ++i) {
      const std::uint32_t given = magnitude_of(x[i]);
      const auto bits = static_cast<std::int32_t>(select(given < infinity_bits, given, 0));
      largest = bits > largest ? bits : largest;
    }
    return {static_cast<std::uint32_t>(largest)};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static constexpr largest_finite combine(
      largest_finite a, largest_finite b) {
    return a.bits > b.bits ? a : b;
  }
};

struct nvfp4_format {
  static constexpr std::size_t block = 16;
  static constexpr int bits = 4;

  struct scale_type {
    std::uint8_t code;  ///< e4m3
  };
  using statistic = largest_magnitude;
  /// What is asked of all values before the first is encoded.
  using survey = largest_finite;
  /// The factor that brings the largest magnitude of all to 448 * 6; stands in the header.
  struct message {
    float factor = 1;
    float inverse = 1;
  };

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static message begin(survey seen) {
    constexpr float largest_float = 0x1.fffffep127f;
    const float absmax = float_of(seen.bits);
    if (absmax == 0) {
      return {};
    }
    const float factor = divide(e4m3::largest * e2m1::largest, absmax);
    const float kept = factor > largest_float ? largest_float : factor;
    return {kept, divide(1.0f, kept)};
  }
  /// The products are in Transformer Engine's order (core_nvfp4.cuh): another one rounds a block in
  /// four million to another code.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static scale_type scale_of(
      const statistic& seen, std::size_t /*count*/, const message& told) {
    const float share = multiply(seen.value(), multiply(told.factor, 1.0f / e2m1::largest));
    return {static_cast<std::uint8_t>(select(seen.finite(), e4m3::encode(share), 0x7f))};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static bool is_poison(scale_type scale) {
    return scale.code == 0x7f;
  }
  /// Of a block whose scale has rounded to zero, too: its codes are the greatest, as in Transformer
  /// Engine, and worth nothing.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float factor_of(scale_type scale,
                                                                             const message& told) {
    const std::uint32_t inverse = bits_of(divide(1.0f, step_of(scale, told)));
    constexpr std::uint32_t largest_float = infinity_bits - 1u;
    return float_of(inverse < largest_float ? inverse : largest_float);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static std::uint32_t code_of(float x,
                                                                                   float factor) {
    return minifloat_code<e2m1>(x, factor);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float step_of(scale_type scale,
                                                                           const message& told) {
    return multiply(e4m3::decode(scale.code), told.inverse);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float value_of(std::uint32_t code,
                                                                            float step) {
    return minifloat_value<e2m1>(code, step);
  }
};

}  // namespace detail

/// NVFP4: e2m1 elements, an e4m3 scale per 16 values and one float per message, as in NVIDIA's
/// Transformer Engine. 4.5 bits per value. Encoding reads its input twice.
struct nvfp4 : block_codec<detail::nvfp4_format> {
  /// |value - decoded|, for a block of this largest magnitude in a message of that one: half the
  /// top step, where the scale may be 1/16 off, or more where it falls below e4m3's range.
  [[nodiscard]] static float max_error(float block_absmax, float message_absmax) {
    const float lost_below_e4m3 = 6 * (message_absmax * (0x1p-10f / 448));
    const float lost_below_float = 8 * detail::smallest_normal;
    return block_absmax * (1.0f / 6 + 1.0f / 16) + lost_below_e4m3 + lost_below_float;
  }
  [[nodiscard]] static float max_error(float absmax) { return max_error(absmax, absmax); }
};

}  // namespace rondo::inline v0_1::codec
