// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/builder.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <bit>

namespace rondo::inline v0_1::schedule::detail {

/// The binomial tree over nodes 0 .. size - 1, where node = rank - root: the parent of a node is
/// the node without its lowest one bit, and its subtree are the nodes from itself to below node +
/// bit.
///
///     0 --> 4 --> 6 --> 7      hops of 4, then of 2, then of 1
///     |     `--> 5
///     |--> 2 --> 3
///     `--> 1
class binomial {
 public:
  constexpr explicit binomial(place where)
      : where_{where},
        node_{wrap(where.rank - where.root, where.size)},
        top_{power_of_two_from(where.size)},
        reach_{node_ == 0 ? top_ : node_ & -node_} {}

  [[nodiscard]] constexpr bool is_root() const { return node_ == 0; }
  [[nodiscard]] constexpr int node() const { return node_; }
  [[nodiscard]] constexpr int parent() const { return rank(node_ - reach_); }
  /// Nodes of the subtree below `node`, itself included, if its lowest bit is `bit`.
  [[nodiscard]] constexpr int subtree(int node, int bit) const {
    return bit < where_.size - node ? bit : where_.size - node;
  }
  [[nodiscard]] constexpr int own_subtree() const { return subtree(node_, reach_); }
  [[nodiscard]] constexpr int rank(int node) const { return wrap(node + where_.root, where_.size); }

  /// The round of a hop towards the root, the smallest first, or away from it, the greatest first.
  [[nodiscard]] constexpr int round_inwards(int hop) const {
    return std::countr_zero(static_cast<unsigned>(hop));
  }
  [[nodiscard]] constexpr int round_outwards(int hop) const {
    return rounds() - 1 - round_inwards(hop);
  }
  [[nodiscard]] constexpr int rounds() const { return round_inwards(top_); }
  /// The hop between this node and its parent.
  [[nodiscard]] constexpr int hop() const { return reach_; }

  /// Calls visit(child node, hop), the smallest hop first.
  template <class Visit>
  constexpr void for_each_child_inwards(Visit visit) const {
    for (int hop = 1; hop < reach_; hop *= 2) {
      if (node_ + hop < where_.size) {
        visit(node_ + hop, hop);
      }
    }
  }
  template <class Visit>
  constexpr void for_each_child_outwards(Visit visit) const {
    for (int hop = reach_ / 2; hop > 0; hop /= 2) {
      if (node_ + hop < where_.size) {
        visit(node_ + hop, hop);
      }
    }
  }

  /// Calls visit(first rank, count, nodes before it) for the ranks of nodes node .. node + count -
  /// 1, which may wrap around the end.
  template <class Visit>
  constexpr void for_each_run(int node, int count, Visit visit) const {
    const int start = rank(node);
    const int before_end = count < where_.size - start ? count : where_.size - start;
    visit(start, before_end, 0);
    if (before_end < count) {
      visit(0, count - before_end, before_end);
    }
  }

 private:
  place where_;
  int node_;
  int top_;
  int reach_;
};

}  // namespace rondo::inline v0_1::schedule::detail
