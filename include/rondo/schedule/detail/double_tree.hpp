// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/builder.hpp>
#include <rondo/schedule/detail/ordered_tree.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1::schedule::detail {

/// One rank's part of two trees that carry one half of the vector each, in `segments` pieces:
/// chunks 0 .. segments - 1 through the first tree, the others through the second.
///
/// Node v of the trees is rank v; or, if `rooted`, the nodes are the other ranks, counted from the
/// root on, and the root feeds (or drains) both trees from above. A round is one colour of one
/// level: a piece passes a level in two rounds, and the next piece follows two rounds later.
class double_tree {
  enum side_of : unsigned char { before, after, above };  ///< of the peer, in node order
  struct edge {
    int level;  ///< of the upper end
    int colour;
    int peer;
    int tree;
    side_of side;
  };

  /// Calls visit(edge, segment, chunk) round by round, beginning with the round that `write` is in;
  /// `start(edge)` is the round of the edge's first piece.
  template <class Start, class Visit>
  constexpr void for_each_piece(builder& write, Start start, Visit visit) const {
    const int origin = write.round();
    for (int round = 0; round < rounds(); ++round) {
      write.at(origin + round);
      for (int i = 0; i < edge_count_; ++i) {
        const edge& e = edges_[i];
        const int since = round - start(e);
        if (since >= 0 && since % 2 == 0 && since / 2 < segments_) {
          visit(e, since / 2, e.tree * segments_ + since / 2);
        }
      }
    }
    write.at(origin + rounds());
  }

 public:
  constexpr double_tree(place where, int segments, bool rooted)
      : segments_{segments}, height_{rooted ? 1 : 0} {
    const int nodes = where.size - height_;
    const ordered_tree trees[] = {{nodes, 0}, {nodes, 1}};
    const int first = trees[0].level(trees[0].root());
    const int second = trees[1].level(trees[1].root());
    height_ += first > second ? first : second;

    const int first_node = rooted ? wrap(where.root + 1, where.size) : 0;
    const auto rank_of = [&](int node) { return wrap(node + first_node, where.size); };
    is_root_ = rooted && where.rank == where.root;
    for (int which = 0; which < 2; ++which) {
      const ordered_tree& tree = trees[which];
      if (is_root_) {
        add({height_, tree.colour(tree.root()), rank_of(tree.root()), which, after});
        continue;
      }
      const int node = wrap(where.rank - first_node, where.size);
      const int parent = tree.parent(node);
      const int level = tree.level(node);
      for (const side_of side : {before, after}) {
        const int child = side == before ? tree.left(node) : tree.right(node);
        if (child != ordered_tree::none) {
          add({level, tree.colour(child), rank_of(child), which, side});
        }
      }
      if (parent != ordered_tree::none) {
        add({tree.level(parent), tree.colour(node), rank_of(parent), which, above});
      } else if (rooted) {
        add({height_, tree.colour(node), where.root, which, above});
      }
    }
  }

  [[nodiscard]] constexpr int chunks() const { return 2 * segments_; }

  /// Rounds that `reduce` and `broadcast` take, each.
  [[nodiscard]] constexpr int rounds() const { return 2 * (height_ + segments_ - 1); }

  /// Folds every input towards the top, in node order. `sum(segment, chunk)` is where a rank with
  /// children keeps its sums; it has children in one tree only.
  template <class Sum>
  constexpr void reduce(builder& write, Sum sum) const {
    for_each_piece(
        write, [](const edge& e) { return 2 * (e.level - 1) + e.colour; },
        [&](const edge& e, int segment, int chunk) {
          if (e.side == above) {
            write.send(is_leaf(e.tree) ? in_input(chunk) : sum(segment, chunk), e.peer);
            return;
          }
          const run into = sum(segment, chunk);
          const run mine = is_first_child(e) ? in_input(chunk) : into;
          write.receive_fold(into, e.side == before ? on_wire(chunk) : mine,
                             e.side == before ? mine : on_wire(chunk), e.peer);
        });
  }

  /// Hands the top's chunks down: from the root's input, or from the output of the trees' own
  /// roots.
  constexpr void broadcast(builder& write) const {
    for_each_piece(
        write, [&](const edge& e) { return 2 * (height_ - e.level) + e.colour; },
        [&](const edge& e, int, int chunk) {
          if (e.side == above) {
            write.receive(in_output(chunk), e.peer);
          } else {
            write.send(is_root_ ? in_input(chunk) : in_output(chunk), e.peer);
          }
        });
  }

 private:
  constexpr void add(const edge& next) { edges_[edge_count_++] = next; }

  [[nodiscard]] constexpr bool is_leaf(int tree) const {
    for (int i = 0; i < edge_count_; ++i) {
      if (edges_[i].tree == tree && edges_[i].side != above) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] constexpr bool is_first_child(const edge& e) const {
    for (int i = 0; i < edge_count_; ++i) {
      if (edges_[i].tree == e.tree && edges_[i].side != above && edges_[i].colour < e.colour) {
        return false;
      }
    }
    return true;
  }

  int segments_;
  int height_;
  bool is_root_ = false;
  int edge_count_ = 0;
  edge edges_[4]{};  // children in one tree, a parent in both
};

}  // namespace rondo::inline v0_1::schedule::detail
