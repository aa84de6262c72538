// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/operation.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/version.hpp>

#include <type_traits>

/// What the ranks along one axis of a mesh hold of a matrix, as a type. Each is a view of the
/// calling rank's part in the caller's memory.
namespace rondo::inline v0_1 {
namespace detail {
/// How a matrix lies on its ranks: each placement's member `how`, which `is_replicated` and its kin
/// read. Partial specialisations would say the same, but nvcc 13.0 does not match
/// `is_replicated<replicated<T, Axis>>` with an axis that is to be deduced.
enum class lies { replicated, sharded, partial };
}  // namespace detail

template <class T, class Op = op::sum, axis_name Axis = "tensor">
struct partial;

/// Every rank holds all of it, with the same values.
template <class T, axis_name Axis = "tensor">
struct replicated {
  using element = std::remove_const_t<T>;
  using gradient = replicated<element, Axis>;
  using terms = partial<element, op::sum, Axis>;
  static constexpr auto axis = Axis;
  static constexpr auto how = detail::lies::replicated;

  matrix<T> values;

  explicit replicated(matrix<T> held) : values{held} {}
  template <class U>
  requires(std::is_const_v<T>&& std::is_same_v<U, element>)
      replicated(const replicated<U, Axis>& of)
      : values{of.values} {}
};

/// Every rank holds some rows (dimension 0, tokens) or some columns (dimension 1, features): those
/// that `division` gives it, which outlives the view.
template <class T, int Dimension, axis_name Axis = "tensor">
struct sharded {
  static_assert(Dimension == 0 || Dimension == 1,
                "rondo: sharded: a matrix is cut along dimension 0 (rows: tokens) or 1 (columns: "
                "features)");
  using element = std::remove_const_t<T>;
  using gradient = sharded<element, Dimension, Axis>;
  static constexpr auto axis = Axis;
  static constexpr auto how = detail::lies::sharded;
  static constexpr int dimension = Dimension;

  matrix<T> values;
  const cut* division;

  sharded(matrix<T> held, const cut& by) : values{held}, division{&by} {}
  sharded(matrix<T> held, cut&& by) = delete;
  template <class U>
  requires(std::is_const_v<T>&& std::is_same_v<U, element>)
      sharded(const sharded<U, Dimension, Axis>& of)
      : values{of.values}, division{of.division} {}
};

/// Every rank holds a term of the whole, which is the fold of all ranks' terms by `Op`.
template <class T, class Op, axis_name Axis>
struct partial {
  using element = std::remove_const_t<T>;
  using operation = Op;
  using gradient = replicated<element, Axis>;
  static constexpr auto axis = Axis;
  static constexpr auto how = detail::lies::partial;

  matrix<T> values;

  explicit partial(matrix<T> held) : values{held} {}
  template <class U>
  requires(std::is_const_v<T>&& std::is_same_v<U, element>) partial(const partial<U, Op, Axis>& of)
      : values{of.values} {}
};

template <class P>
inline constexpr bool is_replicated = requires {
  requires P::how == detail::lies::replicated;
};
template <class P>
inline constexpr bool is_partial = requires {
  requires P::how == detail::lies::partial;
};
/// True of a shard; of dimension `Dimension`, if one is given.
template <class P, int Dimension = -1>
inline constexpr bool is_sharded = requires {
  requires P::how == detail::lies::sharded && (Dimension == -1 || P::dimension == Dimension);
};

template <class P>
concept placement = is_replicated<P> || is_sharded<P> || is_partial<P>;

namespace detail {

template <class P>
inline constexpr bool is_linear = true;
template <class P>
requires is_partial<P>
inline constexpr bool is_linear<P> = std::is_same_v<typename P::operation, op::sum>;

template <class P>
struct gradient_placement {
  static_assert(
      is_linear<P>,
      "rondo: gradient_of: only a partial sum is linear; the gradient of a partial maximum "
      "depends on who holds it");
  using type = typename P::gradient;
};

template <class P>
struct term_placement {
  static_assert(is_replicated<P>,
                "rondo: terms_of: what every rank computes with in part is replicated<T>");
};
template <class P>
requires is_replicated<P>
struct term_placement<P> {
  using type = typename P::terms;
};

}  // namespace detail

/// How the gradient of a value lies: a shard's as the shard; that of a replicated value is
/// replicated; and each rank's term counts fully in the sum, so a partial sum's is replicated too.
template <placement P>
using gradient_of = typename detail::gradient_placement<P>::type;

/// How the gradient of a replicated value lies before it is reduced, where each rank has computed
/// with a part of it: a partial sum.
template <placement P>
using terms_of = typename detail::term_placement<P>::type;

}  // namespace rondo::inline v0_1
