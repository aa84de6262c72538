// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/statistic.hpp>

/// Small integers times a scale per block, rounded to nearest.
///
/// The scale is the block's largest magnitude over the largest code, rounded up to the type it is
/// stored in, so that no code overflows. Blocks whose scale would be below 2^-126 use that. Block
/// integers as in QuickReduce (github.com/mk1-project/quickreduce) and ZeRO++ (Wang et al. 2023,
/// arXiv:2306.10209), but with all arithmetic in fp32.
namespace rondo::inline v0_1::codec {

namespace detail {

/// Rounds to integers and packs them: what all uniform formats share.
template <int Bits, std::size_t N, class Dither>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void pack_integers(
    const float (&x)[N], float inverse, std::int32_t lowest, std::int32_t highest,
    const Dither& dither, std::uint8_t (&payload)[packed_bytes<Bits, N>]) {
  std::uint8_t codes[N];
  for (std::size_t i = 0; i < N; ++i) {
    const std::int32_t code = nearest_integer(dither(multiply(x[i], inverse), i));
    const std::int32_t raised = code < lowest ? lowest : code;
    const std::int32_t clamped = raised > highest ? highest : raised;
    codes[i] = static_cast<std::uint8_t>(clamped & 0xff);
  }
  detail::pack<Bits>(codes, payload);
}

template <int Bits, std::size_t N>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void unpack_integers(
    const std::uint8_t (&payload)[packed_bytes<Bits, N>], float scale, float (&x)[N]) {
  std::uint8_t codes[N];
  detail::unpack<Bits>(payload, codes);
  for (std::size_t i = 0; i < N; ++i) {
    x[i] = multiply(static_cast<float>(sign_extended<Bits>(codes[i])), scale);
  }
}

struct no_dither {
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr float operator()(float x, std::size_t) const {
    return x;
  }
};

template <std::size_t Block, class Scale>
inline constexpr bool block_is_sound = [] {
  static_assert(Block >= 8 && Block % 8 == 0, "rondo: codec: a block is a multiple of 8 values");
  static_assert(std::is_same_v<Scale, float> || std::is_same_v<Scale, bfloat16>,
                "rondo: codec: a scale is stored as float or bfloat16; half has too little range");
  return true;
}();

/// Codes -Q .. Q with Q = 2^(Bits-1) - 1.
template <int Bits, std::size_t Block, class Scale>
struct symmetric_integer {
  static_assert(block_is_sound<Block, Scale>);
  static constexpr std::size_t block = Block;
  static constexpr int bits = Bits;
  static constexpr std::int32_t highest = (1 << (Bits - 1)) - 1;
  using scale_type = Scale;
  using statistic = largest_magnitude;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_of(const statistic& seen,
                                                                            std::size_t /*count*/) {
    return seen.finite() ? scale_for(seen.value()) : Scale{float_of(nan_bits)};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static bool is_poison(Scale scale) {
    return magnitude_of(float{scale}) >= infinity_bits;
  }

  template <std::size_t N, class Dither = no_dither>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void pack(
      const float (&x)[N], Scale scale, std::uint8_t (&payload)[packed_bytes<Bits, N>],
      const Dither& dither = {}) {
    pack_integers<Bits>(x, inverse_or_zero(float{scale}), -highest, highest, dither, payload);
  }
  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void unpack(
      const std::uint8_t (&payload)[packed_bytes<Bits, N>], Scale scale, float (&x)[N]) {
    unpack_integers<Bits>(payload, float{scale}, x);
  }

  /// |value - decoded| is at most half a step, for a block of this largest magnitude.
  [[nodiscard]] static float max_error(float block_absmax) {
    const float step{scale_for(block_absmax)};
    return step * (0.5f + static_cast<float>(highest) * 0x1p-23f);
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_for(float absmax) {
    const float exact = divide(absmax, static_cast<float>(highest));
    const float least = absmax > 0 ? smallest_normal : 0.0f;
    return rounded_up<Scale>(exact < least ? least : exact);
  }
};

/// Codes -2^(Bits-1) .. 2^(Bits-1) - 1, where the value of largest magnitude gets the lowest code:
/// the scale carries its sign. One level more than the symmetric form, which is 1 dB at 4 bits.
template <int Bits, std::size_t Block, class Scale>
struct signed_maximum_integer {
  static_assert(block_is_sound<Block, Scale>);
  static constexpr std::size_t block = Block;
  static constexpr int bits = Bits;
  static constexpr std::int32_t lowest = -(1 << (Bits - 1));
  using scale_type = Scale;
  using statistic = farthest_value;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_of(const statistic& seen,
                                                                            std::size_t /*count*/) {
    return seen.finite() ? scale_for(seen.value()) : Scale{float_of(nan_bits)};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static bool is_poison(Scale scale) {
    return magnitude_of(float{scale}) >= infinity_bits;
  }

  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void pack(
      const float (&x)[N], Scale scale, std::uint8_t (&payload)[packed_bytes<Bits, N>]) {
    pack_integers<Bits>(x, inverse_or_zero(float{scale}), lowest, -lowest - 1, no_dither{},
                        payload);
  }
  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void unpack(
      const std::uint8_t (&payload)[packed_bytes<Bits, N>], Scale scale, float (&x)[N]) {
    unpack_integers<Bits>(payload, float{scale}, x);
  }

  /// |value - decoded| is at most one step: that of a value opposite to the farthest one.
  [[nodiscard]] static float max_error(float block_absmax) {
    return float{scale_for(-block_absmax)} * (1.0f + 0x1p-20f);
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_for(float farthest) {
    const float exact =
        multiply(float_of(magnitude_of(farthest)), -1.0f / static_cast<float>(lowest));
    const float least = magnitude_of(farthest) != 0 ? smallest_normal : 0.0f;
    const Scale size = rounded_up<Scale>(exact < least ? least : exact);
    const bool negative = bits_of(farthest) >> 31 != 0;
    return negative || least == 0.0f ? size : Scale{-float{size}};
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
