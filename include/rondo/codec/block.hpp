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
///  - `pack(tile, scale, payload)` and `unpack(payload, scale, tile)` for a tile of any N values;
///    or in their place, and faster, `code_of(value, factor)` with `factor_of(scale)`, of which the
///    low `bits` are sent, and `value_of(code, step)` with `step_of(scale)`;
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
    using T = element_of<Values>;
    const auto from = readable(values);
    const auto begin = from.data();
    const std::size_t whole = from.size() / group_values * group_values;
    T last[group_values];
    if (whole < from.size()) {
      const std::size_t full = from.size() / block * block - whole;
      T* const behind = std::copy(begin + whole, begin + from.size(), last);
      std::fill(behind, last + group_values, padding(behind == last + full ? T{} : last[full]));
    }
    encode_from(
        [begin, whole, &last](std::size_t index, [[maybe_unused]] const message& told,
                              [[maybe_unused]] group_type& tiles, auto,
                              const auto& see) RONDO_INLINE_BODY -> const group_type& {
          const T* const given = index < whole ? begin + index : last;
          if constexpr (std::is_same_v<T, float> && !turns) {
            const auto& there = *reinterpret_cast<const group_type*>(given);
            for (std::size_t k = 0; k < group; ++k) {
              see(k, there[k]);
            }
            return there;
          } else {
            for (std::size_t k = 0; k < group; ++k) {
              detail::load(given + k * block, tiles[k]);
              if constexpr (turns) {
                Format::turn(tiles[k], told);
              }
              see(k, tiles[k]);
            }
            return tiles;
          }
        },
        from.size(), to, where);
  }

  /// values = what the wire says.
  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    decode_to(from, writable(values), replace);
  }

  /// sum += what the wire says, in fp32.
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    decode_to(from, sum, add);
  }

  /// rest -= what the wire says, in fp32.
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    decode_to(from, rest, [](float old, float decoded) RONDO_INLINE_BODY { return old - decoded; });
  }

  /// Decodes wires of `count` values each, sums them in the order given in fp32, divides the
  /// sum by `divisor` and encodes it, block by block: nothing but wires touches memory.
  void encode_sum(std::span<const std::span<const std::byte>> wires, std::size_t count,
                  std::span<std::byte> to, const context& where = {}, float divisor = 1) const {
    for (const auto& from : wires) {
      detail::require_wire("codec::encode_sum", from.size(), wire_bytes(count), count);
    }
    const std::size_t padded = detail::round_up(count, granule);
    encode_from(
        [wires, padded, divisor](std::size_t index, const message&, group_type& sums, auto width,
                                 const auto& see) RONDO_INLINE_BODY -> const group_type& {
          sum_group(wires, padded, index / block, divisor, sums, width);
          for (std::size_t k = 0; k < group; ++k) {
            see(k, sums[k]);
          }
          return sums;
        },
        count, to, where);
  }

 private:
  using scale_type = typename Format::scale_type;
  using payload_type = std::uint8_t[wire::block_bytes()];
  using message = detail::message_of<Format>;
  static constexpr std::size_t granule = detail::granule_of<Format>;
  static constexpr bool turns = granule > 1;

  /// Blocks are worked on in groups, step by step: from one block's values to its codes is a long
  /// chain of latencies, and a group has many such chains side by side; and where codes of a group
  /// are moved together, loops are long enough to be vector code.
  static constexpr std::size_t group = block < 2048 ? 2048 / block : 1;
  static constexpr std::size_t group_values = group * block;
  using group_type = float[group][block];

  /// The codes of a block, as bytes, are whole registers. If not, its values become words first,
  /// and the words of all blocks bytes: no loop is then too short for the registers there are.
  template <class Width>
  static constexpr bool fills_registers = block % Width::value == 0;

  template <class Factor, class Code>
  RONDO_ALWAYS_INLINE static void to_codes(const group_type& values, const Factor (&factors)[group],
                                           Code* codes) {
    for (std::size_t k = 0; k < group; ++k) {
      const Factor factor = factors[k];
      RONDO_INDEPENDENT_ITERATIONS
      for (std::size_t i = 0; i < block; ++i) {
        codes[k * block + i] = static_cast<Code>(Format::code_of(values[k][i], factor));
      }
    }
  }
  template <class Step, class Code, class Fold>
  RONDO_ALWAYS_INLINE static void to_values(const Code (&codes)[group_values],
                                            const Step (&steps)[group], float* values,
                                            const Fold& fold) {
    for (std::size_t k = 0; k < group; ++k) {
      for (std::size_t i = 0; i < block; ++i) {
        float& value = values[k * block + i];
        value = fold(value, Format::value_of(codes[k * block + i], steps[k]));
      }
    }
  }

  RONDO_ALWAYS_INLINE static float (&flat(group_type& tiles))[group_values] {
    return reinterpret_cast<float(&)[group_values]>(tiles);
  }

  /// What stands behind the last values of a short block, so that their scale is theirs alone.
  template <class T>
  static T padding(T first) {
    if constexpr (requires { Format::pads_with_first; }) {
      return first;
    } else {
      return static_cast<T>(0.0f);
    }
  }

  RONDO_ALWAYS_INLINE static void turn_back(group_type& tiles, const message& told) {
    if constexpr (turns) {
      for (auto& tile : tiles) {
        Format::turn_back(tile, told);
      }
    }
  }

  /// `source(index, told, tiles, width, see)` returns the group that begins at value `index` and is
  /// padded past the last one, where it lies or in `tiles`, and calls `see(k, tile)` for each block
  /// while it is at hand.
  template <class Source>
  void encode_from(const Source& source, std::size_t values, std::span<std::byte> to,
                   const context& where) const {
    detail::require_wire("codec::encode", to.size(), wire_bytes(values), values);
    if (wire_bytes(values) == 0) {
      return;
    }
    const std::size_t count = detail::round_up(values, granule);
    const auto begin = to.data();
    vectorized<registers::of_64_bytes>([&](auto width) RONDO_INLINE_BODY {
      const message told = begin_message(source, count, where, width);
      wire::write_header(begin, told);
      encode_blocks(source, count, begin, told, width);
    });
    wire::zero_gaps(begin, count);
  }

  template <class Source, class Width>
  RONDO_ALWAYS_INLINE message begin_message(const Source& source, std::size_t count,
                                            const context& where, Width width) const {
    if constexpr (detail::has_header<Format>) {
      typename Format::survey seen{};
      alignas(64) group_type tiles;
      for (std::size_t index = 0; index < count; index += group_values) {
        source(index, {}, tiles, width, [&](std::size_t, const auto& tile) RONDO_INLINE_BODY {
          seen = Format::survey::combine(seen, Format::survey::observe(tile));
        });
      }
      return Format::begin(seen);
    } else if constexpr (requires(const Format& f) { f.begin(where); }) {
      return Format::begin(where);
    } else {
      return {};
    }
  }

  struct group_scales {
    using factor_type = decltype(detail::factor_of<Format>(scale_type{}, message{}));
    alignas(64) scale_type scales[group];
    alignas(64) factor_type factors[group];
    bool poisoned;
  };

  /// From values to a factor is a long chain of latencies: while it runs for one group, the values of
  /// the next are looked at.
  template <class Source, class Width>
  RONDO_ALWAYS_INLINE static void encode_blocks(const Source& source, std::size_t count,
                                                std::byte* to, const message& told, Width width) {
    alignas(64) group_type tiles[2];
    alignas(64) typename Format::statistic seen[group];
    const group_type* values = nullptr;
    group_scales scaled;
    const std::size_t blocks = wire::blocks(count);
    for (std::size_t first = 0; first < blocks + group; first += group) {
      const group_type* const before = values;
      if (first != 0) {
        scale_group(seen, count, first - group, told, to, scaled);
      }
      if (first < blocks) {
        values = &source(first * block, told, tiles[first / group % 2], width,
                         [&](std::size_t k, const auto& tile) RONDO_INLINE_BODY {
                           seen[k] = detail::observe_block<Format>(tile);
                         });
      }
      if (first != 0) {
        pack_group(*before, scaled, count, first - group, told, to, width);
      }
    }
  }

  RONDO_ALWAYS_INLINE static void scale_group(const typename Format::statistic (&seen)[group],
                                              std::size_t count, std::size_t first,
                                              const message& told, std::byte* to,
                                              group_scales& scaled) {
    RONDO_KEEP_LOOP
    for (std::size_t k = 0; k < group; ++k) {
      scaled.scales[k] = detail::scale_of<Format>(seen[k], block, told);
    }
    if (first + group <= count / block) {
      wire::write_scales(to, first, scaled.scales, group);
    } else {
      const std::size_t here = wire::blocks(count) - first;
      if (count % block != 0) {
        scaled.scales[here - 1] = detail::scale_of<Format>(seen[here - 1], count % block, told);
      }
      wire::write_scales(to, first, scaled.scales, here);
    }
    std::uint32_t poisoned = 0;
    RONDO_KEEP_LOOP
    for (std::size_t k = 0; k < group; ++k) {
      scaled.factors[k] = detail::factor_of<Format>(scaled.scales[k], told);
      poisoned |= Format::is_poison(scaled.scales[k]) ? 1u : 0u;
    }
    scaled.poisoned = poisoned != 0;
  }

  /// All the payloads of a group; those of a short one by way of a copy.
  template <class Width>
  RONDO_ALWAYS_INLINE static void pack_group(const group_type& values, const group_scales& scaled,
                                             std::size_t count, std::size_t first,
                                             const message& told, std::byte* to, Width) {
    payload_type last[group];
    const bool whole = first + group <= count / block;
    const auto there = reinterpret_cast<std::uint8_t*>(wire::payload(to, count, first));
    std::uint8_t* const payload = whole ? there : last[0];
    if constexpr (detail::has_codes<Format>) {
      if constexpr (Format::bits == 8 && fills_registers<Width>) {
        to_codes(values, scaled.factors, payload);
      } else {
        std::uint8_t codes[group_values];
        if constexpr (fills_registers<Width>) {
          to_codes(values, scaled.factors, codes);
        } else {
          std::uint32_t words[group_values];
          to_codes(values, scaled.factors, words);
          for (std::size_t i = 0; i < group_values; ++i) {
            codes[i] = static_cast<std::uint8_t>(words[i]);
          }
        }
        detail::pack_blocks<Format::bits, group>(codes, payload);
      }
      for (std::size_t k = 0; scaled.poisoned && k < group; ++k) {
        if (Format::is_poison(scaled.scales[k])) {
          std::memset(payload + k * wire::block_bytes(), detail::poison_byte<Format>,
                      wire::block_bytes());
        }
      }
    } else {
      for (std::size_t k = 0; k < group; ++k) {
        detail::pack_tile<Format>(
            values[k], scaled.scales[k],
            *reinterpret_cast<payload_type*>(payload + k * wire::block_bytes()), told,
            (first + k) * block);
      }
    }
    if (!whole) {
      std::memcpy(there, last, payload_from(count, first));
    }
  }

  /// Bytes of payload from block b to the end.
  RONDO_ALWAYS_INLINE static std::size_t payload_from(std::size_t count, std::size_t b) {
    return wire::payload_end(count) - wire::payload_begin(count) - b * wire::block_bytes();
  }

  /// A group on the wire; the last one, if it is short, is copied and filled up.
  struct packed_group {
    const std::byte* scales;
    const std::byte* payload;
    std::byte scale_bytes[group * sizeof(scale_type)];
    payload_type last[group];

    RONDO_ALWAYS_INLINE packed_group(const std::byte* from, std::size_t count, std::size_t first)
        : scales{wire::scale(from, first)}, payload{wire::payload(from, count, first)} {
      if (first + group > count / block) {
        std::memset(scale_bytes, 0, sizeof(scale_bytes));
        std::memset(last, 0, sizeof(last));
        std::memcpy(scale_bytes, scales, (wire::blocks(count) - first) * sizeof(scale_type));
        std::memcpy(last, payload, payload_from(count, first));
        scales = scale_bytes;
        payload = reinterpret_cast<const std::byte*>(last);
      }
    }

    /// to[i] = fold(to[i], value i) for all values of the group.
    template <class Fold, class Width>
    RONDO_ALWAYS_INLINE void unpack(const message& told, float* to, const Fold& fold, Width) const {
      const auto bytes = reinterpret_cast<const std::uint8_t*>(payload);
      if constexpr (detail::has_values<Format>) {
        decltype(detail::step_of<Format>(scale_type{}, told)) steps[group];
        for (std::size_t k = 0; k < group; ++k) {
          steps[k] = detail::step_of<Format>(scale_at(k), told);
        }
        std::uint8_t codes[group_values];
        detail::unpack_blocks<Format::bits, group>(bytes, codes);
        if constexpr (fills_registers<Width>) {
          to_values(codes, steps, to, fold);
        } else {
          std::uint32_t words[group_values];
          for (std::size_t i = 0; i < group_values; ++i) {
            words[i] = codes[i];
          }
          to_values(words, steps, to, fold);
        }
      } else {
        for (std::size_t k = 0; k < group; ++k) {
          float tile[block];
          detail::unpack_tile<Format>(
              *reinterpret_cast<const payload_type*>(bytes + k * wire::block_bytes()), scale_at(k),
              tile, told);
          for (std::size_t i = 0; i < block; ++i) {
            to[k * block + i] = fold(to[k * block + i], tile[i]);
          }
        }
      }
    }

   private:
    RONDO_ALWAYS_INLINE scale_type scale_at(std::size_t k) const {
      scale_type scale;
      std::memcpy(&scale, scales + k * sizeof(scale), sizeof(scale));
      return scale;
    }
  };

  static constexpr auto replace = [](float, float decoded) RONDO_INLINE_BODY { return decoded; };
  static constexpr auto add = [](float old, float decoded) RONDO_INLINE_BODY {
    return old + decoded;
  };

  template <class T, class Fold>
  void decode_to(std::span<const std::byte> from, std::span<T> values, const Fold& fold) const {
    detail::require_wire("codec::decode", from.size(), wire_bytes(values.size()), values.size());
    const std::size_t count = detail::round_up(values.size(), granule);
    const std::size_t whole = values.size() / group_values * group_values;
    const std::size_t left = values.size() - whole;
    const auto begin = from.data();
    T last[group_values];
    if (left != 0) {
      std::fill(std::copy_n(values.data() + whole, left, last), last + group_values, T{});
    }
    vectorized<registers::of_64_bytes>([&](auto width) RONDO_INLINE_BODY {
      const message told = read_message(begin, count);
      for (std::size_t index = 0; index < values.size(); index += group_values) {
        T* const to = index < whole ? values.data() + index : last;
        const packed_group packed{begin, count, index / block};
        if constexpr (std::is_same_v<T, float> && !turns) {
          packed.unpack(told, to, fold, width);
        } else {
          group_type tiles;
          packed.unpack(told, tiles[0], replace, width);
          turn_back(tiles, told);
          detail::store(flat(tiles), to, fold);
        }
      }
    });
    std::copy_n(last, left, values.data() + whole);
  }

  /// What a decoder knows of the message: its header, or what does not depend on the context.
  RONDO_ALWAYS_INLINE message read_message(const std::byte* from, std::size_t count) const {
    if constexpr (turns) {
      return Format::begin(context{});
    } else {
      return wire::read_header(from, count);
    }
  }

  /// The sum of the groups at block `first`, in the order of the wires, divided by `divisor`.
  template <class Width>
  RONDO_ALWAYS_INLINE static void sum_group(std::span<const std::span<const std::byte>> wires,
                                            std::size_t count, std::size_t first, float divisor,
                                            group_type& sums, Width width) {
    for (float& value : flat(sums)) {
      value = 0;
    }
    for (const auto& from : wires) {
      const message told = wire::read_header(from.data(), count);
      packed_group{from.data(), count, first}.unpack(told, sums[0], add, width);
    }
    if (divisor != 1) {
      for (float& value : flat(sums)) {
        value = detail::divide(value, divisor);
      }
    }
    if (const std::size_t full = count / block; full < first + group && count % block != 0) {
      auto& tile = sums[full - first];
      std::fill(tile + count % block, tile + block, padding(tile[0]));
    }
  }
};

}  // namespace rondo::inline v0_1::codec
