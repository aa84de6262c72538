// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/cost.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>

/// Which algorithm `automatic` stands for.
namespace rondo::inline v0_1::detail {

/// The costs of a turn's or a communicator's direct all-reduce.
template <class Place>
[[nodiscard]] shared_memory_cost cost_of(const Place& place) {
  shared_memory_cost cost;
  cost.ranks = place.size();
  cost.processors = place.size();
  if constexpr (requires { place.processors(); }) {
    cost.processors = place.processors();
  }
  return cost;
}

/// Shared memory: up to this many bytes every rank reads all, in one phase; above, each owns a
/// part. The first form pays for longer where the second one is staged, too.
template <class Place>
[[nodiscard]] std::size_t one_shot_limit(const Place& place) {
  if constexpr (requires { place.processors(); }) {
    return cost_of(place).crossover();
  } else {  // bench/results/mpi.md
    return place.size() <= 2 ? 2048 : 32 * 1024;
  }
}

/// Which of the two direct forms a call of so many bytes takes.
template <class Place>
[[nodiscard]] bool prefers_one_shot(const Place& place, std::size_t bytes) {
  constexpr std::size_t always = 512;  // below every limit: spares the shortest calls the sum
  if constexpr (requires { place.processors(); }) {
    return bytes <= always || cost_of(place).prefers_one_shot(static_cast<double>(bytes));
  } else {
    return bytes <= always || bytes <= one_shot_limit(place);
  }
}

/// Bytes that a call moves: those of values, or those of partial results where these travel.
struct payload {
  std::size_t values;
  std::size_t partials = values;

  /// one_shot and two_shot then move less than others, whose partial results travel.
  [[nodiscard]] bool widens() const noexcept { return values < partials; }
};

/// A few ranks on one node: bytes cost the same on all paths, so the fewest rounds win.
template <class Turn>
[[nodiscard]] bool few_on_one_node(const Turn& turn) {
  if constexpr (requires { turn.on_one_node(); }) {
    return turn.on_one_node() && turn.size() <= 8;
  } else {
    return false;
  }
}

/// Ranks that are GPUs: a round costs launches on the device, whatever it carries, so the fewest
/// rounds win. Not measured.
template <class Turn>
inline constexpr bool rounds_are_dear = requires {
  requires Turn::rounds_are_dear;
};

/// Messages: few rounds for few bytes, few bytes for many; in between, on few ranks, two_shot while
/// its pieces are so small that MPI sends them without asking (about 4 KiB). One round of up to
/// seven messages costs ranks of one node less than two or three rounds of one.
/// What does not commute is folded in the order of ranks, whatever is picked.
/// Measured with 2, 4 and 8 ranks on two cores, Open MPI and MPICH, what 4 and more ranks of a node
/// take above 64 KiB and 3 to 8 up to 2 KiB with Open MPI alone: bench/results/mpi.md.
template <bool Commutes, class Turn, class Run>
void choose_all_reduce(const Turn& turn, payload moved, const Run& run) {
  constexpr std::size_t kib = 1024;
  const std::size_t bytes = moved.partials;
  const auto ranks = static_cast<std::size_t>(turn.size());
  const bool few = few_on_one_node(turn);
  if constexpr (rounds_are_dear<Turn>) {
    moved.values <= 64 * kib ? run(one_shot{}) : run(two_shot{});
  } else if (moved.widens() && (few || bytes > 64 * kib)) {
    const std::size_t one_round = !few ? 0 : ranks == 2 ? 128 * kib : 2 * kib;
    moved.values <= one_round ? run(one_shot{}) : run(two_shot{});
  } else if (ranks == 2) {
    bytes <= 256 * kib ? run(recursive_doubling{}) : run(halving_doubling{});
  } else if (few && bytes <= (ranks == 3 ? 256 : 2 * kib)) {
    run(one_shot{});
  } else if (few && bytes > 2 * kib && bytes <= 3 * kib * ranks) {
    run(two_shot{});
  } else if (bytes <= (few ? 128 : 64) * kib) {
    run(recursive_doubling{});
  } else if (few) {
    run(two_shot{});
  } else if (bytes <= 1024 * kib) {
    run(halving_doubling{});
  } else if (!Commutes) {
    run(two_shot{});
  } else {
    run(ring{});
  }
}

template <schedule::collective What, bool Commutes, class Turn, class Run>
void choose_movement(const Turn& turn, payload moved, bool equal, const Run& run) {
  using schedule::collective;
  const std::size_t bytes = moved.values;
  const bool few = few_on_one_node(turn);
  if constexpr (rounds_are_dear<Turn>) {
    run(one_shot{});
  } else if constexpr (What == collective::all_to_all) {
    few || !equal || bytes > 2 * 1024 ? run(one_shot{}) : run(bruck{});
  } else if constexpr (What == collective::all_gather) {
    const bool fits = few ? bytes > 16 * 1024 && bytes <= 4096 * 1024 : bytes <= 16 * 1024;
    equal&& fits ? run(bruck{}) : few ? run(one_shot{}) : run(ring{});
  } else if (few || !Commutes || moved.widens()) {
    run(one_shot{});
  } else if constexpr (What == collective::reduce_scatter) {
    equal&& bytes <= 64 * 1024 ? run(halving_doubling{}) : run(ring{});
  } else {
    equal&& bytes <= 16 * 1024 ? run(tree{}) : run(one_shot{});
  }
}

/// Broadcast and reduce.
template <bool Commutes, class Turn, class Run>
void choose_rooted(const Turn& turn, payload moved, const Run& run) {
  const std::size_t bytes = moved.partials;
  if (rounds_are_dear<Turn> || few_on_one_node(turn) || (moved.widens() && turn.size() <= 2)) {
    run(one_shot{});
  } else if constexpr (!Commutes) {
    bytes <= 64 * 1024 ? run(one_shot{}) : run(two_shot{});
  } else {
    bytes <= 64 * 1024 || turn.size() <= 2 ? run(tree{}) : run(two_shot{});
  }
}

/// The rule for the collective `What` over messages, whichever it is, with what commutes.
template <schedule::collective What, class Turn, class Run>
void choose_algorithm(const Turn& turn, payload moved, bool equal, const Run& run) {
  using schedule::collective;
  if constexpr (What == collective::barrier) {
    run(bruck{});
  } else if constexpr (What == collective::all_reduce) {
    choose_all_reduce<true>(turn, moved, run);
  } else if constexpr (What == collective::reduce || What == collective::broadcast) {
    choose_rooted<true>(turn, moved, run);
  } else {
    choose_movement<What, true>(turn, moved, equal, run);
  }
}

/// The algorithms that this rule chooses from.
template <schedule::collective What, class Visit>
void for_each_candidate(const Visit& visit) {
  const auto each = [&](auto... algorithms) { (visit(algorithms), ...); };
  using schedule::collective;
  if constexpr (What == collective::all_reduce) {
    each(recursive_doubling{}, halving_doubling{}, one_shot{}, two_shot{}, ring{});
  } else if constexpr (What == collective::reduce_scatter) {
    each(one_shot{}, halving_doubling{}, ring{});
  } else if constexpr (What == collective::all_gather) {
    each(one_shot{}, bruck{}, ring{});
  } else if constexpr (What == collective::all_to_all) {
    each(one_shot{}, bruck{});
  } else if constexpr (What == collective::gather || What == collective::scatter) {
    each(one_shot{}, tree{});
  } else if constexpr (What == collective::barrier) {
    each(bruck{});
  } else {
    each(one_shot{}, tree{}, two_shot{});
  }
}

}  // namespace rondo::inline v0_1::detail
