// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/symbolic_run.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/schedule/tabulate.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1::schedule {

/// What `prove` found out about a sound schedule.
struct proof {
  bool rank_ordered = true;       ///< every fold has the lower ranks on its left
  bool left_to_right = true;      ///< and folds one rank after the other: ((0 + 1) + 2) + ...
  bool same_on_all_ranks = true;  ///< results that several ranks get are the same expression
  int rounds = 0;                 ///< of the rank that has most
  long long messages = 0;         ///< sent by all ranks together
  long long chunks_sent = 0;      ///< by all ranks together
  long long chunks_folded = 0;    ///< on all ranks together
  int slot_count = 0;             ///< scratch of the rank that has most

  constexpr explicit operator bool() const { return true; }
  friend constexpr bool operator==(const proof&, const proof&) = default;
};

/// Proves that `schedule` makes its collective, or throws.
///
/// Runs every rank's program on symbols, once with input and output apart and once, where the
/// collective can work in place, as the same memory, and shows that, whichever ranks work
/// in place,
///
/// - every chunk that a rank gets holds each contribution exactly once;
/// - what a rank sends does not depend on whether it does;
/// - sends and receives match: peer, order between two ranks, and size of every run;
/// - no ranks wait for each other in a cycle, even if a send waits for its receiver;
/// - within a round no step writes what another step reads or writes, so the result does not depend
///   on the order in which steps happen (two ranks share nothing but messages, so one run stands
///   for all interleavings);
/// - steps stay inside the chunks that the caller has and the slots of scratch, nothing is read
///   before it is written, and, unless chunks are of equal size, scratch is read back as it was
///   written.
///
/// Throws `rondo::error` with `unsound_schedule` that names the collective, rank, step and chunk;
/// in a constant expression it does not compile:
///
///     static_assert(prove(all_reduce(ring{}, 4)).chunks_sent == 2 * 4 * 3);
///
/// Cost: time and memory in proportion to chunks moved, times ranks / 64.
template <readable Schedule>
constexpr proof prove(const Schedule& schedule) {
  const table written = tabulate(schedule);
  proof found;
  detail::symbolic_run apart{written, false};
  apart.play(found);
  if (written.what != collective::all_to_all && written.what != collective::barrier) {
    proof again;
    detail::symbolic_run in_place{written, true};
    in_place.play(again);
    in_place.compare_sent(apart);
  }
  return found;
}

}  // namespace rondo::inline v0_1::schedule
