// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/detail/host_memory.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// The name of a mesh axis as a template argument: `sharded<float, 1, "tensor">`.
template <std::size_t Size>
struct axis_name {
  char text[Size] = {};

  consteval axis_name(const char (&name)[Size]) {
    for (std::size_t i = 0; i < Size; ++i) {
      text[i] = name[i];
    }
  }
  [[nodiscard]] constexpr std::string_view view() const { return {text, Size - 1}; }

  template <std::size_t Other>
  friend constexpr bool operator==(const axis_name& a, const axis_name<Other>& b) {
    return a.view() == b.view();
  }
};

namespace detail {

/// Memory that grows to the largest request and stays.
template <class Memory>
class room {
 public:
  explicit room(const Memory& in) : memory_{in.make_block()} {}

  template <class T>
  [[nodiscard]] std::span<T> get(std::size_t count) {
    bytes_ = (std::max)(bytes_, count * sizeof(T));
    return {reinterpret_cast<T*>(memory_.get(count * sizeof(T))), count};
  }
  template <class T>
  [[nodiscard]] matrix<T> get(std::size_t rows, std::size_t columns) {
    return {get<T>(rows * columns).data(), rows, columns};
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  typename Memory::block memory_;
  std::size_t bytes_ = 0;
};

/// Memory that a layer needs while it runs; all layers over one team share it, for they run one
/// after another.
template <class Memory>
struct passage {
  explicit passage(const Memory& of)
      : out{of}, in{of}, gathered{of}, terms{of}, inner{of}, outer{of} {}

  room<Memory> out, in;          ///< blocks packed for a collective, and as they come
  room<Memory> gathered, terms;  ///< a whole matrix of shards; terms of a sum that is reduced
  room<Memory> inner, outer;     ///< gradients between two layers
  std::vector<std::size_t> sent{}, received{};
  keepsakes kept{};
  std::size_t node_bytes = 0;  ///< of the sums of leaves that are kept

  [[nodiscard]] std::size_t bytes() const noexcept {
    return out.bytes() + in.bytes() + gathered.bytes() + terms.bytes() + inner.bytes() +
           outer.bytes() + node_bytes;
  }
};

}  // namespace detail

/// The ranks along one axis of a mesh: a communicator whose type knows its axis, so that what lies
/// split over one axis cannot be handed to the ranks of another. Borrows the communicator; copies
/// share the memory that layers need while they run. Used by the one thread whose rank it is.
template <class Comm, axis_name Axis>
class team {
 public:
  using memory_type = decltype(detail::memory_of(std::declval<const Comm&>()));
  using passage_type = detail::passage<memory_type>;

  static constexpr auto axis = Axis;
  /// Whether matrices of these ranks are in memory of a GPU.
  static constexpr bool on_device = memory_type::on_device;

  explicit team(Comm& along) : comm_{&along} {}

  [[nodiscard]] Comm& comm() const noexcept { return *comm_; }
  [[nodiscard]] int rank() const { return comm_->rank(); }
  [[nodiscard]] int size() const { return comm_->size(); }
  [[nodiscard]] static std::string name() { return std::string{Axis.view()}; }
  [[nodiscard]] memory_type memory() const { return detail::memory_of(*comm_); }
  [[nodiscard]] passage_type& passage() const noexcept { return *passage_; }
  /// Memory kept for layers while they run, beyond what they save.
  [[nodiscard]] std::size_t passing_bytes() const noexcept { return passage_->bytes(); }

 private:
  Comm* comm_;
  std::shared_ptr<passage_type> passage_ = std::make_shared<passage_type>(memory());
};

/// The ranks along axis `Axis` of a mesh; of a communicator, all of its ranks.
///
///     auto tensor = rondo::along<"tensor">(grid);
template <axis_name Axis, class Grid>
[[nodiscard]] auto along(Grid& grid) {
  if constexpr (requires { grid.shape(); }) {
    auto& comm = grid[Axis.view()];
    return team<std::remove_reference_t<decltype(comm)>, Axis>{comm};
  } else {
    return team<Grid, Axis>{grid};
  }
}

}  // namespace rondo::inline v0_1
