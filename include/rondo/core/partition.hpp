// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <cstddef>

namespace rondo::inline v0_1 {

/// Elements `first` .. `first + count - 1`.
struct part {
  std::size_t first = 0;
  std::size_t count = 0;
  friend constexpr bool operator==(const part&, const part&) = default;
};

/// Where the parts of `end` elements begin: sizes differ by at most one granule, earlier parts are
/// the larger ones, and every part but the last begins and ends on a multiple of `granule`.
struct even_cut {
  std::size_t end = static_cast<std::size_t>(-1);
  std::size_t granule = 1;
  std::size_t base = 0;    ///< granules of every part
  std::size_t larger = 0;  ///< parts that have one granule more

  constexpr even_cut() = default;
  RONDO_HOST_DEVICE constexpr even_cut(std::size_t count, std::size_t parts, std::size_t grain)
      : end{count},
        granule{grain},
        base{(count + grain - 1) / grain / parts},
        larger{(count + grain - 1) / grain % parts} {}

  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t begin(std::size_t index) const {
    const std::size_t first = (index * base + (index < larger ? index : larger)) * granule;
    return first < end ? first : end;
  }
};

/// Part `index` of `parts` of `count` elements.
[[nodiscard]] RONDO_HOST_DEVICE constexpr part even_part(std::size_t count, std::size_t parts,
                                                         std::size_t index,
                                                         std::size_t granule = 1) {
  const even_cut cut{count, parts, granule};
  const std::size_t first = cut.begin(index);
  return {first, cut.begin(index + 1) - first};
}

}  // namespace rondo::inline v0_1
