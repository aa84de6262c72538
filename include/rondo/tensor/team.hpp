// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
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

/// Memory that blocks pass through on their way to and from a collective.
struct passage {
  detail::arena out;
  detail::arena in;
  std::vector<std::size_t> sent;
  std::vector<std::size_t> received;
};

}  // namespace detail

/// The ranks along one axis of a mesh: a communicator whose type knows its axis, so that what lies
/// split over one axis cannot be handed to the ranks of another. Borrows the communicator; copies
/// share the memory that packed blocks pass through. Used by the one thread whose rank it is.
template <class Comm, axis_name Axis>
class team {
 public:
  static constexpr auto axis = Axis;

  explicit team(Comm& along) : comm_{&along} {}

  [[nodiscard]] Comm& comm() const noexcept { return *comm_; }
  [[nodiscard]] int rank() const { return comm_->rank(); }
  [[nodiscard]] int size() const { return comm_->size(); }
  [[nodiscard]] static std::string name() { return std::string{Axis.view()}; }
  [[nodiscard]] detail::passage& passage() const noexcept { return *passage_; }

 private:
  Comm* comm_;
  std::shared_ptr<detail::passage> passage_ = std::make_shared<detail::passage>();
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
