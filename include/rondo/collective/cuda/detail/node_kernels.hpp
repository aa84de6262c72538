// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/device.hpp>
#include <rondo/protocol/packs.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>

/// What the kernels inside a node do of a call over several nodes: the device's collectives, whose
/// prologues and epilogues find elements in buffers that are cut for all ranks.
namespace rondo::inline v0_1::detail {

/// An operation that stops at partial results, so that a call may go on from those of another one:
/// 16-bit floats stay floats between the two.
template <class Operation, class T>
struct to_partials {
  using folds = reduction<Operation, T>;
  using partial = typename folds::partial;
  static constexpr std::string_view name = operation_name<Operation>();
  static constexpr bool commutes = rondo::commutes<Operation, partial>;
  Operation operation;

  /// Of partial results alone. A template, as whoever asks whether T may be folded is told so.
  template <class Partial>
  RONDO_HOST_DEVICE constexpr Partial operator()(const Partial& a, const Partial& b) const {
    static_assert(std::is_same_v<Partial, partial>);
    return folds{operation, 1}.fold(a, b);
  }
};

/// What partial results of several calls are folded with: NCCL knows some operations by name, and
/// an average is divided at the end, once.
template <class T, class Operation>
[[nodiscard]] constexpr auto fold_of_partials(const Operation& operation) {
  using partial = typename reduction<Operation, T>::partial;
  constexpr bool is_number =
      std::is_arithmetic_v<partial> && std::is_same_v<partial, typename accumulator<T>::type>;
  if constexpr (is_number && std::is_same_v<Operation, op::average>) {
    return op::sum{};
  } else if constexpr (is_number &&
                       (std::is_same_v<Operation, op::sum> ||
                        std::is_same_v<Operation, op::product> ||
                        std::is_same_v<Operation, op::min> || std::is_same_v<Operation, op::max>)) {
    return operation;
  } else {
    return to_partials<Operation, T>{operation};
  }
}

/// Elements of a buffer; behind its end the first one again, so that all parts are equally long.
template <class T>
struct padded_from {
  protocol::values_at<T> values;
  std::size_t count;

  RONDO_HOST_DEVICE T operator()(std::size_t i) const { return values(i < count ? i : 0); }
  template <unsigned Width>
  RONDO_HOST_DEVICE protocol::pack<T, Width> packed(std::size_t i) const
      requires(Width * sizeof(T) <= protocol::pack_bytes) {
    return i + Width <= count ? values.template packed<Width>(i)
                              : protocol::gather_pack<T, Width>(*this, i);
  }
};
/// To a buffer; what is behind its end is dropped.
template <class T>
struct cut_to {
  protocol::values_to<T> values;
  std::size_t count;

  RONDO_HOST_DEVICE void operator()(std::size_t i, const T& value) const {
    if (i < count) {
      values(i, value);
    }
  }
  template <unsigned Width>
  RONDO_HOST_DEVICE void packed(std::size_t i, const protocol::pack<T, Width>& pack) const {
    if (i + Width <= count) {
      values.packed(i, pack);
    } else {
      protocol::scatter_pack(*this, i, pack);
    }
  }
};

/// A buffer with `count` elements for each rank, in the order of ranks, is seen by places inside
/// the node: first what is of place 0 in every node, then of place 1, and so on.
struct by_place {
  std::size_t count;
  std::size_t node_size;
  std::size_t nodes;

  /// Where element i is, so counted.
  [[nodiscard]] RONDO_HOST_DEVICE std::size_t operator()(std::size_t i) const {
    const std::size_t block = i / count;
    const std::size_t place = block / nodes;
    const std::size_t node = block % nodes;
    return (node * node_size + place) * count + i % count;
  }
  [[nodiscard]] RONDO_HOST_DEVICE bool together(std::size_t i, unsigned width) const {
    return i % count + width <= count;
  }
};
template <class T>
struct by_place_from {
  protocol::values_at<T> values;
  by_place where;

  RONDO_HOST_DEVICE T operator()(std::size_t i) const { return values(where(i)); }
  template <unsigned Width>
  RONDO_HOST_DEVICE protocol::pack<T, Width> packed(std::size_t i) const
      requires(Width * sizeof(T) <= protocol::pack_bytes) {
    return where.together(i, Width) ? values.template packed<Width>(where(i))
                                    : protocol::gather_pack<T, Width>(*this, i);
  }
};
template <class T>
struct by_place_to {
  protocol::values_to<T> values;
  by_place where;

  RONDO_HOST_DEVICE void operator()(std::size_t i, const T& value) const {
    values(where(i), value);
  }
  template <unsigned Width>
  RONDO_HOST_DEVICE void packed(std::size_t i, const protocol::pack<T, Width>& pack) const {
    if (where.together(i, Width)) {
      values.packed(where(i), pack);
    } else {
      protocol::scatter_pack(*this, i, pack);
    }
  }
};

/// Partial results, as they are.
template <class Partial>
struct partials_to {
  protocol::values_to<Partial> values;

  template <class Value>  // a partial result; whoever asks whether it takes an element is told so
  RONDO_HOST_DEVICE void operator()(std::size_t i, const Value& value) const {
    values(i, value);
  }
  template <unsigned Width>
  RONDO_HOST_DEVICE void packed(std::size_t i, const protocol::pack<Partial, Width>& pack) const {
    values.packed(i, pack);
  }
};
/// Partial results, lowered to elements.
template <class Reduction, class T>
struct lowered_from {
  using partial = typename Reduction::partial;
  protocol::values_at<partial> values;
  Reduction with;

  RONDO_HOST_DEVICE T operator()(std::size_t i) const { return with.lower(values(i)); }
  template <unsigned Width>
  RONDO_HOST_DEVICE protocol::pack<T, Width> packed(std::size_t i) const
      requires(Width * sizeof(partial) <= protocol::pack_bytes) {
    const auto folded = values.template packed<Width>(i);
    protocol::pack<T, Width> made;
    RONDO_UNROLL
    for (unsigned k = 0; k < Width; ++k) {
      made.value[k] = with.lower(folded.value[k]);
    }
    return made;
  }
};

/// What one kernel runs. `count` elements for each rank of the node.
template <schedule::collective What, class From, class To, class Operation = nothing_given>
struct call_in_node {
  std::size_t count;
  From from;
  To to;
  Operation operation{};

  template <class Group, class Window>
  RONDO_HOST_DEVICE void operator()(const Group& group, const Window& window) const {
    using schedule::collective;
    // What failed is in the window's report, for the host.
    if constexpr (What == collective::reduce_scatter) {
      static_cast<void>(device::reduce_scatter(group, window, count, operation, from, to));
    } else if constexpr (What == collective::all_gather) {
      static_cast<void>(device::all_gather(group, window, count, from, to));
    } else {
      static_assert(What == collective::all_to_all);
      static_cast<void>(device::all_to_all(group, window, count, from, to));
    }
  }
};

}  // namespace rondo::inline v0_1::detail

namespace rondo::inline v0_1 {

template <class Operation, class T>
struct reduction<detail::to_partials<Operation, T>, T> {
  using operation_type = detail::to_partials<Operation, T>;
  using folds = typename operation_type::folds;
  using partial = typename folds::partial;
  static constexpr bool lifts = detail::must_lift<folds>();
  static constexpr bool lowers = false;

  operation_type operation{};
  int ranks = 1;

  RONDO_HOST_DEVICE static constexpr partial lift(const T& value) { return folds::lift(value); }
  RONDO_HOST_DEVICE constexpr partial fold(const partial& a, const partial& b) const {
    return operation(a, b);
  }
  RONDO_HOST_DEVICE constexpr partial lower(const partial& folded) const { return folded; }
};

}  // namespace rondo::inline v0_1
