// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace rondo::inline v0_1::detail {

/// A node of the balanced binary tree over numbered leaves: leaves `index << level` up to
/// `(index + 1) << level`. A node without a sibling on the right passes its value up as it is.
struct leaf_node {
  int level = 0;
  std::size_t index = 0;

  [[nodiscard]] constexpr std::size_t first() const { return index << level; }
  [[nodiscard]] constexpr bool covers(std::size_t leaf) const { return leaf >> level == index; }
  [[nodiscard]] constexpr leaf_node sibling() const { return {level, index ^ 1}; }
  [[nodiscard]] constexpr leaf_node parent() const { return {level + 1, index / 2}; }
  friend constexpr bool operator==(const leaf_node&, const leaf_node&) = default;
};

/// A node, and where its sum lies.
template <class T>
struct held_node {
  leaf_node node;
  T* value;
};

/// Puts a node among others, none of which has its sibling there; `fold(left, right)` is called for
/// every pair that becomes its parent and gives the parent's value.
template <class Held, class Fold>
void put_node(std::vector<Held>& all, Held one, const Fold& fold) {
  for (;;) {
    const auto other = std::find_if(
        all.begin(), all.end(), [&](const Held& held) { return held.node == one.node.sibling(); });
    if (other == all.end()) {
      break;
    }
    const Held met = *other;
    all.erase(other);
    const bool left = one.node.index % 2 == 0;
    one.value = left ? fold(one.value, met.value) : fold(met.value, one.value);
    one.node = one.node.parent();
  }
  const auto behind = std::find_if(all.begin(), all.end(), [&](const Held& held) {
    return held.node.first() > one.node.first();
  });
  all.insert(behind, one);
}

}  // namespace rondo::inline v0_1::detail
