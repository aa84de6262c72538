// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/tile.hpp>

#include <algorithm>
#include <cstring>
#include <span>

namespace rondo::inline v0_1::codec {

/// bfloat16 values bit by bit, in about 11.3 of their 16 bits: neighbouring values have exponents
/// near each other, so an exponent is three bits that count from its block's base, and the few that
/// are too far off follow in full. Every section but the last has a place that the count alone
/// tells, so blocks decode in parallel (the split is DietGPU's,
/// github.com/facebookresearch/dietgpu; three bits with escapes take the place of its entropy
/// coder).
///
/// `wire_bytes` is the slot of the worst case, as large as the values; `encode` returns how much of
/// it was used, and only that must travel. Where coding would not help, the values go as they are.
struct lossless_bfloat16 {
  static constexpr std::size_t block = 512;
  static constexpr bool lossy = false;
  static constexpr bool carries_nan = true;

  [[nodiscard]] static constexpr std::size_t wire_bytes(std::size_t count) {
    return count <= detail::most_values ? slot_bytes(count) : detail::no_wire;
  }

  /// Bytes used. Does not compile for anything but bfloat16, which would have to be rounded.
  template <buffer Values>
  std::size_t encode(const Values& values, std::span<std::byte> to, const context& = {}) const {
    using stored = typename detail::stored_as<element_of<Values>>::type;
    static_assert(std::is_same_v<stored, bfloat16>,
                  "rondo: codec::lossless_bfloat16: takes bfloat16 values only");
    const auto from = readable(values);
    const std::size_t count = from.size();
    detail::require_wire("codec::encode", to.size(), wire_bytes(count), count);
    const auto words = [first = from.data()](std::size_t i) {
      std::uint16_t word = 0;
      std::memcpy(&word, first + i, sizeof(word));
      return word;
    };
    std::memset(to.data(), 0, slot_bytes(count));
    const std::size_t used = encode_blocks(words, count, to.data());
    if (used != 0) {
      set_header(to.data(), used);
      return used;
    }
    std::memset(to.data(), 0, slot_bytes(count));
    if (count != 0) {
      std::memcpy(to.data() + header_bytes, from.data(), count * sizeof(bfloat16));
    }
    set_header(to.data(), 0);
    return slot_bytes(count);
  }

  /// values = what the wire says: bit by bit, if they are bfloat16.
  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    const auto out = writable(values);
    using stored = typename detail::stored_as<element_of<Values>>::type;
    decode_each(from, out.size(), [out](std::size_t i, bfloat16 value) {
      const auto kept = [value] {
        if constexpr (std::is_same_v<stored, bfloat16>) {
          return value;  // by way of float every NaN would become the same one
        } else {
          return static_cast<stored>(static_cast<float>(value));
        }
      }();
      std::memcpy(static_cast<void*>(out.data() + i), &kept, sizeof(kept));
    });
  }
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    decode_each(from, sum.size(), [sum](std::size_t i, bfloat16 value) { sum[i] += value; });
  }
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    decode_each(from, rest.size(), [rest](std::size_t i, bfloat16 value) { rest[i] -= value; });
  }

  [[nodiscard]] static float max_error(float /*absmax*/) { return 0; }

 private:
  static constexpr std::size_t header_bytes = 16;
  static constexpr unsigned escape = 7;

  /// `wire_bytes` of a count that a buffer has.
  [[nodiscard]] static constexpr std::size_t slot_bytes(std::size_t count) {
    return header_bytes + detail::round_up(count * sizeof(bfloat16), detail::wire_alignment);
  }

  /// Where the sections of a coded wire begin.
  struct layout {
    std::size_t escapes_in_block;  ///< 16 bits per block
    std::size_t base;              ///< 8 bits per block
    std::size_t fraction;          ///< sign and mantissa, 8 bits per value
    std::size_t codes;             ///< 3 bits per value
    std::size_t escaped;           ///< exponents in full

    explicit constexpr layout(std::size_t count) {
      const std::size_t blocks = detail::divide_up(count, block);
      escapes_in_block = header_bytes;
      base = escapes_in_block + 2 * blocks;
      fraction = base + blocks;
      codes = fraction + count;
      escaped = codes + 3 * detail::divide_up(count, 8);
    }
  };

  /// `used`: bytes of the wire that must travel; 0: the values stand there as they are.
  static void set_header(std::byte* wire, std::uint64_t used) {
    std::memcpy(wire, &used, sizeof(used));
  }

  /// The base whose window base .. base + 6 holds the most exponents of a block.
  template <class Words>
  [[nodiscard]] static unsigned best_base(const Words& words, std::size_t first, std::size_t last) {
    std::uint16_t seen[256 + escape] = {};
    for (std::size_t i = first; i < last; ++i) {
      ++seen[(words(i) >> 7) & 0xffu];
    }
    unsigned inside = 0;
    for (unsigned k = 0; k < escape; ++k) {
      inside += seen[k];
    }
    unsigned best = 0;
    unsigned most = inside;
    for (unsigned base = 1; base < 256; ++base) {
      inside += seen[base + escape - 1];
      inside -= seen[base - 1];
      if (inside > most) {
        most = inside;
        best = base;
      }
    }
    return best;
  }

  /// Bytes used, or 0 where they would be more than the values themselves.
  template <class Words>
  [[nodiscard]] static std::size_t encode_blocks(const Words& words, std::size_t count,
                                                 std::byte* wire) {
    const layout at{count};
    const std::size_t end = slot_bytes(count);
    if (at.escaped > end) {
      return 0;
    }
    std::size_t escaped = at.escaped;
    for (std::size_t first = 0; first < count; first += block) {
      const std::size_t last = (std::min)(first + block, count);
      const std::size_t b = first / block;
      const unsigned base = best_base(words, first, last);
      const std::size_t before = escaped;
      for (std::size_t group = first; group < last; group += 8) {
        std::uint32_t codes = 0;
        for (std::size_t i = group; i < (std::min)(group + 8, last); ++i) {
          const unsigned word = words(i);
          const unsigned exponent = (word >> 7) & 0xffu;
          wire[at.fraction + i] = static_cast<std::byte>(((word >> 8) & 0x80u) | (word & 0x7fu));
          const unsigned code = (std::min)(exponent - base, escape);
          codes |= code << (3 * (i - group));
          if (code == escape) {
            if (escaped == end) {
              return 0;
            }
            wire[escaped++] = static_cast<std::byte>(exponent);
          }
        }
        std::memcpy(wire + at.codes + group / 8 * 3, &codes, 3);
      }
      const auto escapes = static_cast<std::uint16_t>(escaped - before);
      std::memcpy(wire + at.escapes_in_block + 2 * b, &escapes, sizeof(escapes));
      wire[at.base + b] = static_cast<std::byte>(base);
    }
    const std::size_t used = detail::round_up(escaped, detail::wire_alignment);
    return used < end ? used : 0;
  }

  /// Errors: `corrupt_data` where the escapes run past the end.
  template <class Put>
  static void decode_each(std::span<const std::byte> from, std::size_t count, const Put& put) {
    if (from.size() < header_bytes) {
      detail::require_wire("codec::decode", from.size(), header_bytes, count);
    }
    std::uint64_t used = 0;
    std::memcpy(&used, from.data(), sizeof(used));
    if (used == 0) {
      detail::require_wire("codec::decode", from.size(), wire_bytes(count), count);
      for (std::size_t i = 0; i < count; ++i) {
        std::uint16_t word = 0;
        std::memcpy(&word, from.data() + header_bytes + 2 * i, sizeof(word));
        put(i, bfloat16::from_bits(word));
      }
      return;
    }
    const layout at{count};
    if (used > from.size() || used > wire_bytes(count) || at.escaped > used) {
      detail::corrupt("codec::lossless_bfloat16::decode: a header of " + std::to_string(used) +
                      " bytes on a wire of " + std::to_string(from.size()));
    }
    std::size_t escaped = at.escaped;
    for (std::size_t first = 0; first < count; first += block) {
      const std::size_t last = (std::min)(first + block, count);
      const auto base = std::to_integer<unsigned>(from[at.base + first / block]);
      for (std::size_t group = first; group < last; group += 8) {
        std::uint32_t codes = 0;
        std::memcpy(&codes, from.data() + at.codes + group / 8 * 3, 3);
        for (std::size_t i = group; i < (std::min)(group + 8, last); ++i) {
          const unsigned code = (codes >> (3 * (i - group))) & 7u;
          unsigned exponent = base + code;
          if (code == escape) {
            if (escaped == used) {
              detail::corrupt("codec::lossless_bfloat16::decode: more escapes than bytes");
            }
            exponent = std::to_integer<unsigned>(from[escaped++]);
          }
          const auto fraction = std::to_integer<unsigned>(from[at.fraction + i]);
          put(i, bfloat16::from_bits(static_cast<std::uint16_t>(
                     ((fraction & 0x80u) << 8) | ((exponent & 0xffu) << 7) | (fraction & 0x7fu))));
        }
      }
    }
  }
};

}  // namespace rondo::inline v0_1::codec
