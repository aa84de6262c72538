// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

/// Codes of 8, 6, 4, 2 and 1 bits in bytes; the value that comes first stands in the lowest bits.
/// Six bits are stored as a plane of low nibbles and a plane of upper pairs, so that every plane is
/// made of whole bytes at any power-of-two tile.
namespace rondo::inline v0_1::codec::detail {

/// Bytes that N codes of this many bits take.
template <int Bits, std::size_t N>
inline constexpr std::size_t packed_bytes = N* static_cast<std::size_t>(Bits) / 8;

/// The codes that share a byte, seen as one integer: they are moved together.
template <int Bits>
using codes_of_byte = std::conditional_t<
    Bits == 8, std::uint8_t,
    std::conditional_t<Bits == 4, std::uint16_t,
                       std::conditional_t<Bits == 2, std::uint32_t, std::uint64_t>>>;
static_assert(std::endian::native == std::endian::little, "rondo: codec: little-endian only");

/// As a loop: of `memcpy` GCC makes a slow `rep movs` from 128 bytes on.
template <std::size_t N>
RONDO_ALWAYS_INLINE void copy_bytes(const std::uint8_t* from, std::uint8_t* to) {
  for (std::size_t i = 0; i < N; ++i) {
    to[i] = from[i];
  }
}

/// Bits `shift` .. `shift + Bits - 1` of each code, side by side.
template <int Bits, std::size_t N>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void pack_plane(const std::uint8_t (&codes)[N], int shift,
                                                      std::uint8_t* bytes) {
  using word = codes_of_byte<Bits>;
  constexpr std::uint64_t mask = (1u << Bits) - 1u;
  RONDO_KEEP_LOOP
  for (std::size_t i = 0; i < N / sizeof(word); ++i) {
    word spread;
    std::memcpy(&spread, codes + i * sizeof(word), sizeof(word));
    word byte = 0;
    for (int k = 0; k < static_cast<int>(sizeof(word)); ++k) {
      // Shifted at once to where it goes: a second shift would be made of bytes, one bit at a time.
      byte =
          static_cast<word>(byte | ((spread >> (8 * k + shift - k * Bits)) & (mask << (k * Bits))));
    }
    bytes[i] = static_cast<std::uint8_t>(byte);
  }
}

/// Its inverse. Ors the bits into codes that hold the planes before this one.
template <int Bits, bool First, std::size_t N>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void unpack_plane(const std::uint8_t* bytes, int shift,
                                                        std::uint8_t (&codes)[N]) {
  using word = codes_of_byte<Bits>;
  constexpr word mask = (1u << Bits) - 1u;
  for (std::size_t i = 0; i < N / sizeof(word); ++i) {
    word spread = 0;
    if constexpr (!First) {
      std::memcpy(&spread, codes + i * sizeof(word), sizeof(word));
    }
    const word byte = bytes[i];
    for (int k = 0; k < static_cast<int>(sizeof(word)); ++k) {
      spread = static_cast<word>(spread | static_cast<word>((byte >> (k * Bits)) & mask)
                                              << (8 * k + shift));
    }
    std::memcpy(codes + i * sizeof(word), &spread, sizeof(word));
  }
}

/// Two's complement codes travel as they are: only the low bits are kept.
template <int Bits, std::size_t N>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void pack(const std::uint8_t (&codes)[N],
                                                std::uint8_t (&bytes)[packed_bytes<Bits, N>]) {
  static_assert(N % 8 == 0);
  if constexpr (Bits == 6) {
    pack_plane<4>(codes, 0, bytes);
    pack_plane<2>(codes, 4, bytes + N / 2);
  } else {
    pack_plane<Bits>(codes, 0, bytes);
  }
}

template <int Bits, std::size_t N>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void unpack(
    const std::uint8_t (&bytes)[packed_bytes<Bits, N>], std::uint8_t (&codes)[N]) {
  static_assert(N % 8 == 0);
  if constexpr (Bits == 6) {
    unpack_plane<4, true>(bytes, 0, codes);
    unpack_plane<2, false>(bytes + N / 2, 4, codes);
  } else {
    unpack_plane<Bits, true>(bytes, 0, codes);
  }
}

/// The same for `Blocks` blocks at once, whose payloads follow one another.
template <int Bits, std::size_t Blocks, std::size_t N>
RONDO_ALWAYS_INLINE void pack_blocks(const std::uint8_t (&codes)[N], std::uint8_t* bytes) {
  constexpr std::size_t block = N / Blocks;
  if constexpr (Bits == 6) {
    std::uint8_t low[N / 2];
    std::uint8_t high[N / 4];
    pack_plane<4>(codes, 0, low);
    pack_plane<2>(codes, 4, high);
    for (std::size_t k = 0; k < Blocks; ++k) {
      copy_bytes<block / 2>(low + k * (block / 2), bytes + k * (block / 4 * 3));
      copy_bytes<block / 4>(high + k * (block / 4), bytes + k * (block / 4 * 3) + block / 2);
    }
  } else {
    pack_plane<Bits>(codes, 0, bytes);
  }
}
template <int Bits, std::size_t Blocks, std::size_t N>
RONDO_ALWAYS_INLINE void unpack_blocks(const std::uint8_t* bytes, std::uint8_t (&codes)[N]) {
  constexpr std::size_t block = N / Blocks;
  if constexpr (Bits == 6) {
    std::uint8_t low[N / 2];
    std::uint8_t high[N / 4];
    for (std::size_t k = 0; k < Blocks; ++k) {
      copy_bytes<block / 2>(bytes + k * (block / 4 * 3), low + k * (block / 2));
      copy_bytes<block / 4>(bytes + k * (block / 4 * 3) + block / 2, high + k * (block / 4));
    }
    unpack_plane<4, true>(low, 0, codes);
    unpack_plane<2, false>(high, 4, codes);
  } else {
    unpack_plane<Bits, true>(bytes, 0, codes);
  }
}

/// The signed integer in the low `Bits` bits.
template <int Bits>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr std::int32_t sign_extended(
    std::uint32_t code) {
  constexpr std::int32_t sign = 1 << (Bits - 1);
  return ((static_cast<std::int32_t>(code) & (2 * sign - 1)) ^ sign) - sign;
}

}  // namespace rondo::inline v0_1::codec::detail

namespace rondo::inline v0_1::codec {

/// For formats of one's own.
using detail::pack;
using detail::unpack;

}  // namespace rondo::inline v0_1::codec
