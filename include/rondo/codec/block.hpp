// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/arithmetic.hpp>
#include <rondo/codec/bit_pack.hpp>
#include <rondo/codec/concept.hpp>
#include <rondo/codec/tile.hpp>
#include <rondo/codec/wire.hpp>
#include <rondo/core/vectorize.hpp>

#include <algorithm>
#include <span>

/// What every format made of blocks with a scale has in common: the loops over its wire.
namespace rondo::inline v0_1::codec {

/// The codec made of a block format. A `Format` states, for host and device alike,
///  - `block`, `bits`: values that share a scale, and bits per value in the payload;
///  - `scale_type`: what is stored per block, trivially copyable;
///  - `statistic`: with `observe(tile)` and `combine(a, b)`, and `scale_of(statistic, count)`;
///  - `pack(tile, scale, payload)` and `unpack(payload, scale, tile)` for a tile of any N values; in
///    the place of `pack`, faster, `factor_of(scale)` and `code_of(value, factor)`;
///  - `is_poison(scale)`: the scale says that the block held a NaN or an infinity.
/// and may have a `message` that `begin(context)` makes for each call, a `survey` of all values
/// before the first is encoded, and `turn` and `turn_back`, applied to tiles on either side.
/// The codec offers the whole interface for spans of float, double, half and bfloat16.
template <class Format>
class block_codec : public Format {
 public:
  using format = Format;
  using wire = wire_layout<Format>;
  static constexpr std::size_t block = Format::block;
  static constexpr bool carries_nan = true;

  constexpr block_codec() = default;
  constexpr explicit block_codec(const Format& of) : Format{of} {}

  /// Bytes of the wire of `count` values.
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t wire_bytes(std::size_t count) {
    return wire::bytes(detail::round_up(count, granule));
  }

  /// Encodes `values` (float, double, half or bfloat16) into the first `wire_bytes` of `to`, all
  /// of which are written. Errors: a wire too short is refused.
  template <buffer Values>
  void encode(const Values& values, std::span<std::byte> to, const context& where = {}) const {
    const auto from = readable(values);
    const auto first = from.data();
    const std::size_t whole = from.size() / block * block;
    element_of<Values> tail[block];
    std::fill_n(tail, block, whole < from.size() ? padding(first[whole]) : element_of<Values>{});
    std::copy(first + whole, first + from.size(), tail);
    encode_from(
        [first, whole, &tail](std::size_t index, const message& told, tile_type& tile)
            RONDO_INLINE_BODY {
              detail::load(index < whole ? first + index : tail, tile);
              if constexpr (turns) {
                Format::turn(tile, told);
              }
            },
        from.size(), to, where);
  }

  /// values = what the wire says.
  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    decode_to(from, writable(values),
              [](float, float decoded) RONDO_INLINE_BODY { return decoded; });
  }

  /// sum += what the wire says, in fp32.
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    decode_to(from, sum, [](float old, float decoded) RONDO_INLINE_BODY { return old + decoded; });
  }

  /// rest -= what the wire says, in fp32.
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    decode_to(from, rest, [](float old, float decoded) RONDO_INLINE_BODY { return old - decoded; });
  }

  /// Decodes wires of `count` values each, sums them in the order given in fp32, multiplies by
  /// `factor` and encodes the result, block by block: nothing but wires touches memory.
  void encode_sum(std::span<const std::span<const std::byte>> wires, std::size_t count,
                  std::span<std::byte> to, const context& where = {}, float factor = 1) const {
    for (const auto& from : wires) {
      detail::require_wire("codec::encode_sum", from.size(), wire_bytes(count), count);
    }
    const std::size_t padded = detail::round_up(count, granule);
    const std::size_t whole = padded / block * block;
    float tail[block] = {};
    if (whole < padded) {
      sum_tails(wires, padded, factor, tail);
    }
    encode_from(
        [wires, padded, factor, whole, &tail](std::size_t index, const message&, tile_type& tile)
            RONDO_INLINE_BODY {
              if (index < whole) {
                sum_block(wires, padded, index / block, factor, tile);
              } else {
                detail::load(tail, tile);
              }
            },
        count, to, where);
  }

 private:
  using scale_type = typename Format::scale_type;
  using tile_type = float[block];
  using payload_type = std::uint8_t[wire::block_bytes()];
  using message = detail::message_of<Format>;
  static constexpr std::size_t granule = detail::granule_of<Format>;
  static constexpr bool turns = granule > 1;

  /// What stands behind the last values, so that their scale is theirs alone.
  template <class T>
  static T padding(T first) {
    if constexpr (requires { Format::pads_with_first; }) {
      return first;
    } else {
      return static_cast<T>(0.0f);
    }
  }

  /// `source(index, told, tile)` fills a tile with the block that begins at value `index`.
  template <class Source>
  void encode_from(const Source& source, std::size_t values, std::span<std::byte> to,
                   const context& where) const {
    detail::require_wire("codec::encode", to.size(), wire_bytes(values), values);
    if (wire_bytes(values) == 0) {
      return;
    }
    const std::size_t count = detail::round_up(values, granule);
    const auto begin = to.data();
    vectorized([&]() RONDO_INLINE_BODY {
      const message told = begin_message(source, count, where);
      wire::write_header(begin, told);
      encode_blocks(source, count, begin, told);
    });
    wire::zero_gaps(begin, count);
  }

  template <class Source>
  RONDO_ALWAYS_INLINE message begin_message(const Source& source, std::size_t count,
                                            const context& where) const {
    if constexpr (detail::has_header<Format>) {
      typename Format::survey seen{};
      tile_type tile;
      for (std::size_t index = 0; index < count; index += block) {
        source(index, {}, tile);
        seen = Format::survey::combine(seen, Format::survey::observe(tile));
      }
      return Format::begin(seen);
    } else if constexpr (requires(const Format& f) { f.begin(where); }) {
      return Format::begin(where);
    } else {
      return {};
    }
  }

  /// Blocks are encoded in groups, statistic by statistic, scale by scale and then payload by
  /// payload: from one block's values to its codes is a long chain of latencies, and a group has
  /// many such chains side by side.
  template <class Source>
  RONDO_ALWAYS_INLINE static void encode_blocks(const Source& source, std::size_t count,
                                                std::byte* to, const message& told) {
    constexpr std::size_t group = block < 512 ? 1024 / block : 1;
    float tiles[group][block];
    typename Format::statistic seen[group];
    scale_type scales[group];
    payload_type last;
    const std::size_t blocks = wire::blocks(count);
    for (std::size_t first = 0; first < blocks; first += group) {
      const std::size_t here = (std::min)(group, blocks - first);
      for (std::size_t k = 0; k < here; ++k) {
        source((first + k) * block, told, tiles[k]);
        seen[k] = detail::observe_block<Format>(tiles[k]);
      }
      for (std::size_t k = 0; k < here; ++k) {
        scales[k] =
            detail::scale_of<Format>(seen[k], (std::min)(block, count - (first + k) * block), told);
      }
      wire::write_scales(to, first, scales, here);
      if constexpr (detail::has_codes<Format> && group > 1) {
        if (first + group <= count / block) {
          encode_group(tiles, scales, told, wire::payload(to, count, first));
          continue;
        }
      }
      for (std::size_t k = 0; k < here; ++k) {
        const std::size_t b = first + k;
        auto& payload = b < count / block
                            ? *reinterpret_cast<payload_type*>(wire::payload(to, count, b))
                            : last;
        detail::pack_tile<Format>(tiles[k], scales[k], payload, told, b * block);
      }
    }
    if (count % block != 0) {
      std::memcpy(wire::payload(to, count, count / block), last, wire::tail_bytes(count));
    }
  }

  /// All the payloads of a group of whole blocks.
  template <std::size_t Blocks>
  RONDO_ALWAYS_INLINE static void encode_group(const float (&tiles)[Blocks][block],
                                               const scale_type (&scales)[Blocks],
                                               const message& told, std::byte* to) {
    const auto payload = reinterpret_cast<std::uint8_t*>(to);
    float factors[Blocks];
    std::uint32_t poisoned = 0;
    for (std::size_t k = 0; k < Blocks; ++k) {
      factors[k] = detail::factor_of<Format>(scales[k], told);
      poisoned |= Format::is_poison(scales[k]) ? 1u : 0u;
    }
    if constexpr (Format::bits == 8) {
      for (std::size_t k = 0; k < Blocks; ++k) {
        detail::quantise<Format>(tiles[k], factors[k], payload + k * block);
      }
    } else {
      std::uint8_t codes[Blocks * block];
      for (std::size_t k = 0; k < Blocks; ++k) {
        detail::quantise<Format>(tiles[k], factors[k], codes + k * block);
      }
      detail::pack_blocks<Format::bits, Blocks>(codes, payload);
    }
    for (std::size_t k = 0; poisoned != 0 && k < Blocks; ++k) {
      if (Format::is_poison(scales[k])) {
        std::memset(payload + k * wire::block_bytes(), detail::poison_byte<Format>,
                    wire::block_bytes());
      }
    }
  }

  template <class T, class Fold>
  void decode_to(std::span<const std::byte> from, std::span<T> values, const Fold& fold) const {
    const std::size_t count = detail::round_up(values.size(), granule);
    const std::size_t whole = values.size() / block;
    detail::require_wire("codec::decode", from.size(), wire_bytes(values.size()), values.size());
    const auto begin = from.data();
    const auto out = values.data();
    vectorized([&]() RONDO_INLINE_BODY {
      const message told = read_message(begin, count);
      tile_type tile;
      for (std::size_t b = 0; b < whole; ++b) {
        decode_block(begin, count, b, told, tile);
        if constexpr (turns) {
          Format::turn_back(tile, told);
        }
        detail::store(tile, out + b * block, fold);
      }
    });
    if (const std::size_t left = values.size() % block; left != 0) {
      tile_type tile;
      decode_last(begin, count, whole, tile);
      if constexpr (turns) {
        vectorized([&]()
                       RONDO_INLINE_BODY { Format::turn_back(tile, read_message(begin, count)); });
      }
      const auto tail = out + whole * block;
      T kept[block] = {};
      std::copy_n(tail, left, kept);
      detail::store(tile, kept, fold);
      std::copy_n(kept, left, tail);
    }
  }

  RONDO_ALWAYS_INLINE static void decode_block(const std::byte* from, std::size_t count,
                                               std::size_t b, const message& told,
                                               tile_type& tile) {
    detail::unpack_tile<Format>(
        *reinterpret_cast<const payload_type*>(wire::payload(from, count, b)),
        wire::read_scale(from, b), tile, told);
  }

  /// Block b, the last one: it may be short.
  static void decode_last(const std::byte* from, std::size_t count, std::size_t b,
                          tile_type& tile) {
    payload_type payload = {};
    const std::size_t bytes = wire::payload_end(count) - wire::payload_begin(count);
    std::memcpy(payload, wire::payload(from, count, b), bytes - b * wire::block_bytes());
    vectorized([&]() RONDO_INLINE_BODY {
      detail::unpack_tile<Format>(payload, wire::read_scale(from, b), tile,
                                  wire::read_header(from, count));
    });
  }

  /// What a decoder knows of the message: its header, or what does not depend on the context.
  RONDO_ALWAYS_INLINE message read_message(const std::byte* from, std::size_t count) const {
    if constexpr (turns) {
      return Format::begin(context{});
    } else {
      return wire::read_header(from, count);
    }
  }

  RONDO_ALWAYS_INLINE static void sum_block(std::span<const std::span<const std::byte>> wires,
                                            std::size_t count, std::size_t b, float factor,
                                            tile_type& sum) {
    for (float& value : sum) {
      value = 0;
    }
    for (const auto& from : wires) {
      tile_type tile;
      decode_block(from.data(), count, b, wire::read_header(from.data(), count), tile);
      for (std::size_t i = 0; i < block; ++i) {
        sum[i] += tile[i];
      }
    }
    for (float& value : sum) {
      value = detail::multiply(value, factor);
    }
  }

  static void sum_tails(std::span<const std::span<const std::byte>> wires, std::size_t count,
                        float factor, tile_type& sum) {
    for (const auto& from : wires) {
      tile_type tile;
      decode_last(from.data(), count, count / block, tile);
      for (std::size_t i = 0; i < count % block; ++i) {
        sum[i] += tile[i];
      }
    }
    for (float& value : sum) {
      value *= factor;
    }
    std::fill(sum + count % block, sum + block, padding(sum[0]));
  }
};

}  // namespace rondo::inline v0_1::codec
