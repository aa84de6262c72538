// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <string_view>

namespace rondo::inline v0_1::schedule {

/// Does not compile for an algorithm that has no schedule of this collective; says which have.
template <class Algorithm, collective What>
consteval void check_algorithm() {
  constexpr bool made = generates<Algorithm, What>;
  constexpr bool composed = requires { &Algorithm::inner; };  // hierarchical
  static_assert(made || !composed || What != collective::all_reduce,
                "rondo: all_reduce: hierarchical needs an inner algorithm that makes "
                "reduce_scatter and all_gather (ring, halving_doubling, one_shot or two_shot), or "
                "reduce and broadcast (tree), and an outer one that makes all_reduce");
  static_assert(made || !composed || What != collective::reduce_scatter,
                "rondo: reduce_scatter: hierarchical needs an inner and an outer algorithm that "
                "make reduce_scatter: ring, halving_doubling, one_shot or two_shot");
  static_assert(made || !composed || What != collective::all_gather,
                "rondo: all_gather: hierarchical needs an inner and an outer algorithm that make "
                "all_gather: ring, recursive_doubling, halving_doubling, bruck, one_shot or "
                "two_shot");
  static_assert(made || !composed || What != collective::broadcast,
                "rondo: broadcast: hierarchical needs an inner and an outer algorithm that make "
                "broadcast: tree, ring, one_shot or two_shot");
  static_assert(made || composed || What != collective::all_reduce,
                "rondo: all_reduce: this algorithm does not make it; use ring, tree, "
                "recursive_doubling, halving_doubling, bruck, one_shot, two_shot or hierarchical");
  static_assert(made || composed || What != collective::reduce_scatter,
                "rondo: reduce_scatter: this algorithm does not make it; use ring, "
                "halving_doubling, one_shot, two_shot or hierarchical");
  static_assert(made || composed || What != collective::all_gather,
                "rondo: all_gather: this algorithm does not make it; use ring, "
                "recursive_doubling, halving_doubling, bruck, one_shot, two_shot or hierarchical");
  static_assert(made || What != collective::all_to_all,
                "rondo: all_to_all: this algorithm does not make it; use one_shot or bruck");
  static_assert(made || What != collective::reduce,
                "rondo: reduce: this algorithm does not make it; use tree, ring, one_shot or "
                "two_shot");
  static_assert(made || composed || What != collective::broadcast,
                "rondo: broadcast: this algorithm does not make it; use tree, ring, one_shot, "
                "two_shot or hierarchical");
  static_assert(made || What != collective::gather,
                "rondo: gather: this algorithm does not make it; use tree or one_shot");
  static_assert(made || What != collective::scatter,
                "rondo: scatter: this algorithm does not make it; use tree or one_shot");
  static_assert(made || What != collective::barrier,
                "rondo: barrier: this algorithm does not make it; use bruck, tree or one_shot");
}

/// The algorithms that make a collective with counts that differ from rank to rank; empty where
/// ranks have no counts of their own.
[[nodiscard]] constexpr std::string_view algorithms_by_counts(collective what) noexcept {
  switch (what) {
    case collective::reduce_scatter:
      return "ring, one_shot, two_shot or hierarchical";
    case collective::all_gather:
      return "ring, recursive_doubling, halving_doubling, bruck, one_shot, two_shot or "
             "hierarchical";
    case collective::all_to_all:
    case collective::gather:
    case collective::scatter:
      return "one_shot";
    default:
      return "";
  }
}

}  // namespace rondo::inline v0_1::schedule
