// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/placement.hpp>
#include <rondo/version.hpp>

#include <string_view>
#include <type_traits>

namespace rondo::inline v0_1 {

/// What turns one placement into another. The table, with d, a, b dimensions and what the backward
/// pass makes of the gradient (`gradient_of`; in brackets: of its terms, `terms_of`):
///
///     from          to            forward          backward
///     partial       replicated    all_reduce       nothing         [all_reduce]
///     partial       sharded<d>    reduce_scatter   all_gather
///     sharded<d>    replicated    all_gather       slice           [reduce_scatter]
///     replicated    sharded<d>    slice            all_gather
///     sharded<a>    sharded<b>    all_to_all       all_to_all
///     replicated    replicated    nothing          nothing         [all_reduce]
///
/// Source: the transposition rules of JAX's shard_map (JEP 17111), Megatron-LM's mappings.py.
enum class conversion { nothing, slice, all_reduce, reduce_scatter, all_gather, all_to_all };

[[nodiscard]] constexpr std::string_view name_of(conversion what) {
  constexpr std::string_view names[] = {"nothing",        "slice",      "all_reduce",
                                        "reduce_scatter", "all_gather", "all_to_all"};
  return names[static_cast<int>(what)];
}

namespace detail {

template <class Placement>
inline constexpr int dimension_of = -1;
template <class Placement>
requires is_sharded<Placement>
inline constexpr int dimension_of<Placement> = Placement::dimension;

template <class From, class To>
inline constexpr bool same_operation = true;
template <class From, class To>
requires is_partial<From> && is_partial<To>
inline constexpr bool same_operation<From, To> =
    std::is_same_v<typename From::operation, typename To::operation>;

/// One line for each pair that no collective can turn into one another.
template <class From, class To>
consteval bool check_conversion() {
  static_assert(placement<From> && placement<To>,
                "rondo: convert: takes placements: replicated<T>, sharded<T, dimension> or "
                "partial<T, operation>");
  static_assert(
      From::axis == To::axis,
      "rondo: convert: the two placements lie on different axes of the mesh; convert over "
      "one axis at a time");
  static_assert(
      std::is_same_v<typename From::element, typename To::element>,
      "rondo: convert: the elements differ in type; a collective moves values as they are");
  static_assert(
      !(is_replicated<From> && is_partial<To>),
      "rondo: convert: replicated to partial would count the value once per rank; keep it "
      "replicated, or let one rank contribute it");
  static_assert(
      !(is_sharded<From> && is_partial<To>),
      "rondo: convert: sharded to partial would send zeros; gather it, or keep the shard");
  static_assert(
      same_operation<From, To>,
      "rondo: convert: a partial sum and a partial maximum do not mix; reduce each by its "
      "own operation");
  static_assert(!(is_partial<From> && is_partial<To> && same_operation<From, To>),
                "rondo: convert: partial to partial moves nothing; use the view that is there");
  static_assert(!is_sharded<From> || !is_sharded<To> || dimension_of<From> != dimension_of<To>,
                "rondo: convert: a shard of this dimension already; other widths are resharding");
  return true;
}

}  // namespace detail

/// What `convert` does for these two types.
template <class From, class To>
[[nodiscard]] consteval conversion conversion_of() {
  if constexpr (!detail::check_conversion<From, To>()) {
    return conversion::nothing;
  } else if constexpr (is_partial<From>) {
    return is_replicated<To> ? conversion::all_reduce : conversion::reduce_scatter;
  } else if constexpr (is_replicated<From>) {
    return is_replicated<To> ? conversion::nothing : conversion::slice;
  } else {
    return is_replicated<To> ? conversion::all_gather : conversion::all_to_all;
  }
}

/// What the backward pass of `convert(From -> To)` does with the gradient.
template <class From, class To>
[[nodiscard]] consteval conversion backward_of() {
  return conversion_of<gradient_of<To>, gradient_of<From>>();
}

/// The same, where every rank has a term of the gradient of a replicated result.
template <class From, class To>
[[nodiscard]] consteval conversion backward_of_terms() {
  return conversion_of<terms_of<To>, gradient_of<From>>();
}

}  // namespace rondo::inline v0_1
