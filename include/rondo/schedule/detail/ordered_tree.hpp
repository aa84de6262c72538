// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/builder.hpp>
#include <rondo/version.hpp>

#include <bit>

namespace rondo::inline v0_1::schedule::detail {

/// One of two binary trees over nodes 0 .. nodes - 1, both numbered in order (all of the left
/// subtree < node < all of the right subtree), such that a node with children in one is a leaf of
/// the other.
///
///             4               first tree:  node v has label v + 1
///         2       6           second tree: node v has label v + 2; label 1 is left out
///       1   3   5   7         odd labels are leaves, and adding one turns odd into even
///
/// The edge above a node has a colour, 0 or 1. The two children of a node differ in colour, and so
/// do the edges above one node in the two trees: so with one round per colour a node sends at most
/// one message and receives at most one in every round.
class ordered_tree {
 public:
  static constexpr int none = -1;

  constexpr ordered_tree(int nodes, int which)
      : nodes_{nodes}, which_{which}, last_{nodes + which}, root_{power_of_two_within(last_)} {}

  [[nodiscard]] constexpr int root() const { return node(root_); }
  [[nodiscard]] constexpr int level(int of) const { return std::countr_zero(bits(label(of))); }

  [[nodiscard]] constexpr int parent(int of) const {
    return label(of) == root_ ? none : node(label_above(label(of), last_));
  }
  [[nodiscard]] constexpr int left(int of) const {
    const int child = label(of) - (label(of) & -label(of)) / 2;
    return child == label(of) || child <= which_ ? none : node(child);
  }
  [[nodiscard]] constexpr int right(int of) const {
    int step = (label(of) & -label(of)) / 2;
    while (step > 0 && label(of) + step > last_) {
      step /= 2;
    }
    return step == 0 ? none : node(label(of) + step);
  }

  /// Of the edge above `of`. A leaf takes the colour that its node does not have in the other tree.
  [[nodiscard]] constexpr int colour(int of) const {
    const int at = label(of);
    if (at % 2 == 0) {
      return which_ == 0 ? first_colour(at) : second_colour(at);
    }
    return 1 - (which_ == 0 ? second_colour(at + 1) : first_colour(at - 1));
  }

 private:
  [[nodiscard]] static constexpr unsigned bits(int value) { return static_cast<unsigned>(value); }
  [[nodiscard]] constexpr int label(int of) const { return of + 1 + which_; }
  [[nodiscard]] constexpr int node(int of) const { return of - 1 - which_; }

  [[nodiscard]] static constexpr int low_bit(int at) { return at & -at; }
  /// The label above `at`, which is not the root, where labels end with `last`.
  [[nodiscard]] static constexpr int label_above(int at, int last) {
    do {
      at = (at & (2 * low_bit(at))) == 0 ? at + low_bit(at) : at - low_bit(at);
    } while (at > last);
    return at;
  }

  // Siblings that are leaves of one tree, 4k + 1 and 4k + 3, have children in the other one, where
  // they must differ, too: labels 4k and 4k + 2 in the first tree, 4k + 2 and 4k + 4 in the second.
  // So in the first tree a colour differs from that of the label without its low bit, and in the
  // second from that of the label with its low bit added, if there is one; then siblings differ on
  // all levels. Where labels end, a right child must have its parent's colour to do so.

  [[nodiscard]] constexpr int first_colour(int even) const { return std::popcount(bits(even)) % 2; }

  [[nodiscard]] constexpr int second_colour(int even) const {
    const int nearest_rim = nodes_ + 1 - (nodes_ + 1) % 2;
    // An even left child with an odd right one, the last label, decides the colour of the root.
    const bool first_tree = nodes_ % 2 != 0;
    const int expected = first_tree ? first_colour(nodes_ - 1) : 1 - first_colour(nodes_);
    const bool mixed = nodes_ > 2 && (first_tree ? nodes_ - 1 : nodes_) % 4 == 0;
    const int flip = mixed && from_root(nearest_rim) != expected ? 1 : 0;
    return from_root(even) ^ flip;
  }
  /// Of an even label of the second tree, if its root has colour 0.
  [[nodiscard]] constexpr int from_root(int even) const {
    const int last = nodes_ + 1;
    int colour = 0;
    while (even != power_of_two_within(last)) {
      if (even + low_bit(even) <= last) {
        even += low_bit(even);
        colour ^= 1;
      } else {
        even = label_above(even, last);
      }
    }
    return colour;
  }

  int nodes_;
  int which_;
  int last_;
  int root_;
};

}  // namespace rondo::inline v0_1::schedule::detail
