// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/automatic.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/cut_by_rank.hpp>
#include <rondo/collective/detail/fold_at_owner.hpp>
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/core/error.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace rondo::inline v0_1::detail {

/// Fails an all-to-all whose `peer` sends another count than this rank expects.
template <class Turn>
void require_count(Turn& turn, int peer, std::size_t expected, std::uint64_t sent) {
  if (sent == expected) {
    return;
  }
  const std::string text = "all_to_all: rank " + std::to_string(turn.rank()) + " expected " +
                           std::to_string(expected) + " elements from rank " +
                           std::to_string(peer) + ", which sends it " + std::to_string(sent);
  if constexpr (requires { turn.fail(error_code::mismatch, peer, text); }) {
    turn.fail(error_code::mismatch, peer, text);
  } else {
    raise(mismatch{text, peer});
  }
}

/// A collective that moves chunks which belong to ranks: all of them but all-reduce, reduce and
/// broadcast, whose buffers are cut as the algorithm likes. `Fold` says what with.
///
/// `Direct` has `run(turn, job)`, the form over peer memory.
template <schedule::collective What, class Direct, class Comm, class T, class Algorithm, class Fold>
struct movement {
  Comm& comm;
  const T* in;
  T* out;
  cut_by_rank sent;      ///< how the input is cut
  cut_by_rank received;  ///< how the output is cut
  int root = 0;
  Algorithm algorithm;
  Fold fold{};

  static constexpr auto what = What;

  /// True where a rank's buffer holds only its own chunk.
  static constexpr bool own_input =
      What == schedule::collective::all_gather || What == schedule::collective::gather;
  static constexpr bool own_output =
      What == schedule::collective::reduce_scatter || What == schedule::collective::scatter;

  template <class Turn>
  void direct(Turn& turn) const {
    Direct::run(turn, *this);
  }

  template <class Turn, class Run>
  void choose(const Turn& turn, const Run& run) const {
    const bool equal = sent.per_rank.empty() && received.per_rank.empty();
    choose_movement<What, Fold::commutes>(turn, fold.payload_of(sent.total(comm.size())), equal,
                                          run);
  }

  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen) const {
    if constexpr (values_travel<Chosen, Fold>) {
      const chunking cut = in_cut();
      fold_at_owner(
          comm, turn, in, out, [&](int rank) { return cut.part_of(rank); }, fold);
    } else {
      const auto& program = program_of<What>(comm, chosen, root);
      const std::size_t first = own_output ? received.of(comm).offset(comm.rank()) : 0;
      const std::size_t got =
          own_output ? received.count(comm.rank()) : received.total(comm.size());
      const chunking given = in_cut();
      const chunking wanted = out_cut();
      if (program.uniform && !cuts_equally(program, given, wanted)) {
        refuse_counts(What, Chosen::name);
      }
      run_folding(comm, turn, program, in, sent.total(comm.size()), out, first, got, given, wanted,
                  fold);
    }
  }

  [[nodiscard]] chunking in_cut() const {
    const chunking whole = sent.of(comm);
    return own_input ? whole.from(comm.rank()) : whole;
  }
  [[nodiscard]] chunking out_cut() const {
    const chunking whole = received.of(comm);
    return own_output ? whole.from(comm.rank()) : whole;
  }
};

}  // namespace rondo::inline v0_1::detail
