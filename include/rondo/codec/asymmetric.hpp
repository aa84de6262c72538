// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/detail/statistic.hpp>
#include <rondo/codec/integer.hpp>

/// Unsigned integers between a block's least and greatest value: for activations that are not
/// centred on zero. Up to 1.3 dB better than the symmetric form, for one more number per block.
namespace rondo::inline v0_1::codec {

namespace detail {

template <class Scale>
struct offset_and_step {
  Scale offset;
  Scale step;
};

template <int Bits, std::size_t Block, class Scale>
struct asymmetric_integer {
  static_assert(block_is_sound<Block, Scale>);
  static constexpr std::size_t block = Block;
  static constexpr int bits = Bits;
  static constexpr std::int32_t highest = (1 << Bits) - 1;
  static constexpr bool pads_with_first = true;
  using scale_type = offset_and_step<Scale>;
  using statistic = extent;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static scale_type scale_of(
      const statistic& seen, std::size_t /*count*/) {
    if (!seen.finite()) {
      return {Scale{0.0f}, Scale{float_of(nan_bits)}};
    }
    return scale_for(seen.minimum(), seen.maximum());
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static bool is_poison(
      const scale_type& scale) {
    return magnitude_of(float{scale.step}) >= infinity_bits;
  }

  struct from_value {
    float half_offset;
    float twice_inverse;
  };
  struct from_code {
    float offset;
    float step;
  };
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static from_value factor_of(
      const scale_type& scale) {
    return {multiply(0.5f, float{scale.offset}), 2.0f * inverse_or_zero(float{scale.step})};
  }
  /// Halves, for the distance of two floats may be beyond the range of float.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static std::uint32_t code_of(
      float x, const from_value& by) {
    const float moved = multiply(0.5f, x) - by.half_offset;
    return nearest_byte(multiply(moved, by.twice_inverse), 0, highest);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static from_code step_of(
      const scale_type& scale) {
    return {float{scale.offset}, float{scale.step}};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float value_of(std::uint32_t code,
                                                                            const from_code& by) {
    return multiply(static_cast<float>(static_cast<std::int32_t>(code)), by.step) + by.offset;
  }

  /// |value - decoded| is at most half a step, for a block within -absmax .. absmax.
  [[nodiscard]] static float max_error(float block_absmax) {
    return float{scale_for(-block_absmax, block_absmax).step} * (0.5f + 0x1p-13f);
  }

 private:
  /// The offset is rounded down and the step up, so that the codes span the block.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static scale_type scale_for(float least,
                                                                                  float greatest) {
    const auto offset = rounded_down<Scale>(least);
    const float steps = multiply(0.5f, greatest) - multiply(0.5f, float{offset});
    const float exact = divide(steps, 0.5f * static_cast<float>(highest));
    const float floor = greatest > float{offset} ? smallest_normal : 0.0f;
    return {offset, rounded_up<Scale>(exact < floor ? floor : exact)};
  }
};

}  // namespace detail

/// 8-bit codes between least and greatest. 8 + 64/Block bits per value.
template <std::size_t Block, class Scale = float>
struct int8_asymmetric : block_codec<detail::asymmetric_integer<8, Block, Scale>> {};

/// 6-bit codes between least and greatest. 6 + 32/Block bits per value.
template <std::size_t Block, class Scale = bfloat16>
struct int6_asymmetric : block_codec<detail::asymmetric_integer<6, Block, Scale>> {};

/// 4-bit codes between least and greatest. 4 + 32/Block bits per value.
template <std::size_t Block, class Scale = bfloat16>
struct int4_asymmetric : block_codec<detail::asymmetric_integer<4, Block, Scale>> {};

/// 2-bit codes between least and greatest. 2 + 32/Block bits per value.
template <std::size_t Block, class Scale = bfloat16>
struct int2_asymmetric : block_codec<detail::asymmetric_integer<2, Block, Scale>> {};

}  // namespace rondo::inline v0_1::codec
