// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/detail/random.hpp>
#include <rondo/codec/integer.hpp>

namespace rondo::inline v0_1::codec {

namespace detail {

template <class Format>
concept takes_dither = requires(const float (&tile)[8], typename Format::scale_type scale,
                                std::uint8_t (&payload)[packed_bytes<Format::bits, 8>]) {
  Format::pack(tile, scale, payload, no_dither{});
};

template <class Format>
struct stochastic_format : Format {
  static_assert(takes_dither<Format>,
                "rondo: codec::stochastic: needs a codec with even steps: int8, int6 or "
                "int4_symmetric");
  static constexpr bool dithers = true;
  std::uint64_t seed = 0;
  using message = random_stream;

  struct dither {
    const float* noise;
    RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE float operator()(float x, std::size_t i) const {
      return x + noise[i];
    }
  };

  [[nodiscard]] RONDO_HOST_DEVICE message begin(const context& where) const {
    return random_stream::of(seed, where);
  }
  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void pack(
      const float (&x)[N], const typename Format::scale_type& scale,
      std::uint8_t (&payload)[packed_bytes<Format::bits, N>], const message& told,
      std::size_t index) {
    float noise[N];
    told.fill(index, noise);
    Format::pack(x, scale, payload, dither{noise});
  }

  /// |value - decoded| is less than one step.
  [[nodiscard]] static float max_error(float block_absmax) {
    return 2 * Format::max_error(block_absmax);
  }
};

}  // namespace detail

/// Rounds up or down by chance, so that the mean over many steps is the value: no memory is needed
/// where errors average out (QSGD: Alistarh et al. 2017, arXiv:1610.02132). The noise is a function
/// of seed, step, rank and index, so a replayed step gives the same bytes. Noise has 16 bits: the
/// mean is exact to 2^-17 of a step, beside fp32's own rounding of what is rounded then.
template <class Codec>
struct stochastic : block_codec<detail::stochastic_format<typename Codec::format>> {
  static constexpr bool unbiased = true;

  constexpr explicit stochastic(const Codec&, std::uint64_t with_seed = 0) {
    this->seed = with_seed;
  }
};

}  // namespace rondo::inline v0_1::codec
