// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/automatic.hpp>
#include <rondo/collective/perform.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/version.hpp>

#include <cstddef>

namespace rondo::inline v0_1::detail {

/// A collective that moves chunks which belong to ranks: all of them but all-reduce, reduce and
/// broadcast, whose buffers are cut as the algorithm likes. `Fold` says what with.
///
/// `Direct` has `run(turn, job, with)`, the form over peer memory.
template <schedule::collective What, class Direct, class Comm, class T, class Algorithm, class Fold>
struct movement {
  Comm& comm;
  const T* in;
  T* out;
  cut_by_rank sent;      ///< how the input is cut
  cut_by_rank received;  ///< how the output is cut
  int root;
  Algorithm algorithm;
  Fold with;

  static constexpr auto what = What;

  /// True where a rank's buffer holds only its own chunk.
  static constexpr bool own_input =
      What == schedule::collective::all_gather || What == schedule::collective::gather;
  static constexpr bool own_output =
      What == schedule::collective::reduce_scatter || What == schedule::collective::scatter;

  template <class Turn>
  void operator()(Turn& turn) const {
    if constexpr (is_native<Algorithm>) {
      turn.native(schedule::make<What>{}, *this);
    } else if constexpr (shares_memory<Turn> && (is_automatic<Algorithm> || is_direct<Algorithm>)) {
      Direct::run(turn, *this);
    } else if constexpr (is_automatic<Algorithm>) {
      const bool equal = sent.per_rank.empty() && received.per_rank.empty();
      choose_movement<What>(turn, sent.total(comm.size()) * sizeof(T), equal,
                            [&](const auto& chosen) { scheduled(turn, chosen); });
    } else {
      scheduled(turn, resolved(algorithm, comm));
    }
  }

  [[nodiscard]] chunking in_layout() const {
    const chunking whole = sent.of(comm);
    return own_input ? whole.from(comm.rank()) : whole;
  }
  [[nodiscard]] chunking out_layout() const {
    const chunking whole = received.of(comm);
    return own_output ? whole.from(comm.rank()) : whole;
  }

 private:
  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen) const {
    const auto& program = program_of<What>(comm, chosen, root);
    if constexpr (std::is_same_v<typename Fold::partial, T>) {
      run_program(comm, turn, program, in, out, in_layout(), out_layout(), with.partials());
      with.finish(out, own_output ? received.count(comm.rank()) : received.total(comm.size()));
    } else {
      widened(turn, program);
    }
  }

  /// Partial results of another type travel as they are: the whole input is lifted once, the own
  /// chunk lowered once.
  template <class Turn>
  void widened(Turn& turn, const schedule::program& program) const {
    using partial = typename Fold::partial;
    const std::size_t whole = sent.total(comm.size());
    const std::size_t mine = received.count(comm.rank());
    auto* wide = reinterpret_cast<partial*>(comm.widened().get((whole + mine) * sizeof(partial)));
    with.lift(in, wide, whole);
    run_program(comm, turn, program, static_cast<const partial*>(wide), wide + whole, in_layout(),
                out_layout(), with.partials());
    with.lower(wide + whole, out, mine);
  }
};

/// The fold of collectives that fold nothing.
template <class T>
struct moves_only {
  using partial = T;
  [[nodiscard]] static fold_nothing<T> partials() { return {}; }
  static void finish(T*, std::size_t) {}
};

/// The fold of collectives that fold: values are lifted to partial results, folded, lowered.
template <class T, class Operation>
struct folds_with {
  using folds = reduction<Operation, T>;
  using partial = typename folds::partial;
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
  void finish(T* values, std::size_t count) const {
    if constexpr (folds_finish<folds>) {
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = with.lower(values[i]);
      }
    }
  }
};

}  // namespace rondo::inline v0_1::detail
