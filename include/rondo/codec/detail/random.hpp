// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/core/bit_cast.hpp>
#include <rondo/core/detail/mix.hpp>
#include <rondo/core/host_device.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

/// Random numbers that are a function of where they are used: the same on host and device, in any
/// order, and again when a step is replayed.
namespace rondo::inline v0_1::codec::detail {

using rondo::detail::mixed;

/// As `mixed`, for 32 bits, fit for vector loops (constants: C. Wellons, "hash prospector", 2018).
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::uint32_t mixed32(
    std::uint32_t z) {
  z = (z ^ (z >> 16)) * 0x7feb352du;
  z = (z ^ (z >> 15)) * 0x846ca68bu;
  return z ^ (z >> 16);
}

/// One stream of numbers per seed, step, rank and phase or message of a collective.
struct random_stream {
  std::uint64_t key = 0;
  std::uint64_t first = 0;  ///< index of the message's first value

  [[nodiscard]] RONDO_HOST_DEVICE static constexpr random_stream of(std::uint64_t seed,
                                                                    const context& where) {
    const std::uint64_t who =
        (std::uint64_t{where.hop} << 33) + std::uint64_t{where.rank} * 2 + (where.of_sum ? 1 : 0);
    return {mixed(mixed(mixed(seed) ^ where.step) ^ who), where.first};
  }

  /// In (-0.5, 0.5), a multiple of 2^-17, for the N values from `index` of the message on: 16 bits
  /// each, two to a hash.
  template <std::size_t N>
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void fill(std::size_t index, float (&noise)[N]) const {
    const std::uint64_t pair = (first + index) / 2;
    const std::uint64_t tile_key = key + (pair >> 32) * 0x9e3779b97f4a7c15u;
    const auto low = static_cast<std::uint32_t>(tile_key);
    const auto high = static_cast<std::uint32_t>(tile_key >> 32);
    constexpr std::uint32_t golden = 0x9e3779b1u;
    const std::uint32_t start = static_cast<std::uint32_t>(pair) * golden + low;
    std::uint32_t hashes[N / 2];
    for (std::size_t i = 0; i < N / 2; ++i) {
      hashes[i] = mixed32(start + static_cast<std::uint32_t>(i) * golden) ^ high;
    }
    std::uint16_t words[N];
    std::memcpy(words, hashes, sizeof(hashes));
    for (std::size_t i = 0; i < N; ++i) {
      // 16 bits of mantissa make a float in [1, 2).
      const std::uint32_t bits = 0x3f800000u | (static_cast<std::uint32_t>(words[i]) << 7);
      noise[i] = rondo::bit_cast<float>(bits) - (1.5f - 0x1p-17f);
    }
  }
};

}  // namespace rondo::inline v0_1::codec::detail
