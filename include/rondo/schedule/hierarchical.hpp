// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/detail/embed.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <string>

/// Schedules of two levels, composed of other algorithms' schedules: groups of `inner_size`
/// neighbouring ranks (a node), and teams of the ranks with the same position in their groups.
///
///     all_reduce       0 1 2 | 3 4 5        0 1 2 3 4 5 ranks, groups of 3
///                      reduce_scatter       within each group:  0-1-2, 3-4-5
///                      all_reduce           within each team:   0-3, 1-4, 2-5, one chunk each
///                      all_gather           within each group
///
/// An inner algorithm without reduce_scatter (tree) makes an all_reduce by reduce, all_reduce among
/// one rank of each group, and broadcast. reduce_scatter and all_gather put the team's phase
/// last and first, so that every chunk crosses between groups once for each group. Messages and
/// bytes are the sums of the phases': with g groups of k, inner and outer rings, an all_reduce of m
/// bytes sends 2 m (k-1)/k bytes within the group and 2 m/k (g-1)/g to other groups.
///
/// Errors: `invalid_argument` if `inner_size` does not divide the number of ranks, or is 0 (a call
/// on a communicator replaces 0 by the ranks of its node first). Source: the two-level all-reduce
/// of Goyal et al., arXiv:1706.02677, section 4, and Jia et al., arXiv:1807.11205.
namespace rondo::inline v0_1::schedule {

namespace detail {

[[noreturn]] inline void refuse_groups(int inner_size, int size) {
  refuse("hierarchical: got inner_size " + std::to_string(inner_size) + " for " +
         std::to_string(size) + " ranks; expected a divisor of their number");
}

/// A rank's two smaller places and how their schedules lie in the large one.
struct two_levels {
  int inner_size;
  int groups;
  int group;     ///< of this rank
  int position;  ///< in its group
  int root_group;
  int root_position;

  constexpr two_levels(int inner, place where)
      : inner_size{inner},
        groups{inner > 0 ? where.size / inner : 0},
        group{inner > 0 ? where.rank / inner : 0},
        position{inner > 0 ? where.rank % inner : 0},
        root_group{inner > 0 ? where.root / inner : 0},
        root_position{inner > 0 ? where.root % inner : 0} {
    if (inner < 1 || where.size % inner != 0) {
      refuse_groups(inner, where.size);
    }
  }

  [[nodiscard]] constexpr place within() const { return {position, inner_size, root_position}; }
  [[nodiscard]] constexpr place across() const { return {group, groups, root_group}; }

  [[nodiscard]] constexpr embedding inner() const {
    embedding as;
    as.first_peer = group * inner_size;
    return as;
  }
  [[nodiscard]] constexpr embedding outer() const {
    embedding as;
    as.first_peer = position;
    as.peer_stride = inner_size;
    return as;
  }
  /// The chunks of the same position in every group, and those of one group.
  [[nodiscard]] constexpr embedding inner_lanes() const {
    embedding as = inner();
    as.lanes = groups;
    as.lane_stride = inner_size;
    return as;
  }
  [[nodiscard]] constexpr embedding outer_strided() const {
    embedding as = outer();
    as.first_chunk = position;
    as.chunk_stride = inner_size;
    return as;
  }
};

[[nodiscard]] constexpr embedding refined(embedding as, int pieces) {
  as.lanes = pieces;
  as.chunk_stride = pieces;
  return as;
}

/// What one rank of each group makes alone needs equal chunks of all: all ranks say so.
constexpr void need_alike(builder& write, const program& of_some) {
  if (of_some.uniform) {
    write.need_equal_chunks();
  }
}

[[nodiscard]] constexpr embedding on_output(embedding as) {
  as.input.where = region::output;
  return as;
}

}  // namespace detail

template <class Inner, class Outer>
requires generates<Inner, collective::reduce_scatter> && generates<Outer, collective::all_reduce> &&
    generates<Inner, collective::all_gather>
constexpr program generate(const hierarchical<Inner, Outer>& algorithm,
                           make<collective::all_reduce>, place where) {
  const detail::two_levels levels{algorithm.inner_size, where};
  const program scatter =
      generate(algorithm.inner, make<collective::reduce_scatter>{}, levels.within());
  const program across = generate(algorithm.outer, make<collective::all_reduce>{}, levels.across());
  const program gather = generate(algorithm.inner, make<collective::all_gather>{}, levels.within());

  detail::builder write{scatter.chunks * across.chunks};
  const auto inner = detail::refined(levels.inner(), across.chunks);
  detail::embedding outer = detail::on_output(levels.outer());
  outer.first_chunk = levels.position * across.chunks;
  detail::append(write, scatter, inner);
  detail::append(write, across, outer);
  detail::append(write, gather, detail::on_output(inner));
  return write.finish();
}

/// By one rank of each group, for inner algorithms without reduce_scatter.
template <class Inner, class Outer>
requires(!generates<Inner, collective::reduce_scatter>) &&
    generates<Inner, collective::reduce>&& generates<Outer, collective::all_reduce>&& generates<
        Inner, collective::broadcast> constexpr program
    generate(const hierarchical<Inner, Outer>& algorithm, make<collective::all_reduce>,
             place where) {
  const detail::two_levels levels{algorithm.inner_size, where};
  const program up = generate(algorithm.inner, make<collective::reduce>{}, levels.within());
  const program across = generate(algorithm.outer, make<collective::all_reduce>{}, levels.across());
  const program down = generate(algorithm.inner, make<collective::broadcast>{}, levels.within());

  detail::builder write{up.chunks * across.chunks};
  detail::need_alike(write, across);
  const auto inner = detail::refined(levels.inner(), across.chunks);
  detail::append(write, up, inner);
  if (levels.position == levels.root_position) {
    detail::append(write, across, detail::on_output(detail::refined(levels.outer(), up.chunks)));
  }
  detail::append(write, down, detail::on_output(inner));
  return write.finish();
}

/// The root's team first, then every group.
template <class Inner, class Outer>
requires generates<Inner, collective::broadcast> && generates<Outer, collective::broadcast>
constexpr program generate(const hierarchical<Inner, Outer>& algorithm, make<collective::broadcast>,
                           place where) {
  const detail::two_levels levels{algorithm.inner_size, where};
  const program across = generate(algorithm.outer, make<collective::broadcast>{}, levels.across());
  const program within = generate(algorithm.inner, make<collective::broadcast>{}, levels.within());

  detail::builder write{across.chunks * within.chunks};
  detail::need_alike(write, across);
  if (levels.position == levels.root_position) {
    detail::append(write, across, detail::refined(levels.outer(), within.chunks));
  }
  detail::append(write, within, detail::on_output(detail::refined(levels.inner(), across.chunks)));
  return write.finish();
}

template <class Inner, class Outer>
requires generates<Inner, collective::all_gather> && generates<Outer, collective::all_gather>
constexpr program generate(const hierarchical<Inner, Outer>& algorithm,
                           make<collective::all_gather>, place where) {
  const detail::two_levels levels{algorithm.inner_size, where};
  detail::builder write{where.size};
  detail::append(write, generate(algorithm.outer, make<collective::all_gather>{}, levels.across()),
                 levels.outer_strided());
  detail::append(write, generate(algorithm.inner, make<collective::all_gather>{}, levels.within()),
                 detail::on_output(levels.inner_lanes()));
  return write.finish();
}

/// The group's sums for every group wait in the first slots of scratch.
template <class Inner, class Outer>
requires generates<Inner, collective::reduce_scatter> &&
    generates<Outer, collective::reduce_scatter>
constexpr program generate(const hierarchical<Inner, Outer>& algorithm,
                           make<collective::reduce_scatter>, place where) {
  const detail::two_levels levels{algorithm.inner_size, where};
  detail::builder write{where.size};
  write.need_slots(levels.groups);

  detail::embedding inner = levels.inner_lanes();
  inner.first_slot = levels.groups;
  inner.output = {region::scratch, 0, levels.position};
  detail::append(
      write, generate(algorithm.inner, make<collective::reduce_scatter>{}, levels.within()), inner);
  detail::embedding outer = levels.outer_strided();
  outer.first_slot = levels.groups;
  outer.input = {region::scratch, 0, 0};
  detail::append(
      write, generate(algorithm.outer, make<collective::reduce_scatter>{}, levels.across()), outer);
  return write.finish();
}

template <class Inner, class Outer, collective What>
requires(What != collective::broadcast) &&
    generates<hierarchical<Inner, Outer>, What>&& rotates<Outer, What> constexpr int rotation(
        const hierarchical<Inner, Outer>& algorithm, make<What> what) {
  return algorithm.inner_size * rotation(algorithm.outer, what);
}

}  // namespace rondo::inline v0_1::schedule
