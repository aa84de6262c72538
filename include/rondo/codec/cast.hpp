// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/tile.hpp>
#include <rondo/core/vectorize.hpp>

#include <algorithm>
#include <limits>
#include <span>

namespace rondo::inline v0_1::codec {

/// Each value as a `Wire`: bfloat16 (relative error 2^-9), half (2^-11, infinite past 65504), or
/// float (nothing is lost of float and narrower values). Sums are in fp32.
template <class Wire>
struct cast {
  static constexpr std::size_t block = 1;
  static constexpr bool carries_nan = true;

  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t wire_bytes(std::size_t count) {
    return detail::round_up(count * sizeof(Wire), detail::wire_alignment);
  }

  template <buffer Values>
  void encode(const Values& values, std::span<std::byte> to, const context& = {}) const {
    const auto from = readable(values);
    encode_from(
        [first = from.data()](std::size_t index, std::size_t count, float* tile)
            RONDO_INLINE_BODY {
              using stored = typename detail::stored_as<element_of<Values>>::type;
              for_tile(count, [&](std::size_t i) RONDO_INLINE_BODY {
                stored value;
                std::memcpy(&value, first + index + i, sizeof(value));
                tile[i] = static_cast<float>(value);
              });
            },
        from.size(), to);
  }

  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    decode_to(from, writable(values),
              [](float, float decoded) RONDO_INLINE_BODY { return decoded; });
  }
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    decode_to(from, sum,
              [](float old, float decoded) RONDO_INLINE_BODY { return old + decoded; });
  }
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    decode_to(from, rest,
              [](float old, float decoded) RONDO_INLINE_BODY { return old - decoded; });
  }

  /// Sums wires of `count` values each in the order given, times `factor`, into another wire.
  void encode_sum(std::span<const std::span<const std::byte>> wires, std::size_t count,
                  std::span<std::byte> to, const context& = {}, float factor = 1) const {
    for (const auto& wire : wires) {
      detail::require_wire("codec::encode_sum", wire.size(), wire_bytes(count), count);
    }
    encode_from(
        [wires, factor](std::size_t index, std::size_t here, float* tile) RONDO_INLINE_BODY {
          for_tile(here, [&](std::size_t i) RONDO_INLINE_BODY { tile[i] = 0; });
          for (const auto& wire : wires) {
            const std::byte* first = wire.data() + index * sizeof(Wire);
            for_tile(here, [&](std::size_t i) RONDO_INLINE_BODY { tile[i] += value_at(first, i); });
          }
          for_tile(here, [&](std::size_t i) RONDO_INLINE_BODY { tile[i] *= factor; });
        },
        count, to);
  }

  /// The stated bound, for values of at most this magnitude.
  [[nodiscard]] static float max_error(float absmax) {
    if constexpr (std::is_same_v<Wire, float>) {
      return 0;
    } else {
      const float relative = 0.5f * float{std::numeric_limits<Wire>::epsilon()};
      const float least = 0.5f * float{std::numeric_limits<Wire>::denorm_min()};
      return (std::max)(absmax * relative, least);
    }
  }

 private:
  static_assert(std::is_same_v<Wire, float> || std::is_same_v<Wire, half> ||
                    std::is_same_v<Wire, bfloat16>,
                "rondo: codec::cast: the wire is float, half or bfloat16");
  static constexpr std::size_t tile_size = 256;

  [[nodiscard]] RONDO_ALWAYS_INLINE static float value_at(const std::byte* first, std::size_t i) {
    Wire value;
    std::memcpy(&value, first + i * sizeof(Wire), sizeof(value));
    return static_cast<float>(value);
  }

  /// Whole tiles get a loop of constant length.
  template <class Body>
  RONDO_ALWAYS_INLINE static void for_tile(std::size_t count, const Body& body) {
    if (count == tile_size) {
      for (std::size_t i = 0; i < tile_size; ++i) {
        body(i);
      }
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        body(i);
      }
    }
  }

  template <class Source>
  void encode_from(const Source& source, std::size_t count, std::span<std::byte> to) const {
    detail::require_wire("codec::encode", to.size(), wire_bytes(count), count);
    const auto begin = to.data();
    vectorized([&]() RONDO_INLINE_BODY {
      for (std::size_t index = 0; index < count; index += tile_size) {
        const std::size_t here = (std::min)(tile_size, count - index);
        float tile[tile_size];
        source(index, here, tile);
        for_tile(here, [&](std::size_t i) RONDO_INLINE_BODY {
          const auto value = static_cast<Wire>(tile[i]);
          std::memcpy(begin + (index + i) * sizeof(Wire), &value, sizeof(value));
        });
      }
    });
    std::memset(begin + count * sizeof(Wire), 0, wire_bytes(count) - count * sizeof(Wire));
  }

  template <class T, class Fold>
  void decode_to(std::span<const std::byte> from, std::span<T> values, const Fold& fold) const {
    const std::size_t count = values.size();
    detail::require_wire("codec::decode", from.size(), wire_bytes(count), count);
    const auto begin = from.data();
    const auto out = values.data();
    vectorized([&]() RONDO_INLINE_BODY {
      for (std::size_t index = 0; index < count; index += tile_size) {
        for_tile((std::min)(tile_size, count - index), [&](std::size_t i) RONDO_INLINE_BODY {
          float old = 0;
          if constexpr (std::is_same_v<T, float>) {
            old = out[index + i];
          }
          const auto value = static_cast<typename detail::stored_as<T>::type>(
              fold(old, value_at(begin, index + i)));
          std::memcpy(out + index + i, &value, sizeof(value));
        });
      }
    });
  }
};

/// The values themselves, as floats. Does not compile for doubles, which it would round.
struct exact : cast<float> {
  static constexpr bool lossy = false;

  template <buffer Values>
  void encode(const Values& values, std::span<std::byte> to, const context& where = {}) const {
    static_assert(sizeof(element_of<Values>) <= sizeof(float),
                  "rondo: codec::exact: its wire is float and would round doubles; give no codec "
                  "to send doubles as they are");
    cast<float>::encode(values, to, where);
  }
};

}  // namespace rondo::inline v0_1::codec
