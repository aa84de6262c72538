// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/cost.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

/// What the forms of each collective do, in the terms of collective/cost.hpp.
namespace rondo::inline v0_1::detail {

/// What an algorithm takes over messages; `bytes` are of a rank's larger buffer.
template <schedule::collective What, class Algorithm>
[[nodiscard]] double message_seconds(const message_cost& on, double bytes) {
  using schedule::collective;
  const double peers = on.ranks - 1;
  const double part = bytes / on.ranks;
  const double doublings = on.doublings();
  constexpr bool whole =
      What == collective::all_reduce || What == collective::reduce || What == collective::broadcast;
  constexpr int phases = What == collective::all_reduce ? 2 : 1;
  if constexpr (std::is_same_v<Algorithm, one_shot>) {
    return on.rounds(1, peers, whole ? bytes : part);
  } else if constexpr (std::is_same_v<Algorithm, two_shot>) {
    return on.rounds(2, peers, part);
  } else if constexpr (std::is_same_v<Algorithm, ring>) {
    return on.rounds(phases * peers, 1, part);
  } else if constexpr (std::is_same_v<Algorithm, halving_doubling>) {
    return on.rounds(phases * doublings, 1, doublings > 0 ? part * peers / doublings : 0);
  } else if constexpr (What == collective::all_to_all) {  // bruck
    return on.rounds(doublings, 1, bytes / 2);
  } else if constexpr (whole) {  // tree, recursive_doubling
    return on.rounds(doublings, 1, bytes);
  } else {
    return on.rounds(doublings, 1, doublings > 0 ? part * peers / doublings : 0);
  }
}

/// What the direct form of a collective reads and writes, in parts of what an all-reduce does, and
/// how many ranks do it.
struct direct_work {
  double share;
  int movers;
};
[[nodiscard]] constexpr direct_work direct_work_of(schedule::collective what, int ranks) {
  using schedule::collective;
  const double n = ranks;
  switch (what) {
    case collective::barrier:
      return {0, ranks};
    case collective::reduce_scatter:
    case collective::reduce:
      return {(n + 1) / (2 * n), ranks};
    case collective::broadcast:
      return {(n - 1) / n, ranks};
    case collective::gather:
      return {1 / n, 1};
    case collective::scatter:
      return {1 / n, ranks};
    default:
      return {1, ranks};
  }
}

/// Up to how many bytes the direct form of a collective needs one phase: where buffers are moved in
/// place, those are staged (protocol/direct.hpp). A barrier has no other; what only one rank gets,
/// or gives to each alone, has none.
[[nodiscard]] constexpr std::size_t one_phase_bytes(schedule::collective what) {
  using schedule::collective;
  switch (what) {
    case collective::barrier:
    case collective::all_gather:
    case collective::reduce_scatter:
    case collective::all_to_all:
    case collective::broadcast:
      return protocol::one_phase_limit;
    default:
      return 0;
  }
}

}  // namespace rondo::inline v0_1::detail
