// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/tensor/layout/blueprint.hpp>
#include <rondo/tensor/layout/layout.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace rondo::inline v0_1::detail {

/// The mesh axis of a dimension, or one of these.
inline constexpr int whole_dimension = -1;
inline constexpr int open_dimension = -2;  ///< not decided yet: cut as well as may be

/// Refuses a network whose tensors and their gradients have more bytes than there are addresses, so
/// that no sum over them overflows.
inline void check_bytes(const blueprint& net) {
  std::size_t left = (std::numeric_limits<std::size_t>::max)() / 2;
  for (const auto& one : net.tensors()) {
    std::size_t most = left / (std::max<std::size_t>)(one.element_bytes, 1);
    std::size_t elements = 1;
    for (const std::size_t d : one.dimensions) {
      const std::size_t extent = (std::max<std::size_t>)(net.dimensions()[d].extent, 1);
      most /= extent;
      elements *= extent;
    }
    if (most == 0) {
      refuse("layout: with \"" + one.name +
             "\", the network has more bytes than there are addresses");
    }
    left -= elements * one.element_bytes;
  }
}

/// The mesh axis of each dimension of `net`, after all checks.
[[nodiscard]] inline std::vector<int> axes_of(const blueprint& net, const layout& rules,
                                              const mesh_shape& mesh) {
  check_bytes(net);
  const auto check = [&](const std::string& name, const std::vector<std::size_t>& dimensions) {
    tensor_shape named;
    for (const std::size_t d : dimensions) {
      named.push_back(net.dimensions()[d]);
    }
    rules.check(name, named, mesh);
  };
  for (const auto& one : net.tensors()) {
    check(one.name, one.dimensions);
  }
  for (const auto& one : net.operations()) {
    if (one.what != blueprint::kind::rename) {
      check("what " + net.tensors()[one.output].name + " goes over", net.space_of(one));
    }
  }
  std::vector<int> axes;
  for (const dimension& one : net.dimensions()) {
    int found = whole_dimension;
    for (std::size_t a = 0; a < mesh.axes().size(); ++a) {
      found = mesh.axes()[a].name == rules.axis_of(one.name) ? static_cast<int>(a) : found;
    }
    axes.push_back(found);
  }
  return axes;
}

using axis_set = unsigned;  ///< a bit for each axis of a mesh

/// How much of what lies along named dimensions one rank holds.
class local_sizes {
 public:
  local_sizes(const blueprint& net, const mesh_shape& mesh, const std::vector<int>& axes)
      : net_{net}, mesh_{mesh}, axes_{axes} {}

  /// The axis that cuts dimension `d`, if it has more than one rank.
  [[nodiscard]] axis_set axis_bit(std::size_t d) const {
    return axes_[d] >= 0 && size_of(axes_[d]) > 1 ? 1u << axes_[d] : 0u;
  }
  /// Whether it is not decided yet along which axis, if any, dimension `d` is cut.
  [[nodiscard]] bool is_open(std::size_t d) const { return axes_[d] == open_dimension; }
  [[nodiscard]] axis_set axes_over(const std::vector<std::size_t>& dimensions) const {
    axis_set all = 0;
    for (const std::size_t d : dimensions) {
      all |= axis_bit(d);
    }
    return all;
  }

  /// Elements on the first rank; along `whole` axes, of all ranks. Where dimensions are open, at
  /// most as many as with any choice for them.
  [[nodiscard]] double elements(const std::vector<std::size_t>& dimensions,
                                axis_set whole = 0) const {
    double count = 1;
    double open_extent = 1;
    axis_set used = 0;
    for (const std::size_t d : dimensions) {
      const auto extent = net_.dimensions()[d].extent;
      if (axes_[d] == open_dimension) {
        open_extent *= static_cast<double>(extent);
      } else if ((axis_bit(d) & ~whole) != 0) {
        const std::size_t ranks = size_of(axes_[d]);
        count *= static_cast<double>((extent + ranks - 1) / ranks);
        used |= axis_bit(d);
      } else {
        count *= static_cast<double>(extent);
      }
    }
    if (open_extent > 1) {
      double ranks = 1;
      for (std::size_t a = 0; a < mesh_.axes().size(); ++a) {
        ranks *= (used >> a & 1u) == 0 ? mesh_.axes()[a].size : 1;
      }
      count *= (std::max)(1.0, open_extent / ranks);
    }
    return count;
  }

 private:
  [[nodiscard]] std::size_t size_of(int axis) const {
    return static_cast<std::size_t>(mesh_.axes()[static_cast<std::size_t>(axis)].size);
  }

  const blueprint& net_;
  const mesh_shape& mesh_;
  const std::vector<int>& axes_;
};

}  // namespace rondo::inline v0_1::detail
