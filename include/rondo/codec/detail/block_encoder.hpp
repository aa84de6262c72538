// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/block_group.hpp>
#include <rondo/core/vectorize.hpp>

#include <cstring>

RONDO_INDEPENDENT_LOOPS_BEGIN

namespace rondo::inline v0_1::codec::detail {

/// Where an encoder's values come from, a group at a time, padded past the last one: floats are
/// read where they lie, all else is made by a call. So encoding is compiled once for a format.
template <class Message>
struct group_source {
  const float* values = nullptr;
  std::size_t in_place = 0;  ///< groups that begin before this value are read from `values`
  const void* maker = nullptr;
  void (*make)(const void* maker, std::size_t index, const Message& told, float* to) = nullptr;

  /// The group that begins at value `index`, where it lies or in `room`.
  RONDO_ALWAYS_INLINE const float* at(std::size_t index, const Message& told, float* room) const {
    if (index < in_place) {
      return values + index;
    }
    make(maker, index, told, room);
    return room;
  }
};

/// From groups of values to the wire of a block format.
template <class Format>
class block_encoder {
  using group = block_group<Format>;
  using wire = wire_layout<Format>;
  using message = message_of<Format>;
  using scale_type = typename Format::scale_type;
  static constexpr std::size_t block = Format::block;
  static constexpr std::size_t blocks = group::blocks;
  using tiles = typename group::tiles;

 public:
  using source = group_source<message>;

  /// Writes the wire of `count` values, a multiple of the granule, but for its gaps.
  static void encode(const Format& format, const source& from, std::size_t count, std::byte* to,
                     const context& where) {
    vectorized<registers::of_64_bytes>([=](auto width) RONDO_INLINE_BODY {
      const message told = begin_message(format, from, count, where);
      wire::write_header(to, told);
      encode_blocks(from, count, to, told, width);
    });
  }

 private:
  RONDO_ALWAYS_INLINE static message begin_message(const Format& format, const source& from,
                                                   std::size_t count, const context& where) {
    if constexpr (has_header<Format>) {
      typename Format::survey seen{};
      alignas(64) float room[group::values];
      for (std::size_t index = 0; index < count; index += group::values) {
        const auto& values = *reinterpret_cast<const tiles*>(from.at(index, {}, room));
        for (const auto& tile : values) {
          seen = Format::survey::combine(seen, Format::survey::observe(tile));
        }
      }
      return Format::begin(seen);
    } else if constexpr (requires { format.begin(where); }) {
      return format.begin(where);
    } else {
      return {};
    }
  }

  struct group_scales {
    using factor_type = decltype(factor_of<Format>(scale_type{}, message{}));
    alignas(64) scale_type scales[blocks];
    alignas(64) factor_type factors[blocks];
    bool poisoned;
  };

  /// From values to a factor is a long chain of latencies: while it runs for one group, the values
  /// of the next are looked at.
  template <class Width>
  RONDO_ALWAYS_INLINE static void encode_blocks(const source& from, std::size_t count,
                                                std::byte* to, const message& told, Width width) {
    alignas(64) float room[2][group::values];
    alignas(64) typename Format::statistic seen[blocks];
    const float* values = nullptr;
    group_scales scaled;
    const std::size_t end = wire::blocks(count);
    for (std::size_t first = 0; first < end + blocks; first += blocks) {
      const float* const before = values;
      if (first != 0) {
        scale_group(seen, count, first - blocks, told, to, scaled);
      }
      if (first < end) {
        values = from.at(first * block, told, room[first / blocks % 2]);
        const auto& next = *reinterpret_cast<const tiles*>(values);
        for (std::size_t k = 0; k < blocks; ++k) {
          seen[k] = observe_block<Format>(next[k]);
        }
      }
      if (first != 0) {
        pack_group(*reinterpret_cast<const tiles*>(before), scaled, count, first - blocks, told, to,
                   width);
      }
    }
  }

  RONDO_ALWAYS_INLINE static void scale_group(const typename Format::statistic (&seen)[blocks],
                                              std::size_t count, std::size_t first,
                                              const message& told, std::byte* to,
                                              group_scales& scaled) {
    RONDO_KEEP_LOOP
    for (std::size_t k = 0; k < blocks; ++k) {
      scaled.scales[k] = scale_of<Format>(seen[k], block, told);
    }
    if (first + blocks <= count / block) {
      wire::write_scales(to, first, scaled.scales, blocks);
    } else {
      const std::size_t here = wire::blocks(count) - first;
      if (count % block != 0) {
        scaled.scales[here - 1] = scale_of<Format>(seen[here - 1], count % block, told);
      }
      wire::write_scales(to, first, scaled.scales, here);
    }
    std::uint32_t poisoned = 0;
    RONDO_KEEP_LOOP
    for (std::size_t k = 0; k < blocks; ++k) {
      scaled.factors[k] = factor_of<Format>(scaled.scales[k], told);
      poisoned |= Format::is_poison(scaled.scales[k]) ? 1u : 0u;
    }
    scaled.poisoned = poisoned != 0;
  }

  /// All the payloads of a group; those of a short one by way of a copy.
  template <class Width>
  RONDO_ALWAYS_INLINE static void pack_group(const tiles& values, const group_scales& scaled,
                                             std::size_t count, std::size_t first,
                                             const message& told, std::byte* to, Width) {
    typename group::payload last[blocks];
    const bool whole = first + blocks <= count / block;
    const auto there = reinterpret_cast<std::uint8_t*>(wire::payload(to, count, first));
    std::uint8_t* const payload = whole ? there : last[0];
    if constexpr (has_codes<Format>) {
      if constexpr (Format::bits == 8 && group::template fills_registers<Width>) {
        to_codes(values, scaled.factors, payload);
      } else {
        std::uint8_t codes[group::values];
        if constexpr (group::template fills_registers<Width>) {
          to_codes(values, scaled.factors, codes);
        } else {
          std::uint32_t words[group::values];
          to_codes(values, scaled.factors, words);
          for (std::size_t i = 0; i < group::values; ++i) {
            codes[i] = static_cast<std::uint8_t>(words[i]);
          }
        }
        pack_blocks<Format::bits, blocks>(codes, payload);
      }
      for (std::size_t k = 0; scaled.poisoned && k < blocks; ++k) {
        if (Format::is_poison(scaled.scales[k])) {
          std::memset(payload + k * wire::block_bytes(), poison_byte<Format>, wire::block_bytes());
        }
      }
    } else {
      for (std::size_t k = 0; k < blocks; ++k) {
        pack_tile<Format>(
            values[k], scaled.scales[k],
            *reinterpret_cast<typename group::payload*>(payload + k * wire::block_bytes()), told,
            (first + k) * block);
      }
    }
    if (!whole) {
      std::memcpy(there, last, group::payload_from(count, first));
    }
  }

  template <class Factor, class Code>
  RONDO_ALWAYS_INLINE static void to_codes(const tiles& values, const Factor (&factors)[blocks],
                                           Code* codes) {
    for (std::size_t k = 0; k < blocks; ++k) {
      const Factor factor = factors[k];
      RONDO_INDEPENDENT_ITERATIONS
      for (std::size_t i = 0; i < block; ++i) {
        codes[k * block + i] = static_cast<Code>(Format::code_of(values[k][i], factor));
      }
    }
  }
};

}  // namespace rondo::inline v0_1::codec::detail

RONDO_INDEPENDENT_LOOPS_END
