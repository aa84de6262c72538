// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/detail/statistic.hpp>

namespace rondo::inline v0_1::codec {

namespace detail {

/// The sum of magnitudes, in an order that a vector unit and a warp can both follow: value i goes
/// to cell i mod 256, eight neighbouring cells are a lane, and the 32 lanes fold in halves.
struct sum_of_magnitudes {
  float sum = 0;
  static constexpr std::size_t partial_sums = 8;
  static constexpr std::size_t lanes = 32;

  /// A lane's own values: eight at a time, in the order of the block.
  template <std::size_t N>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static sum_of_magnitudes observe(
      const float (&x)[N]) {
    static_assert(N % partial_sums == 0);
    float cells[partial_sums] = {};
    for (std::size_t i = 0; i < N; i += partial_sums) {
      for (std::size_t k = 0; k < partial_sums; ++k) {
        cells[k] += float_of(magnitude_of(x[i + k]));
      }
    }
    return {fold(cells)};
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static sum_of_magnitudes combine(
      sum_of_magnitudes a, sum_of_magnitudes b) {
    return {a.sum + b.sum};
  }

  /// The whole block at once, in the same order.
  template <std::size_t N>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static sum_of_magnitudes observe_block(
      const float (&x)[N]) {
    constexpr std::size_t cell_count = partial_sums * lanes;
    float cells[cell_count];
    for (std::size_t k = 0; k < cell_count; ++k) {
      cells[k] = float_of(magnitude_of(x[k]));
    }
    for (std::size_t i = cell_count; i < N; i += cell_count) {
      for (std::size_t k = 0; k < cell_count; ++k) {
        cells[k] += float_of(magnitude_of(x[i + k]));
      }
    }
    float lane[lanes];
    for (std::size_t k = 0; k < lanes; ++k) {
      lane[k] = fold(cells + k * partial_sums);
    }
    for (std::size_t half = lanes / 2; half > 0; half /= 2) {
      for (std::size_t k = 0; k < half; ++k) {
        lane[k] += lane[k + half];
      }
    }
    return {lane[0]};
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float fold(const float* c) {
    return ((c[0] + c[4]) + (c[2] + c[6])) + ((c[1] + c[5]) + (c[3] + c[7]));
  }
};

template <std::size_t Block>
struct sign_format {
  static_assert(Block >= 256 && Block % 256 == 0,
                "rondo: codec::sign: a block is a multiple of 256 values");
  static constexpr std::size_t block = Block;
  static constexpr int bits = 1;
  using scale_type = float;
  using statistic = sum_of_magnitudes;

  template <std::size_t N>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static statistic observe_block(
      const float (&x)[N]) {
    return statistic::observe_block(x);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float scale_of(const statistic& seen,
                                                                            std::size_t count) {
    const bool finite = magnitude_of(seen.sum) < infinity_bits;
    return finite ? divide(seen.sum, static_cast<float>(count)) : float_of(nan_bits);
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static bool is_poison(float scale) {
    return magnitude_of(scale) >= infinity_bits;
  }
  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void pack(
      const float (&x)[N], float /*scale*/, std::uint8_t (&payload)[packed_bytes<1, N>]) {
    std::uint8_t codes[N];
    for (std::size_t i = 0; i < N; ++i) {
      codes[i] = x[i] < 0 ? 1 : 0;
    }
    detail::pack<1>(codes, payload);
  }
  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void unpack(
      const std::uint8_t (&payload)[packed_bytes<1, N>], float scale, float (&x)[N]) {
    std::uint8_t codes[N];
    detail::unpack<1>(payload, codes);
    for (std::size_t i = 0; i < N; ++i) {
      x[i] = float_of(bits_of(scale) ^ (static_cast<std::uint32_t>(codes[i]) << 31));
    }
  }

  /// A value may be as far from the mean magnitude as the largest is from zero. Holds as far as
  /// magnitudes of 2^127 / Block: their sum stays finite.
  [[nodiscard]] static float max_error(float block_absmax) { return block_absmax; }
};

}  // namespace detail

/// One bit per value and the block's mean magnitude: sign(0) is +1. 1 + 32/Block bits per value. It
/// trains only inside `error_feedback` (Seide et al. 2014; Karimireddy et al. 2019,
/// arXiv:1901.09847). Finite values whose magnitudes sum past the range of float poison the block.
template <std::size_t Block = 2048>
struct sign : block_codec<detail::sign_format<Block>> {};

}  // namespace rondo::inline v0_1::codec
