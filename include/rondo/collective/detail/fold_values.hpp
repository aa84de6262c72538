// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/automatic.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/execute.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/protocol/partials.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <new>
#include <type_traits>

/// What a schedule over messages folds with, and how values become what travels.
namespace rondo::inline v0_1::detail {

/// The fold of collectives that fold nothing.
template <class T>
struct moves_only {
  using partial = T;
  static constexpr bool commutes = true;
  static constexpr bool lifts = false;
  [[nodiscard]] static protocol::fold_nothing<T> partials() { return {}; }
  [[nodiscard]] static payload payload_of(std::size_t count) { return {count * sizeof(T)}; }
  template <class Turn>
  static void finish(Turn&, T*, std::size_t) {}
};

/// to[i] = from[i], as a partial result, and back.
template <class Reduction, class T>
struct lift_one {
  const T* from;
  typename Reduction::partial* to;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const {
    ::new (static_cast<void*>(to + i)) typename Reduction::partial(Reduction::lift(from[i]));
  }
};
template <class Reduction, class T>
struct lower_one {
  const typename Reduction::partial* from;
  T* to;
  Reduction reduction;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const { to[i] = reduction.lower(from[i]); }
};

/// In place of a turn, where values are in memory of the host.
struct host_turn {};

/// The fold of collectives that fold: values are lifted to partial results, folded, lowered.
template <class T, class Operation>
struct folds_with {
  using folds = rondo::reduction<Operation, T>;
  using partial = typename folds::partial;
  static constexpr bool commutes = rondo::commutes<Operation, partial>;
  static constexpr bool lifts = must_lift<folds>();
  folds reduction;

  [[nodiscard]] protocol::fold_partials<folds> partials() const { return {reduction}; }
  [[nodiscard]] static payload payload_of(std::size_t count) {
    return {count * sizeof(T), count * sizeof(partial)};
  }

  template <class Turn>
  void lift(Turn& turn, const T* from, partial* to, std::size_t count) const {
    static_assert(std::is_trivially_copyable_v<partial>,
                  "rondo: partial results must be trivially copyable where they travel, as bytes");
    for_each_element(turn, count, lift_one<folds, T>{from, to});
  }
  template <class Turn>
  void lower(Turn& turn, const partial* from, T* to, std::size_t count) const {
    for_each_element(turn, count, lower_one<folds, T>{from, to, reduction});
  }
  /// The last step, for results that lie where they belong.
  template <class Turn>
  void finish(Turn& turn, T* values, std::size_t count) const {
    if constexpr (!lifts && must_lower<folds>()) {
      lower(turn, values, values, count);
    }
  }

  void lift(const T* from, partial* to, std::size_t count) const {
    host_turn here;
    lift(here, from, to, count);
  }
  void lower(const partial* from, T* to, std::size_t count) const {
    host_turn here;
    lower(here, from, to, count);
  }
  void finish(T* values, std::size_t count) const {
    host_turn here;
    finish(here, values, count);
  }
};

/// Runs a program that takes `given` elements of `in` and leaves `got` in `out`. Partial results
/// that are not values travel as they are: the input is lifted once, folded in place, and of that
/// the elements from `first` on are lowered.
template <class Comm, class Turn, class T, class Fold>
void run_folding(Comm& comm, Turn& turn, const schedule::program& program, const T* in,
                 std::size_t given, T* out, std::size_t first, std::size_t got,
                 const chunking& in_cut, const chunking& out_cut, const Fold& fold) {
  if constexpr (!Fold::lifts) {
    run_program(comm, turn, program, in, out, in_cut, out_cut, fold.partials());
    fold.finish(turn, out, got);
  } else {
    using partial = typename Fold::partial;
    partial* const wide = comm.widened().template get<partial>(given);
    fold.lift(turn, in, wide, given);
    run_program(comm, turn, program, static_cast<const partial*>(wide), wide + first, in_cut,
                out_cut, fold.partials());
    fold.lower(turn, wide + first, out, got);
  }
}

}  // namespace rondo::inline v0_1::detail
