// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/detail/block_group.hpp>
#include <rondo/core/vectorize.hpp>

#include <cstring>
#include <span>

namespace rondo::inline v0_1::codec::detail {

/// From the wire of a block format to groups of values.
template <class Format>
class block_decoder {
  using group = block_group<Format>;
  using wire = wire_layout<Format>;
  using message = message_of<Format>;
  using scale_type = typename Format::scale_type;
  static constexpr std::size_t block = Format::block;
  static constexpr std::size_t blocks = group::blocks;

 public:
  using wires = std::span<const std::span<const std::byte>>;

  /// to[i] = fold(to[i], value i) for `groups` groups from block `first` on, of wires of `count`
  /// values, one wire after another. What stands behind the last value of a short group is folded
  /// with anything.
  template <class Fold>
  static void decode(wires from, std::size_t count, std::size_t first, std::size_t groups,
                     float* to, const Fold& fold) {
    vectorized<registers::of_64_bytes>([=](auto width) RONDO_INLINE_BODY {
      for (std::size_t g = 0; g < groups; ++g) {
        for (const auto& one : from) {
          const message told = wire::read_header(one.data(), count);
          packed_group{one.data(), count, first + g * blocks}.unpack(told, to + g * group::values,
                                                                     fold, width);
        }
      }
    });
  }

 private:
  /// A group on the wire; the last one, if it is short, is copied and filled up.
  struct packed_group {
    const std::byte* scales;
    const std::byte* payload;
    std::byte scale_bytes[blocks * sizeof(scale_type)];
    typename group::payload last[blocks];

    RONDO_ALWAYS_INLINE packed_group(const std::byte* from, std::size_t count, std::size_t first)
        : scales{wire::scale(from, first)}, payload{wire::payload(from, count, first)} {
      if (first + blocks > count / block) {
        std::memset(scale_bytes, 0, sizeof(scale_bytes));
        std::memset(last, 0, sizeof(last));
        std::memcpy(scale_bytes, scales, (wire::blocks(count) - first) * sizeof(scale_type));
        std::memcpy(last, payload, group::payload_from(count, first));
        scales = scale_bytes;
        payload = reinterpret_cast<const std::byte*>(last);
      }
    }

    template <class Fold, class Width>
    RONDO_ALWAYS_INLINE void unpack(const message& told, float* to, const Fold& fold, Width) const {
      const auto bytes = reinterpret_cast<const std::uint8_t*>(payload);
      if constexpr (has_values<Format>) {
        decltype(step_of<Format>(scale_type{}, told)) steps[blocks];
        for (std::size_t k = 0; k < blocks; ++k) {
          steps[k] = step_of<Format>(scale_at(k), told);
        }
        std::uint8_t codes[group::values];
        unpack_blocks<Format::bits, blocks>(bytes, codes);
        if constexpr (group::template fills_registers<Width>) {
          to_values(codes, steps, to, fold);
        } else {
          std::uint32_t words[group::values];
          for (std::size_t i = 0; i < group::values; ++i) {
            words[i] = codes[i];
          }
          to_values(words, steps, to, fold);
        }
      } else {
        for (std::size_t k = 0; k < blocks; ++k) {
          float tile[block];
          unpack_tile<Format>(
              *reinterpret_cast<const typename group::payload*>(bytes + k * wire::block_bytes()),
              scale_at(k), tile, told);
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

    template <class Step, class Code, class Fold>
    RONDO_ALWAYS_INLINE static void to_values(const Code (&codes)[group::values],
                                              const Step (&steps)[blocks], float* to,
                                              const Fold& fold) {
      for (std::size_t k = 0; k < blocks; ++k) {
        for (std::size_t i = 0; i < block; ++i) {
          float& value = to[k * block + i];
          value = fold(value, Format::value_of(codes[k * block + i], steps[k]));
        }
      }
    }
  };
};

}  // namespace rondo::inline v0_1::codec::detail
