// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/detail/minifloat.hpp>
#include <rondo/codec/detail/statistic.hpp>
#include <rondo/codec/integer.hpp>

/// 8-bit floats times a scale per block: the block's largest magnitude becomes the format's.
/// Formats: Micikevicius et al. 2022, "FP8 Formats for Deep Learning", arXiv:2209.05433.
namespace rondo::inline v0_1::codec {

namespace detail {

template <class Element, std::size_t Block, class Scale>
struct scaled_minifloat : scaled_block<Block, Scale> {
  static constexpr int bits = Element::bits;
  static constexpr std::uint8_t poison = 0x7f;
  using statistic = largest_magnitude;

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_of(const statistic& seen,
                                                                            std::size_t /*count*/) {
    return scale_or_nan(seen.finite(), scale_for(seen.value()));
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static std::uint32_t code_of(float x,
                                                                                   float factor) {
    return minifloat_code<Element>(x, factor);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float value_of(std::uint32_t code,
                                                                            float step) {
    return minifloat_value<Element>(code, step);
  }

  /// Half the step at the largest magnitude; smaller values have smaller steps.
  [[nodiscard]] static float max_error(float block_absmax) {
    return float{scale_for(block_absmax)} * (Element::half_top_step + Element::largest * 0x1p-22f);
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Scale scale_for(float absmax) {
    const float exact = larger_magnitude(divide(absmax, Element::largest), smallest_normal);
    return rounded_up<Scale>(value_if(magnitude_of(absmax) != 0, exact));
  }
};

}  // namespace detail

/// e4m3 (relative error 1/17 down to 2^-14 of the block's largest), 8 + 32/Block bits per value.
template <std::size_t Block, class Scale = float>
struct fp8_e4m3 : block_codec<detail::scaled_minifloat<detail::e4m3, Block, Scale>> {};

/// e5m2 (relative error 1/9 down to 2^-29 of the block's largest), 8 + 32/Block bits per value.
template <std::size_t Block, class Scale = float>
struct fp8_e5m2 : block_codec<detail::scaled_minifloat<detail::e5m2, Block, Scale>> {};

}  // namespace rondo::inline v0_1::codec
