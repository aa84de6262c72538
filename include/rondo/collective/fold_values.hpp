// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/execute.hpp>
#include <rondo/collective/perform.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <new>

/// What a schedule over messages folds with, and how values become what travels.
namespace rondo::inline v0_1::detail {

/// The fold of collectives that fold nothing.
template <class T>
struct moves_only {
  using partial = T;
  static constexpr bool lifts = false;
  [[nodiscard]] static fold_nothing<T> partials() { return {}; }
  static void finish(T*, std::size_t) {}
};

/// The fold of collectives that fold: values are lifted to partial results, folded, lowered.
template <class T, class Operation>
struct folds_with {
  using folds = reduction<Operation, T>;
  using partial = typename folds::partial;
  static constexpr bool lifts = must_lift<folds>();
  folds with;

  [[nodiscard]] fold_partials<folds> partials() const { return {with}; }

  void lift(const T* from, partial* to, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      ::new (static_cast<void*>(to + i)) partial(folds::lift(from[i]));
    }
  }
  void lower(const partial* from, T* to, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      to[i] = with.lower(from[i]);
    }
  }
  /// The last step, for results that lie where they belong.
  void finish(T* values, std::size_t count) const {
    if constexpr (!lifts && must_lower<folds>()) {
      lower(values, values, count);
    }
  }
};

/// Runs a program that takes `given` elements of `in` and leaves `got` in `out`. Partial results
/// that are not values travel as they are: the input is lifted once, folded in place, and of that
/// the elements from `first` on are lowered.
template <class Comm, class Turn, class T, class Fold>
void run_folding(Comm& comm, Turn& turn, const schedule::program& program, const T* in,
                 std::size_t given, T* out, std::size_t first, std::size_t got,
                 const chunking& in_cut, const chunking& out_cut, const Fold& with) {
  if constexpr (!Fold::lifts) {
    run_program(comm, turn, program, in, out, in_cut, out_cut, with.partials());
    with.finish(out, got);
  } else {
    using partial = typename Fold::partial;
    auto* wide = reinterpret_cast<partial*>(comm.widened().get(given * sizeof(partial)));
    with.lift(in, wide, given);
    run_program(comm, turn, program, static_cast<const partial*>(wide), wide + first, in_cut,
                out_cut, with.partials());
    with.lower(wide + first, out, got);
  }
}

}  // namespace rondo::inline v0_1::detail
