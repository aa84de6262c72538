// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/tile.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/finite.hpp>
#include <rondo/core/vectorize.hpp>

#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

namespace rondo::inline v0_1::codec {

/// Each value as a `Wire`: bfloat16 (relative error 2^-8), half (2^-11, infinite past 65504), or
/// float (nothing is lost of float and narrower values). Sums are in fp32.
template <class Wire>
struct cast {
  static constexpr std::size_t block = 1;
  static constexpr bool carries_nan = true;

  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t wire_bytes(std::size_t count) {
    return count <= detail::most_values
               ? detail::round_up(count * sizeof(Wire), detail::wire_alignment)
               : detail::no_wire;
  }

  template <buffer Values>
  void encode(const Values& values, std::span<std::byte> to, const context& = {}) const {
    const auto from = readable(values);
    encode_from([first = from.data()](std::size_t index, tile_type& tile)
                    RONDO_INLINE_BODY { detail::load(first + index, tile); },
                [first = from.data()](std::size_t i) { return detail::value_at(first, i); },
                from.size(), to);
  }

  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    decode_to(from, writable(values),
              [](float, float decoded) RONDO_INLINE_BODY { return decoded; });
  }
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    decode_to(from, sum, [](float old, float decoded) RONDO_INLINE_BODY { return old + decoded; });
  }
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    decode_to(from, rest, [](float old, float decoded) RONDO_INLINE_BODY { return old - decoded; });
  }

  /// Sums wires of `count` values each in the order given; the sum by `divisor` is encoded.
  void encode_sum(std::span<const std::span<const std::byte>> wires, std::size_t count,
                  std::span<std::byte> to, const context& = {}, float divisor = 1) const {
    for (const auto& wire : wires) {
      detail::require_wire("codec::encode_sum", wire.size(), wire_bytes(count), count);
    }
    encode_from(
        [wires, divisor](std::size_t index, tile_type& sum) RONDO_INLINE_BODY {
          for (float& value : sum) {
            value = 0;
          }
          for (const auto& wire : wires) {
            tile_type tile;
            detail::load(at(wire.data(), index), tile);
            for (std::size_t i = 0; i < tile_size; ++i) {
              sum[i] += tile[i];
            }
          }
          if (divisor != 1) {
            for (float& value : sum) {
              value /= divisor;
            }
          }
        },
        [wires, divisor](std::size_t i) {
          float sum = 0;
          for (const auto& wire : wires) {
            sum += detail::value_at(at(wire.data(), 0), i);
          }
          return sum / divisor;
        },
        count, to);
  }

  /// The stated bound, for values of at most this magnitude; infinite where `absmax` is too large
  /// for the wire.
  [[nodiscard]] static float max_error(float absmax) {
    if constexpr (std::is_same_v<Wire, float>) {
      return 0;
    } else if (!is_finite(float{Wire{absmax}})) {
      return std::numeric_limits<float>::infinity();
    } else {
      const float relative = 0.5f * float{std::numeric_limits<Wire>::epsilon()};
      const float least = 0.5f * float{std::numeric_limits<Wire>::denorm_min()};
      return larger(absmax * relative, least);
    }
  }

 private:
  static_assert(std::is_same_v<Wire, float> || std::is_same_v<Wire, half> ||
                    std::is_same_v<Wire, bfloat16>,
                "rondo: codec::cast: the wire is float, half or bfloat16");
  static constexpr std::size_t tile_size = 256;
  using tile_type = float[tile_size];

  [[nodiscard]] RONDO_ALWAYS_INLINE static const Wire* at(const std::byte* wire, std::size_t i) {
    return reinterpret_cast<const Wire*>(wire) + i;
  }

  /// Apart, for GCC 12 would warn of a wire too short, which has been refused by now.
  [[gnu::noinline]] static void zero(std::byte* first, std::size_t bytes) {
    std::memset(first, 0, bytes);
  }

  /// Whole tiles come from `source(index, tile)`, the values behind them from `single(index)`.
  template <class Source, class Single>
  void encode_from(const Source& source, const Single& single, std::size_t count,
                   std::span<std::byte> to) const {
    detail::require_wire("codec::encode", to.size(), wire_bytes(count), count);
    if (count == 0) {
      return;
    }
    const auto out = reinterpret_cast<Wire*>(to.data());
    const std::size_t whole = count / tile_size * tile_size;
    vectorized<registers::of_64_bytes>([=]() RONDO_INLINE_BODY {
      for (std::size_t index = 0; index < whole; index += tile_size) {
        tile_type tile;
        source(index, tile);
        detail::store(tile, out + index,
                      [](float, float value) RONDO_INLINE_BODY { return value; });
      }
    });
    for (std::size_t i = whole; i < count; ++i) {
      const auto value = static_cast<Wire>(single(i));
      std::memcpy(out + i, &value, sizeof(value));
    }
    zero(to.data() + count * sizeof(Wire), wire_bytes(count) - count * sizeof(Wire));
  }

  template <class T, class Fold>
  void decode_to(std::span<const std::byte> from, std::span<T> values, const Fold& fold) const {
    const std::size_t count = values.size();
    detail::require_wire("codec::decode", from.size(), wire_bytes(count), count);
    const auto in = at(from.data(), 0);
    const auto out = values.data();
    const std::size_t whole = count / tile_size * tile_size;
    vectorized<registers::of_64_bytes>([=]() RONDO_INLINE_BODY {
      for (std::size_t index = 0; index < whole; index += tile_size) {
        tile_type tile;
        detail::load(in + index, tile);
        detail::store(tile, out + index, fold);
      }
    });
    for (std::size_t i = whole; i < count; ++i) {
      float tile[1];
      detail::load(in + i, tile);
      detail::store(tile, out + i, fold);
    }
  }
};

namespace detail {

/// The element type that travels in a codec::cast; void of other codecs.
template <class Codec>
struct cast_wire {
  using type = void;
};
template <class Wire>
struct cast_wire<cast<Wire>> {
  using type = Wire;
};
template <class Codec>
inline constexpr bool is_cast = !std::is_void_v<typename cast_wire<Codec>::type>;

}  // namespace detail

/// The values themselves, as floats. Does not compile for doubles, which it would round. A codec
/// like others, and goes their ways; without one (for a layer: `no_codec{}`) values go as they are.
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
