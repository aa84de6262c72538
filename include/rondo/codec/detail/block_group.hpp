// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/detail/tile.hpp>
#include <rondo/codec/wire.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rondo::inline v0_1::codec::detail {

/// Blocks are worked on in groups, step by step: from one block's values to its codes is a long
/// chain of latencies, and a group has many such chains side by side; and where codes of a group
/// are moved together, loops are long enough to be vector code.
template <class Format>
struct block_group {
  static constexpr std::size_t block = Format::block;
  static constexpr std::size_t blocks = block < 2048 ? 2048 / block : 1;
  static constexpr std::size_t values = blocks * block;
  static constexpr std::size_t granule = granule_of<Format>;
  static constexpr bool turns = granule > 1;
  using tiles = float[blocks][block];
  using payload = std::uint8_t[wire_layout<Format>::block_bytes()];

  /// The codes of a block, as bytes, are whole registers. If not, its values become words first,
  /// and the words of all blocks bytes: no loop is then too short for the registers there are.
  template <class Width>
  static constexpr bool fills_registers = block % Width::value == 0;

  /// Bytes of payload from block `first` to the end.
  [[nodiscard]] static std::size_t payload_from(std::size_t count, std::size_t first) {
    using wire = wire_layout<Format>;
    return wire::payload_end(count) - wire::payload_begin(count) - first * wire::block_bytes();
  }

  /// Fills up a group of `count` values, so that a short block's scale is that of its own values.
  static void pad(float* group, std::size_t count) {
    float with = 0;
    if constexpr (requires { Format::pads_with_first; }) {
      if (const std::size_t full = count / block * block; full < count) {
        with = group[full];
      }
    }
    std::fill(group + count, group + values, with);
  }
};

}  // namespace rondo::inline v0_1::codec::detail
