// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/check_algorithm.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <string>

/// Schedules by name: `rondo::schedule::all_reduce(rondo::ring{}, 8)` is data that `prove`,
/// `simulate`, `forecast`, `write_svg` and `write_trace` read, and that communicators execute.
///
/// Nothing is generated yet: a row is made when it is asked for. Errors: `invalid_argument` for no
/// ranks or a root that is not one of them.
namespace rondo::inline v0_1::schedule {

namespace detail {

[[noreturn]] inline void refuse_place(collective what, int size, int root) {
  refuse("schedule::" + std::string{name_of(what)} + ": got root " + std::to_string(root) + " of " +
         std::to_string(size) + " ranks; expected 1 to 2^30 ranks and a root below their number");
}

template <collective What, class Algorithm>
[[nodiscard]] constexpr generated<Algorithm, What> checked(Algorithm algorithm, int size,
                                                           int root = 0) {
  check_algorithm<Algorithm, What>();
  // With more, the places that generators count with do not fit an int.
  if (size < 1 || size > 1 << 30 || root < 0 || root >= size) {
    refuse_place(What, size, root);
  }
  return {algorithm, size, root};
}

}  // namespace detail

/// Every rank ends with the fold of all inputs.
template <class Algorithm>
[[nodiscard]] constexpr auto all_reduce(Algorithm algorithm, int size) {
  return detail::checked<collective::all_reduce>(algorithm, size);
}

/// Rank r ends with chunk r of the fold of all inputs.
template <class Algorithm>
[[nodiscard]] constexpr auto reduce_scatter(Algorithm algorithm, int size) {
  return detail::checked<collective::reduce_scatter>(algorithm, size);
}

/// Every rank ends with the inputs of all, in the order of ranks.
template <class Algorithm>
[[nodiscard]] constexpr auto all_gather(Algorithm algorithm, int size) {
  return detail::checked<collective::all_gather>(algorithm, size);
}

/// Rank r ends with chunk r of every input, in the order of ranks.
template <class Algorithm>
[[nodiscard]] constexpr auto all_to_all(Algorithm algorithm, int size) {
  return detail::checked<collective::all_to_all>(algorithm, size);
}

/// The root ends with the fold of all inputs.
template <class Algorithm>
[[nodiscard]] constexpr auto reduce(Algorithm algorithm, int size, int root = 0) {
  return detail::checked<collective::reduce>(algorithm, size, root);
}

/// Every rank ends with the root's input.
template <class Algorithm>
[[nodiscard]] constexpr auto broadcast(Algorithm algorithm, int size, int root = 0) {
  return detail::checked<collective::broadcast>(algorithm, size, root);
}

/// The root ends with the inputs of all, in the order of ranks.
template <class Algorithm>
[[nodiscard]] constexpr auto gather(Algorithm algorithm, int size, int root = 0) {
  return detail::checked<collective::gather>(algorithm, size, root);
}

/// Rank r ends with chunk r of the root's input.
template <class Algorithm>
[[nodiscard]] constexpr auto scatter(Algorithm algorithm, int size, int root = 0) {
  return detail::checked<collective::scatter>(algorithm, size, root);
}

/// No rank ends before all have begun.
template <class Algorithm>
[[nodiscard]] constexpr auto barrier(Algorithm algorithm, int size) {
  return detail::checked<collective::barrier>(algorithm, size);
}

}  // namespace rondo::inline v0_1::schedule
