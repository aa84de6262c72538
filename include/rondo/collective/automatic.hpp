// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>

/// Which algorithm `automatic` stands for.
namespace rondo::inline v0_1::detail {

/// Thread ranks: up to this many bytes every rank reads all, in one phase; above, each owns a part.
/// On ranks that share processors the second phase costs a round of context switches, so the first
/// form pays for longer.
template <class Turn>
[[nodiscard]] std::size_t one_shot_limit(const Turn& turn) {
  return turn.size() <= 2 ? 512 : 8192;
}

/// Messages: few rounds for few bytes, few bytes for many.
template <class Turn, class Run>
void choose_all_reduce(const Turn& turn, std::size_t bytes, const Run& run) {
  if (bytes <= 16 * 1024) {
    run(recursive_doubling{});
  } else if (bytes <= 512 * 1024 || turn.size() > 16) {
    run(halving_doubling{});
  } else {
    run(ring{});
  }
}

template <schedule::collective What, class Turn, class Run>
void choose_movement(const Turn&, std::size_t bytes, bool equal, const Run& run) {
  using schedule::collective;
  if constexpr (What == collective::all_gather) {
    equal && bytes <= 16 * 1024 ? run(bruck{}) : run(ring{});
  } else if constexpr (What == collective::reduce_scatter) {
    equal && bytes <= 64 * 1024 ? run(halving_doubling{}) : run(ring{});
  } else if constexpr (What == collective::all_to_all) {
    equal && bytes <= 2 * 1024 ? run(bruck{}) : run(one_shot{});
  } else {
    equal && bytes <= 16 * 1024 ? run(tree{}) : run(one_shot{});
  }
}

/// Broadcast and reduce.
template <class Turn, class Run>
void choose_rooted(const Turn& turn, std::size_t bytes, const Run& run) {
  bytes <= 64 * 1024 || turn.size() <= 2 ? run(tree{}) : run(two_shot{});
}

}  // namespace rondo::inline v0_1::detail
