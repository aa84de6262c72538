// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// One direction of a mesh: its name and how many ranks lie along it.
struct axis {
  std::string name;
  int size = 1;
  friend bool operator==(const axis&, const axis&) = default;
};

/// Ranks laid out along named axes, the rightmost fastest: with {data 2, tensor 4}, rank 5 stands
/// at data 1, tensor 1. Arithmetic alone; `mesh` adds the communicators.
/// Errors: no axis, more than 31, a size below 1, an empty name, a name given twice, or more ranks
/// than an int counts is refused.
class mesh_shape {
 public:
  mesh_shape(std::initializer_list<axis> axes) : mesh_shape(std::vector<axis>(axes)) {}
  explicit mesh_shape(std::vector<axis> axes) : axes_{std::move(axes)} {
    if (axes_.empty()) {
      refuse("mesh: no axes; name at least one, such as {\"data\", 4}");
    }
    if (axes_.size() > most_axes) {
      refuse("mesh: " + std::to_string(axes_.size()) + " axes; at most " +
             std::to_string(most_axes));
    }
    int left = (std::numeric_limits<int>::max)();
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      if (axes_[a].name.empty() || axes_[a].size < 1) {
        refuse("mesh: axis " + std::to_string(a) + " is \"" + axes_[a].name + "\" of size " +
               std::to_string(axes_[a].size) + "; an axis has a name and a size from 1 on");
      }
      for (std::size_t before = 0; before < a; ++before) {
        if (axes_[before].name == axes_[a].name) {
          refuse("mesh: two axes are named \"" + axes_[a].name + "\"");
        }
      }
      left /= axes_[a].size;
      if (left == 0) {
        refuse("mesh: " + describe() + " has more than 2^31 - 1 ranks");
      }
    }
  }

  [[nodiscard]] const std::vector<axis>& axes() const noexcept { return axes_; }

  /// Number of ranks.
  [[nodiscard]] int size() const noexcept {
    int product = 1;
    for (const axis& one : axes_) {
      product *= one.size;
    }
    return product;
  }

  /// Number of ranks along `name`.
  [[nodiscard]] int size(std::string_view name) const { return axes_[index(name)].size; }

  [[nodiscard]] bool has(std::string_view name) const noexcept {
    for (const axis& one : axes_) {
      if (one.name == name) {
        return true;
      }
    }
    return false;
  }

  /// Where `rank` stands along `name`.
  [[nodiscard]] int coordinate(int rank, std::string_view name) const {
    const std::size_t a = index(name);
    return rank / stride(a) % axes_[a].size;
  }

  /// Where `rank` stands, one number for each axis.
  [[nodiscard]] std::vector<int> coordinates(int rank) const {
    std::vector<int> place;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      place.push_back(rank / stride(a) % axes_[a].size);
    }
    return place;
  }

  /// The rank that stands there. Errors: too few or too many numbers, or one out of its axis.
  [[nodiscard]] int rank_at(const std::vector<int>& coordinates) const {
    if (coordinates.size() != axes_.size()) {
      refuse("mesh: " + std::to_string(coordinates.size()) + " coordinates for " + describe());
    }
    int rank = 0;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      if (coordinates[a] < 0 || coordinates[a] >= axes_[a].size) {
        refuse("mesh: coordinate " + std::to_string(coordinates[a]) + " on axis \"" +
               axes_[a].name + "\" of " + describe());
      }
      rank = rank * axes_[a].size + coordinates[a];
    }
    return rank;
  }

  /// The ranks that differ from `rank` along these axes only, ascending; the group it belongs to.
  template <class Names = std::initializer_list<std::string_view>>
  [[nodiscard]] std::vector<int> group(int rank, const Names& names) const {
    const unsigned along = mask(names);
    std::vector<int> members;
    for (int other = 0; other < size(); ++other) {
      if (color(other, along) == color(rank, along)) {
        members.push_back(other);
      }
    }
    return members;
  }

  /// All groups along these axes, ordered by their first rank. Every rank is in exactly one.
  template <class Names = std::initializer_list<std::string_view>>
  [[nodiscard]] std::vector<std::vector<int>> groups(const Names& names) const {
    const unsigned along = mask(names);
    std::vector<std::vector<int>> all;
    for (int rank = 0; rank < size(); ++rank) {
      if (color(rank, along) == rank) {
        all.push_back(group(rank, names));
      }
    }
    return all;
  }

  /// The set of these axes, a bit for each.
  template <class Names = std::initializer_list<std::string_view>>
  [[nodiscard]] unsigned mask(const Names& names) const {
    unsigned bits = 0;
    for (const auto& name : names) {
      const unsigned bit = 1u << index(name);
      if ((bits & bit) != 0) {
        refuse("mesh: axis \"" + std::string(name) + "\" named twice in a product of axes");
      }
      bits |= bit;
    }
    return bits;
  }

  /// The lowest rank of the group of `rank` along the axes in `mask`: what its members share.
  [[nodiscard]] int color(int rank, unsigned mask) const noexcept {
    int first = 0;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      const int there = rank / stride(a) % axes_[a].size;
      first += (mask >> a & 1u) != 0 ? 0 : there * stride(a);
    }
    return first;
  }

  /// As in "data 2 x tensor 4".
  [[nodiscard]] std::string describe() const {
    std::string text;
    for (const axis& one : axes_) {
      text += (text.empty() ? "" : " x ") + one.name + " " + std::to_string(one.size);
    }
    return text;
  }

  friend bool operator==(const mesh_shape&, const mesh_shape&) = default;

 private:
  static constexpr std::size_t most_axes = 31;  ///< `mask` has a bit for each

  [[nodiscard]] std::size_t index(std::string_view name) const {
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      if (axes_[a].name == name) {
        return a;
      }
    }
    refuse("mesh: no axis \"" + std::string(name) + "\" in " + describe());
  }
  [[nodiscard]] int stride(std::size_t a) const noexcept {
    int product = 1;
    for (std::size_t faster = a + 1; faster < axes_.size(); ++faster) {
      product *= axes_[faster].size;
    }
    return product;
  }

  std::vector<axis> axes_;
};

/// A communicator laid out along named axes. Each axis, and each product of axes, is a communicator
/// of its own, in which ranks keep their order.
///
///     rondo::mesh grid{comm, {{"data", 2}, {"pipeline", 2}, {"tensor", 2}}};
///     rondo::all_reduce(grid["data"], gradient);
///     rondo::all_reduce(grid[{"data", "pipeline"}], norm);
///
/// Making a mesh is collective, and so is the first use of a product of axes. A mesh is a value:
/// two of them, for two models, do not know of each other. It outlives what uses its communicators.
/// Errors: axes that do not multiply to the number of ranks are refused.
template <class Comm>
class mesh {
 public:
  mesh(Comm& comm, mesh_shape shape) : world_{&comm}, shape_{std::move(shape)} {
    static_assert(splits<Comm>,
                  "rondo: mesh: this communicator has no split(color, key) for the axes; see "
                  "rondo/transport/communicator.hpp");
    if (shape_.size() != comm.size()) {
      refuse("mesh: " + shape_.describe() + " = " + std::to_string(shape_.size()) +
                 " ranks, but the communicator has " + std::to_string(comm.size()),
             comm.rank());
    }
    for (std::size_t a = 0; a < shape_.axes().size(); ++a) {
      static_cast<void>(along(1u << a));
    }
  }

  [[nodiscard]] const mesh_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] int rank() const noexcept { return world_->rank(); }
  [[nodiscard]] int size() const noexcept { return world_->size(); }
  [[nodiscard]] int size(std::string_view name) const { return shape_.size(name); }
  /// Where this rank stands along `name`; its rank in `(*this)[name]`.
  [[nodiscard]] int coordinate(std::string_view name) const {
    return shape_.coordinate(rank(), name);
  }
  /// All ranks.
  [[nodiscard]] Comm& world() noexcept { return *world_; }

  [[nodiscard]] Comm& operator[](std::string_view name) {
    return along(shape_.mask(std::initializer_list<std::string_view>{name}));
  }
  [[nodiscard]] Comm& operator[](std::initializer_list<std::string_view> names) {
    return along(shape_.mask(names));
  }
  [[nodiscard]] Comm& operator[](const std::vector<std::string>& names) {
    return along(shape_.mask(names));
  }

 private:
  [[nodiscard]] Comm& along(unsigned mask) {
    for (const auto& [known, comm] : parts_) {
      if (known == mask) {
        return *comm;
      }
    }
    parts_.emplace_back(mask,
                        std::make_unique<Comm>(world_->split(shape_.color(rank(), mask), rank())));
    return *parts_.back().second;
  }

  Comm* world_;
  mesh_shape shape_;
  std::vector<std::pair<unsigned, std::unique_ptr<Comm>>> parts_;
};

}  // namespace rondo::inline v0_1
