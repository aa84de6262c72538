// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// One dimension of a tensor on a mesh: cut over the ranks along some axes, or whole.
struct placed_dimension {
  std::string name;
  cut division;                   ///< over as many ranks as the axes' sizes multiply to
  std::vector<std::string> over;  ///< mesh axes, the rightmost fastest; none: whole on every rank
  friend bool operator==(const placed_dimension&, const placed_dimension&) = default;
};

/// Only the ranks at this coordinate hold a tensor: those of one pipeline stage.
struct pinned_axis {
  std::string axis;
  int at = 0;
  friend bool operator==(const pinned_axis&, const pinned_axis&) = default;
};

/// What each rank of a mesh holds of one tensor: for every dimension some of its indices, so a box,
/// or a product of runs where cuts are fused. Elements lie row-major, the last dimension fastest.
/// Along axes that are neither cut over nor pinned, ranks hold replicas.
///
/// Errors: an axis that the mesh does not have, that cuts two dimensions or is pinned as well; a
/// cut over another number of ranks than its axes have; more bytes than memory has addresses.
class tensor_sharding {
 public:
  tensor_sharding(std::string name, std::size_t element_bytes, mesh_shape mesh,
                  std::vector<placed_dimension> dimensions, std::vector<pinned_axis> pins = {})
      : name_{std::move(name)},
        element_bytes_{element_bytes},
        mesh_{std::move(mesh)},
        dimensions_{std::move(dimensions)},
        pins_{std::move(pins)} {
    check();
    locate();
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::size_t element_bytes() const noexcept { return element_bytes_; }
  [[nodiscard]] const mesh_shape& mesh() const noexcept { return mesh_; }
  [[nodiscard]] const std::vector<placed_dimension>& dimensions() const noexcept {
    return dimensions_;
  }
  [[nodiscard]] const std::vector<pinned_axis>& pins() const noexcept { return pins_; }
  /// Number of ranks of the mesh.
  [[nodiscard]] int ranks() const noexcept { return static_cast<int>(held_.size()); }

  /// True where `rank` stands on all pinned coordinates. Errors, of this and of all that follow: a
  /// rank that the mesh does not have.
  [[nodiscard]] bool held_by(int rank) const { return held_[checked(rank)] != 0; }
  /// The place of `rank` in the cut of dimension `d`.
  [[nodiscard]] int place(int rank, std::size_t d) const {
    return places_[checked(rank) * dimensions_.size() + d];
  }
  /// The indices of dimension `d` that `rank` holds, if it holds any of the tensor.
  [[nodiscard]] std::span<const part> runs(int rank, std::size_t d) const {
    return dimensions_[d].division.runs(place(rank, d));
  }
  /// The shape that lies in the memory of `rank`; of a rank that holds nothing, zeros.
  [[nodiscard]] std::vector<std::size_t> local_shape(int rank) const {
    std::vector<std::size_t> extents;
    for (std::size_t d = 0; d < dimensions_.size(); ++d) {
      extents.push_back(held_by(rank) ? dimensions_[d].division.width(place(rank, d)) : 0);
    }
    return extents;
  }
  /// Elements in the memory of `rank`.
  [[nodiscard]] std::size_t elements(int rank) const {
    std::size_t count = held_by(rank) ? 1 : 0;
    for (std::size_t d = 0; d < dimensions_.size(); ++d) {
      count *= dimensions_[d].division.width(place(rank, d));
    }
    return count;
  }
  /// Elements of the whole tensor.
  [[nodiscard]] std::size_t elements() const noexcept {
    std::size_t count = 1;
    for (const placed_dimension& one : dimensions_) {
      count *= one.division.extent();
    }
    return count;
  }

  /// The same tensor where of all replicas only the one with coordinate 0 counts.
  [[nodiscard]] tensor_sharding first_replica() const {
    auto pins = pins_;
    for (const axis& one : mesh_.axes()) {
      if (!used(one.name)) {
        pins.push_back({one.name, 0});
      }
    }
    return {name_, element_bytes_, mesh_, dimensions_, std::move(pins)};
  }

  /// weight [8 over tensor, 4] at pipeline 1, 4 B each, on pipeline 2 x tensor 2
  [[nodiscard]] std::string describe() const {
    std::string text = name_ + " [";
    for (const placed_dimension& one : dimensions_) {
      text += (text.back() == '[' ? "" : ", ") + std::to_string(one.division.extent());
      for (const std::string& along : one.over) {
        text += (&along == one.over.data() ? " over " : " x ") + along;
      }
    }
    text += ']';
    for (const pinned_axis& pin : pins_) {
      text += " at " + pin.axis + ' ' + std::to_string(pin.at);
    }
    return text + ", " + std::to_string(element_bytes_) + " B each, on " + mesh_.describe();
  }

  friend bool operator==(const tensor_sharding& a, const tensor_sharding& b) {
    return a.name_ == b.name_ && a.element_bytes_ == b.element_bytes_ && a.mesh_ == b.mesh_ &&
           a.dimensions_ == b.dimensions_ && a.pins_ == b.pins_;
  }

 private:
  [[noreturn]] void refuse_it(const std::string& why) const {
    refuse("sharding of \"" + name_ + "\": " + why);
  }

  [[nodiscard]] std::size_t checked(int rank) const {
    if (rank < 0 || rank >= ranks()) {
      refuse_it("rank " + std::to_string(rank) + ", of a mesh of " + std::to_string(ranks()));
    }
    return static_cast<std::size_t>(rank);
  }

  [[nodiscard]] bool used(const std::string& axis) const {
    for (const placed_dimension& one : dimensions_) {
      if (std::find(one.over.begin(), one.over.end(), axis) != one.over.end()) {
        return true;
      }
    }
    return std::any_of(pins_.begin(), pins_.end(),
                       [&](const pinned_axis& pin) { return pin.axis == axis; });
  }

  void check() const {
    std::vector<std::string> seen;
    const auto use = [&](const std::string& axis, const std::string& by) {
      if (!mesh_.has(axis)) {
        refuse_it(by + " lies along \"" + axis + "\", an axis that the mesh " + mesh_.describe() +
                  " does not have");
      }
      if (std::find(seen.begin(), seen.end(), axis) != seen.end()) {
        refuse_it("axis \"" + axis + "\" is used a second time by " + by +
                  "; an axis cuts one dimension, or is pinned");
      }
      seen.push_back(axis);
    };
    std::size_t bytes = element_bytes_;
    if (bytes == 0) {
      refuse_it("elements of 0 bytes");
    }
    for (const placed_dimension& one : dimensions_) {
      int ranks = 1;
      for (const std::string& along : one.over) {
        use(along, "dimension \"" + one.name + "\"");
        ranks *= mesh_.size(along);
      }
      if (one.division.ranks() != ranks) {
        refuse_it("dimension \"" + one.name + "\" is cut for " +
                  std::to_string(one.division.ranks()) + " ranks, but its axes have " +
                  std::to_string(ranks));
      }
      const std::size_t extent = one.division.extent();
      if (extent != 0 && bytes > (std::numeric_limits<std::size_t>::max)() / 2 / extent) {
        refuse_it("it has more bytes than there are addresses");
      }
      bytes *= (std::max<std::size_t>)(extent, 1);
    }
    for (const pinned_axis& pin : pins_) {
      use(pin.axis, "a pin");
      if (pin.at < 0 || pin.at >= mesh_.size(pin.axis)) {
        refuse_it("pinned at " + pin.axis + ' ' + std::to_string(pin.at) + " of " +
                  std::to_string(mesh_.size(pin.axis)));
      }
    }
  }

  void locate() {
    const int ranks = mesh_.size();
    for (int rank = 0; rank < ranks; ++rank) {
      for (const placed_dimension& one : dimensions_) {
        int place = 0;
        for (const std::string& along : one.over) {
          place = place * mesh_.size(along) + mesh_.coordinate(rank, along);
        }
        places_.push_back(place);
      }
      const bool held = std::all_of(pins_.begin(), pins_.end(), [&](const pinned_axis& pin) {
        return mesh_.coordinate(rank, pin.axis) == pin.at;
      });
      held_.push_back(held ? 1 : 0);
    }
  }

  std::string name_;
  std::size_t element_bytes_;
  mesh_shape mesh_;
  std::vector<placed_dimension> dimensions_;
  std::vector<pinned_axis> pins_;
  std::vector<int> places_;  ///< [rank][dimension]
  std::vector<char> held_;   ///< [rank]
};

}  // namespace rondo::inline v0_1
