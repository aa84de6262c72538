// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/layout/detail/name_list.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/reshard/sharding.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// A dimension by its name, and how long it is. Names are what layout rules speak of.
struct dimension {
  std::string name;
  std::size_t extent = 0;
  friend bool operator==(const dimension&, const dimension&) = default;
};

/// The dimensions of a tensor, outermost first.
using tensor_shape = std::vector<dimension>;

/// Reads a shape as Mesh-TensorFlow writes it: "batch:100, rows:28".
[[nodiscard]] inline tensor_shape read_shape(std::string_view text) {
  tensor_shape read;
  for (auto& [name, extent, at] : detail::read_name_list("shape", "dimension:extent", text)) {
    read.push_back({std::move(name), detail::read_count("shape", extent, at)});
  }
  return read;
}

/// Reads a mesh of up to 2^24 ranks: "data:2, tensor:4".
[[nodiscard]] inline mesh_shape read_mesh(std::string_view text) {
  std::vector<axis> read;
  std::size_t left = std::size_t{1} << 24;
  for (auto& [name, size, at] : detail::read_name_list("mesh", "axis:size", text)) {
    const std::size_t ranks = detail::read_count("mesh", size, at);
    if (ranks > left) {
      detail::refuse_text("mesh", at, size, "at most 2^24 ranks in all");
    }
    left /= ranks == 0 ? 1 : ranks;
    read.push_back({std::move(name), static_cast<int>(ranks)});
  }
  return mesh_shape{std::move(read)};
}

/// Which dimensions are cut along which axes of the mesh, for all tensors of a network at once:
///
///     rondo::layout rules{"batch:data, d_ff:tensor, heads:tensor, vocab:tensor"};
///
/// A dimension with a rule is cut evenly over the axis' ranks, first ranks taking one more where it
/// does not divide; without one it is whole on every rank. Rules for dimensions that a tensor does
/// not have say nothing about it; `unused_rules` of blueprint.hpp finds those that no tensor has.
/// No rule changes a value, only where it is.
///
/// Rules are separated by commas or semicolons. Errors, with the place in the text: not
/// `dimension:axis`, or a dimension that has a rule already. `place` refuses an axis that the mesh
/// does not have, and two dimensions of one tensor along the same axis.
/// Source: Shazeer et al., "Mesh-TensorFlow", 2018, arXiv:1811.02084.
class layout {
 public:
  /// `dimension` is cut along `axis`.
  struct rule {
    std::string dimension;
    std::string axis;
    friend bool operator==(const rule&, const rule&) = default;
  };

  layout() = default;
  explicit layout(std::string_view text) {
    for (auto& [name, along, at] : detail::read_name_list("layout", "dimension:axis", text)) {
      add({std::move(name), std::move(along)}, " at position " + std::to_string(at));
    }
  }
  explicit layout(std::vector<rule> rules) {
    for (rule& one : rules) {
      add(std::move(one), "");
    }
  }

  [[nodiscard]] const std::vector<rule>& rules() const noexcept { return rules_; }

  /// The axis along which `dimension` is cut; empty where it is whole.
  [[nodiscard]] std::string_view axis_of(std::string_view dimension) const noexcept {
    for (const rule& one : rules_) {
      if (one.dimension == dimension) {
        return one.axis;
      }
    }
    return {};
  }

  /// What each rank of `mesh` holds of a tensor.
  [[nodiscard]] tensor_sharding place(std::string name, std::size_t element_bytes,
                                      const tensor_shape& dimensions,
                                      const mesh_shape& mesh) const {
    check(name, dimensions, mesh);
    std::vector<placed_dimension> placed;
    for (const dimension& one : dimensions) {
      const std::string along{axis_of(one.name)};
      if (along.empty()) {
        placed.push_back({one.name, cut::whole(one.extent, 1), {}});
      } else {
        placed.push_back({one.name, cut::even(one.extent, mesh.size(along)), {along}});
      }
    }
    return {std::move(name), element_bytes, mesh, std::move(placed)};
  }

  /// How the ranks along `axis` divide a dimension: what a layer over that axis is made with.
  ///
  ///     rondo::column_parallel up{tensor, rules.division({"d_ff", 4096}, "tensor", grid.shape()),
  ///                               kernels};
  ///
  /// `granule`: every rank gets a multiple of it, but the last; exact mode's layers ask for whole
  /// leaves. Errors: no rule cuts the dimension along `axis`; a layer over it would count it once
  /// per rank.
  [[nodiscard]] cut division(const dimension& of, std::string_view axis, const mesh_shape& mesh,
                             std::size_t granule = 1) const {
    if (axis_of(of.name) != axis) {
      refuse("layout: no rule " + of.name + ':' + std::string{axis} + " in \"" + describe() +
             "\", but a layer over \"" + std::string{axis} + "\" divides that dimension");
    }
    return cut::even(of.extent, mesh.size(axis), granule);
  }

  /// Refuses what `place` refuses.
  void check(const std::string& tensor, const tensor_shape& dimensions,
             const mesh_shape& mesh) const {
    for (const rule& one : rules_) {
      if (!mesh.has(one.axis)) {
        refuse("layout: rule " + one.dimension + ':' + one.axis + " names an axis that the mesh " +
               mesh.describe() + " does not have");
      }
    }
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      for (std::size_t before = 0; before < d; ++before) {
        const dimension& one = dimensions[before];
        const dimension& two = dimensions[d];
        if (one.name == two.name) {
          refuse("layout: tensor \"" + tensor + "\" has two dimensions named \"" + one.name + '"');
        }
        if (!axis_of(one.name).empty() && axis_of(one.name) == axis_of(two.name)) {
          refuse("layout: tensor \"" + tensor + "\" would be cut twice along \"" +
                 std::string{axis_of(one.name)} + "\", by its dimensions \"" + one.name +
                 "\" and \"" + two.name + "\"; drop one of the two rules, or rename a dimension");
        }
      }
    }
  }

  /// The rules as text that reads back: "batch:data, d_ff:tensor".
  [[nodiscard]] std::string describe() const {
    std::string text;
    for (const rule& one : rules_) {
      text += (text.empty() ? "" : ", ") + one.dimension + ':' + one.axis;
    }
    return text;
  }

  friend bool operator==(const layout&, const layout&) = default;

 private:
  void add(rule added, const std::string& where) {
    if (const auto known = axis_of(added.dimension); !known.empty()) {
      refuse("layout: dimension \"" + added.dimension + '"' + where + " is cut along \"" +
             std::string{known} + "\" already; a dimension has one rule");
    }
    rules_.push_back(std::move(added));
  }

  std::vector<rule> rules_;
};

}  // namespace rondo::inline v0_1
