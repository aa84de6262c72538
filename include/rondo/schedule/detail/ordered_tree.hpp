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
/// do the two edges above one node, except along the right rim where labels run out: so with one
/// round per colour nearly every node sends one message and receives one in every round.
class ordered_tree {
 public:
  static constexpr int none = -1;

  constexpr ordered_tree(int nodes, int which)
      : which_{which}, last_{nodes + which}, root_{power_of_two_within(nodes + which)} {}

  [[nodiscard]] constexpr int root() const { return node(root_); }
  [[nodiscard]] constexpr int level(int of) const { return std::countr_zero(bits(label(of))); }

  [[nodiscard]] constexpr int parent(int of) const {
    int at = label(of);
    if (at == root_) {
      return none;
    }
    do {
      const int low = at & -at;
      at = (at & (2 * low)) == 0 ? at + low : at - low;
    } while (at > last_);
    return node(at);
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

  /// Of the edge above `of`.
  [[nodiscard]] constexpr int colour(int of) const {
    const int above = parent(of);
    if (above != none && above > of && right(above) != none) {
      return 1 - own_colour(label(right(above)));
    }
    return own_colour(label(of));
  }

 private:
  [[nodiscard]] static constexpr unsigned bits(int value) { return static_cast<unsigned>(value); }
  [[nodiscard]] constexpr int label(int of) const { return of + 1 + which_; }
  [[nodiscard]] constexpr int node(int of) const { return of - 1 - which_; }

  /// Even labels: the parity of the one bits of the label (first tree) or of its distance to a
  /// power of two above all labels (second tree). Either way, siblings differ. A leaf takes the
  /// colour that its node does not have in the other tree.
  [[nodiscard]] constexpr int own_colour(int at) const {
    const bool leaf = at % 2 != 0;
    const bool first = (which_ == 0) != leaf;
    const int other = which_ == 0 ? at + 1 : at - 1;
    const int even = leaf ? other : at;
    const unsigned counted = first ? bits(even) : bits(8 * power_of_two_within(last_) - even);
    return static_cast<int>((bits(std::popcount(counted)) + (leaf ? 1u : 0u)) % 2u);
  }

  int which_;
  int last_;
  int root_;
};

}  // namespace rondo::inline v0_1::schedule::detail
