// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/detail/statistic.hpp>

/// Small integers times a scale per block, rounded to nearest.
///
/// The scale is the block's largest magnitude over the largest code, rounded up to the type it is
/// stored in, so that no code overflows. Blocks whose scale would be below 2^-126 use that. Block
/// integers as in QuickReduce (github.com/mk1-project/quickreduce) and ZeRO++ (Wang et al. 2023,
/// arXiv:2306.10209), but with all arithmetic in fp32.
namespace rondo::inline v0_1::codec {

namespace detail {

struct no_dither {
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float operator()(float x, std::size_t) const {
    return x;
  }
};

/// Rounds to integers within bounds and packs them.
template <int Bits, std::size_t N, class Dither>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void pack_integers(
    const float (&x)[N], float inverse, std::int32_t lowest, std::int32_t highest,
    const Dither& dither, std::uint8_t (&payload)[packed_bytes<Bits, N>]) {
  std::uint8_t codes[N];
  for (std::size_t i = 0; i < N; ++i) {
    codes[i] = static_cast<std::uint8_t>(
        nearest_byte(dither(multiply(x[i], inverse), i), lowest, highest));
  }
  detail::pack<Bits>(codes, payload);
}

template <std::size_t Block, class Scale>
inline constexpr bool block_is_sound = [] {
  static_assert(Block >= 8 && Block % 8 == 0, "rondo: codec: a block is a multiple of 8 values");
  static_assert(std::is_same_v<Scale, float> || std::is_same_v<Scale, bfloat16>,
                "rondo: codec: a scale is stored as float or bfloat16; half has too little range");
  return true;
}();

/// What formats share whose codes are numbers times one scale per block.
template <std::size_t Block, class Scale>
struct scaled_block {
  static_assert(block_is_sound<Block, Scale>);
  static constexpr std::size_t block = Block;
  using scale_type = Scale;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static bool is_poison(Scale scale) {
    return magnitude_of(float{scale}) >= infinity_bits;
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float factor_of(Scale scale) {
    return inverse_or_zero(float{scale});
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float step_of(Scale scale) {
    return float{scale};
  }
};

/// Codes -Q .. Q with Q = 2^(Bits-1) - 1.
template <int Bits, std::size_t Block, class Scale>
struct symmetric_integer : scaled_block<Block, Scale> {
  static constexpr int bits = Bits;
  static constexpr std::int32_t highest = (1 << (Bits - 1)) - 1;
  using statistic = largest_magnitude;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_of(const statistic& seen,
                                                                            std::size_t /*count*/) {
    return scale_or_nan(seen.finite(), scale_for(seen.value()));
  }
  /// |x| * factor <= highest (1 + 2^-22): it rounds to a code, and nothing needs clamping.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static std::uint32_t code_of(float x,
                                                                                   float factor) {
    return static_cast<std::uint32_t>(nearest_integer(multiply(x, factor)));
  }
  /// With a dither, what is rounded may lie past the last code.
  template <std::size_t N, class Dither>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void pack(
      const float (&x)[N], Scale scale, std::uint8_t (&payload)[packed_bytes<Bits, N>],
      const Dither& dither) {
    pack_integers<Bits>(x, inverse_or_zero(float{scale}), -highest, highest, dither, payload);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float value_of(std::uint32_t code,
                                                                            float step) {
    return multiply(static_cast<float>(sign_extended<Bits>(code)), step);
  }

  /// |value - decoded| is at most half a step, for a block of this largest magnitude.
  [[nodiscard]] static float max_error(float block_absmax) {
    const float step{scale_for(block_absmax)};
    return step * (0.5f + static_cast<float>(highest) * 0x1p-23f);
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_for(float absmax) {
    const float exact =
        larger_magnitude(divide(absmax, static_cast<float>(highest)), smallest_normal);
    return rounded_up<Scale>(value_if(magnitude_of(absmax) != 0, exact));
  }
};

/// Codes -2^(Bits-1) .. 2^(Bits-1) - 1, where the value of largest magnitude gets the lowest code:
/// the scale carries its sign. One level more than the symmetric form, which is 1 dB at 4 bits.
template <int Bits, std::size_t Block, class Scale>
struct signed_maximum_integer : scaled_block<Block, Scale> {
  static constexpr int bits = Bits;
  static constexpr std::int32_t lowest = -(1 << (Bits - 1));
  using statistic = farthest_value;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_of(const statistic& seen,
                                                                            std::size_t /*count*/) {
    return scale_or_nan(seen.finite(), scale_for(seen.value()));
  }
  /// The farthest value has the lowest code, so none is below it; its opposite would be one above
  /// the highest.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static std::uint32_t code_of(float x,
                                                                                   float factor) {
    return nearest_byte(multiply(x, factor), unbounded, -lowest - 1);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float value_of(std::uint32_t code,
                                                                            float step) {
    return multiply(static_cast<float>(sign_extended<Bits>(code)), step);
  }

  /// |value - decoded| is at most one step: that of a value opposite to the farthest one.
  [[nodiscard]] static float max_error(float block_absmax) {
    return float{scale_for(-block_absmax)} * (1.0f + 0x1p-20f);
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_for(float farthest) {
    const std::uint32_t magnitude = magnitude_of(farthest);
    const float exact = multiply(float_of(magnitude), -1.0f / static_cast<float>(lowest));
    const Scale size =
        rounded_up<Scale>(value_if(magnitude != 0, larger_magnitude(exact, smallest_normal)));
    return negated_if(bits_of(farthest) - 1u < magnitude_mask, size);  // of positive ones
  }
};

}  // namespace detail

/// 8-bit integers, `Block` values to a scale. 8 + 32/Block bits per value; with bfloat16 scales
/// 8 + 16/Block, and 0.15 dB less at blocks of 32, for the largest value is no longer exact.
template <std::size_t Block, class Scale = float>
struct int8 : block_codec<detail::symmetric_integer<8, Block, Scale>> {};

/// 6-bit integers, `Block` values to a scale. 6 + 16/Block bits per value.
template <std::size_t Block, class Scale = bfloat16>
struct int6 : block_codec<detail::symmetric_integer<6, Block, Scale>> {};

/// 4-bit integers in the signed-maximum form, `Block` values to a scale. 4 + 16/Block bits per
/// value. Blocks of more than 32 values lose much on anything with tails.
template <std::size_t Block, class Scale = bfloat16>
struct int4 : block_codec<detail::signed_maximum_integer<4, Block, Scale>> {};

/// 4-bit integers -7 .. 7: what `stochastic` rounds to.
template <std::size_t Block, class Scale = bfloat16>
struct int4_symmetric : block_codec<detail::symmetric_integer<4, Block, Scale>> {};

/// 2-bit integers in the signed-maximum form; for training, inside `error_feedback`.
template <std::size_t Block, class Scale = bfloat16>
struct int2 : block_codec<detail::signed_maximum_integer<2, Block, Scale>> {};

}  // namespace rondo::inline v0_1::codec
