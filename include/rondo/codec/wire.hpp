// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/bit_pack.hpp>
#include <rondo/core/host_device.hpp>

#include <cstddef>
#include <cstring>

namespace rondo::inline v0_1::codec {

namespace detail {

/// Formats with one number per message, such as nvfp4, store it ahead of their scales.
template <class Format>
concept has_header = requires {
  typename Format::survey;
};

/// Values that a format treats as one even past the end of a message: 1, unless it says so.
template <class Format>
inline constexpr std::size_t granule_of = [] {
  if constexpr (requires { Format::granule; }) {
    return Format::granule;
  } else {
    return std::size_t{1};
  }
}();

/// What a format knows of the whole message while it packs a block: nothing, unless it says so.
struct no_message {};

template <class Format>
struct message_type {
  using type = no_message;
};
template <class Format>
requires requires { typename Format::message; }
struct message_type<Format> {
  using type = typename Format::message;
};
template <class Format>
using message_of = typename message_type<Format>::type;

}  // namespace detail

/// Where things stand on the wire of a block format, in bytes:
///
///     [header][scale of block 0, 1, ...][payload of block 0, 1, ...]
///
/// Each section is padded with zeros to 16 bytes. The payload of a short last block ends where its
/// values do, unless the format stores them in several planes.
template <class Format>
struct wire_layout {
  using scale_type = typename Format::scale_type;
  using message = detail::message_of<Format>;
  static_assert(sizeof(scale_type) + detail::packed_bytes<Format::bits, Format::block> <=
                    32 * Format::block,
                "rondo: codec: a block takes more than 32 bytes for each of its values");
  static constexpr std::size_t header_bytes =
      detail::has_header<Format> ? detail::wire_alignment : 0;

  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t blocks(std::size_t count) {
    return detail::divide_up(count, Format::block);
  }
  /// Payload of a whole block.
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t block_bytes() {
    return detail::packed_bytes<Format::bits, Format::block>;
  }
  /// Payload of the last block, if it is short, else 0.
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t tail_bytes(std::size_t count) {
    const std::size_t tail = count % Format::block;
    return Format::bits == 6 && tail != 0
               ? block_bytes()
               : detail::divide_up(tail * static_cast<std::size_t>(Format::bits), 8);
  }
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t scales_end(std::size_t count) {
    return header_bytes + blocks(count) * sizeof(scale_type);
  }
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t payload_begin(std::size_t count) {
    return detail::round_up(scales_end(count), detail::wire_alignment);
  }
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t payload_end(std::size_t count) {
    return payload_begin(count) + count / Format::block * block_bytes() + tail_bytes(count);
  }
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t bytes(std::size_t count) {
    return detail::round_up(payload_end(count), detail::wire_alignment);
  }

  template <class Byte>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Byte* payload(Byte* wire,
                                                                           std::size_t count,
                                                                           std::size_t b) {
    return wire + payload_begin(count) + b * block_bytes();
  }
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void write_scale(std::byte* wire, std::size_t b,
                                                                const scale_type& scale) {
    write_scales(wire, b, &scale, 1);
  }
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void write_scales(std::byte* wire, std::size_t b,
                                                                 const scale_type* scales,
                                                                 std::size_t count) {
    std::memcpy(scale(wire, b), scales, count * sizeof(scale_type));
  }
  template <class Byte>
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static Byte* scale(Byte* wire,
                                                                         std::size_t b) {
    Byte* const at = wire + header_bytes + b * sizeof(scale_type);
#if defined(__CUDA_ARCH__)  // wires of kernels are aligned; nvcc would go byte by byte
    return static_cast<Byte*>(__builtin_assume_aligned(at, alignof(scale_type)));
#else
    return at;
#endif
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static scale_type read_scale(
      const std::byte* wire, std::size_t b) {
    scale_type scale;
    std::memcpy(&scale, wire_layout::scale(wire, b), sizeof(scale));
    return scale;
  }
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static void write_header(std::byte* wire,
                                                                 const message& told) {
    if constexpr (detail::has_header<Format>) {
      static_assert(sizeof(message) <= header_bytes);
      std::memset(wire, 0, header_bytes);
      std::memcpy(wire, &told, sizeof(told));
    }
  }
  [[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE static message read_header(
      const std::byte* wire, std::size_t count) {
    message told{};
    if constexpr (detail::has_header<Format>) {
      if (count != 0) {
        std::memcpy(&told, wire, sizeof(told));
      }
    }
    return told;
  }
  static void zero_gaps(std::byte* wire, std::size_t count) {
    std::memset(wire + scales_end(count), 0, payload_begin(count) - scales_end(count));
    std::memset(wire + payload_end(count), 0, bytes(count) - payload_end(count));
  }
};

}  // namespace rondo::inline v0_1::codec
