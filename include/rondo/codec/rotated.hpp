// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/detail/random.hpp>

#include <cstdint>

namespace rondo::inline v0_1::codec {

namespace detail {

/// y = H x for the 32 x 32 Hadamard matrix, without its factor 1/sqrt(32). Five steps, each of
/// which pairs a value with the one 16 places on and interleaves sums and differences: after five,
/// every value is back in its place. Index bits are folded from the highest to the lowest.
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void hadamard32(float* x) {
  constexpr std::size_t size = 32;
  for (int step = 0; step < 5; ++step) {
    float y[size];
    for (std::size_t i = 0; i < size / 2; ++i) {
      y[2 * i] = x[i] + x[i + size / 2];
      y[2 * i + 1] = x[i] - x[i + size / 2];
    }
    for (std::size_t i = 0; i < size; ++i) {
      x[i] = y[i];
    }
  }
}

template <class Format>
struct rotated_format : Format {
  static_assert(!has_header<Format>,
                "rondo: codec::rotated: a codec with a header, such as nvfp4, "
                "has its own scale for all and cannot be rotated");
  static_assert(Format::block % 32 == 0,
                "rondo: codec::rotated: the block must be a multiple of 32 values");
  static constexpr std::size_t granule = 32;
  std::uint64_t seed = 0;

  struct message {
    std::uint32_t flip[granule];  ///< sign bits
    message_of<Format> inner;
  };

  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE message begin(const context& where) const {
    message told{};
    const std::uint64_t signs = mixed(seed);
    for (std::size_t i = 0; i < granule; ++i) {
      told.flip[i] = static_cast<std::uint32_t>((signs >> i) & 1u) << 31;
    }
    if constexpr (requires(const Format& f) { f.begin(where); }) {
      told.inner = Format::begin(where);
    }
    return told;
  }

  /// Value i of a group of 32 of D x / sqrt(32), D flipping signs.
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static float flip_and_scale(
      float x, std::size_t i, const message& told) {
    return multiply(float_of(bits_of(x) ^ told.flip[i]), inverse_root);
  }

  /// H D x / sqrt(32).
  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void turn(float (&x)[N], const message& told) {
    for (std::size_t first = 0; first < N; first += granule) {
      for (std::size_t i = 0; i < granule; ++i) {
        x[first + i] = flip_and_scale(x[first + i], i, told);
      }
      hadamard32(x + first);
    }
  }
  /// D H x / sqrt(32), its inverse.
  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void turn_back(float (&x)[N], const message& told) {
    for (std::size_t first = 0; first < N; first += granule) {
      hadamard32(x + first);
      for (std::size_t i = 0; i < granule; ++i) {
        x[first + i] = flip_and_scale(x[first + i], i, told);
      }
    }
  }

  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void pack(
      const float (&x)[N], const typename Format::scale_type& scale,
      std::uint8_t (&payload)[packed_bytes<Format::bits, N>], const message& told,
      std::size_t index) {
    pack_tile<Format>(x, scale, payload, told.inner, index);
  }

  /// A rotation spreads an error over 32 values: at most sqrt(32) times that of a block whose
  /// largest magnitude is sqrt(32) times this one's. Up to 2^120: sums of 32 stay finite.
  [[nodiscard]] static float max_error(float block_absmax) {
    return 5.657f * Format::max_error(5.657f * block_absmax) + 1e-5f * block_absmax;
  }

 private:
  static constexpr float inverse_root = 0.17677669529663687f;
};

}  // namespace detail

/// Rotates 32 values at a time by a randomised Hadamard matrix before they are encoded, which
/// spreads outliers over their neighbours: 4 dB for 4 bits on heavy tails, at no cost on the wire
/// (SDP4Bit: Jia et al. 2024, arXiv:2410.15526). The owner of a chunk in a two_shot sums rotated
/// values, and every rank must give the same seed. Messages are padded to a multiple of 32 values.
template <class Codec>
struct rotated : block_codec<detail::rotated_format<typename Codec::format>> {
  static constexpr bool unbiased = traits<Codec>::unbiased;
  static constexpr bool sums_together = true;  ///< no wire has to be turned back for that

  constexpr explicit rotated(const Codec& codec, std::uint64_t with_seed = 0) {
    static_cast<typename Codec::format&>(*this) = codec;
    this->seed = with_seed;
  }

  /// What ranks must agree about.
  [[nodiscard]] constexpr std::uint64_t parameters() const { return this->seed; }
};

}  // namespace rondo::inline v0_1::codec
