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

/// Part `index` of `parts` of `count` elements: sizes differ by at most one granule, earlier parts
/// are the larger ones, and every part but the last begins and ends on a multiple of `granule`.
[[nodiscard]] RONDO_HOST_DEVICE constexpr part even_part(std::size_t count, std::size_t parts,
                                                         std::size_t index,
                                                         std::size_t granule = 1) {
  const std::size_t granules = (count + granule - 1) / granule;
  const std::size_t base = granules / parts;
  const std::size_t larger = granules % parts;
  const std::size_t before = index * base + (index < larger ? index : larger);
  const std::size_t mine = base + (index < larger ? 1 : 0);
  const std::size_t first = before * granule < count ? before * granule : count;
  const std::size_t last = (before + mine) * granule < count ? (before + mine) * granule : count;
  return {first, last - first};
}

}  // namespace rondo::inline v0_1
