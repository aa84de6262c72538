// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/leaf_node.hpp>
#include <rondo/core/parameters.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/fold_lines.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rondo::inline v0_1::detail {

/// All ranks' nodes of one tree, and how they add up: as steps of a stack machine, which puts a
/// node on its stack, or adds the two topmost, or the four topmost in pairs.
///
///     leaves     0 1 2 | 3 4 | 5        three ranks
///     nodes      01  2 | 3 4 | 5        each rank's whole subtrees
///     sum        (01 + (2 + 3)) + (4 + 5)
///     steps      01, 2, 3, add two, 4, 5, add four
class leaf_order {
 public:
  struct operand {
    int rank = 0;
    std::size_t index = 0;  ///< among the nodes of that rank
  };

  /// `leaves` says for each rank which leaves it puts into its sum.
  explicit leaf_order(const std::vector<std::vector<part>>& leaves) {
    const auto keep = [](int, int) { return 0; };
    for (const auto& runs : leaves) {
      std::vector<known> held;
      std::size_t arrays = 0;
      for (const part run : runs) {
        for (std::size_t leaf = run.first; leaf < run.first + run.count; ++leaf) {
          arrays = (std::max)(arrays, held.size() + 1);
          put_node(held, known{{0, leaf}, 0}, keep);
        }
      }
      arrays_ = (std::max)(arrays_, arrays);
      auto& nodes = nodes_.emplace_back();
      for (const known& one : held) {
        nodes.push_back(one.node);
      }
    }
    line_up();
  }

  [[nodiscard]] int ranks() const noexcept { return static_cast<int>(nodes_.size()); }
  /// The nodes of `rank`, from left to right.
  [[nodiscard]] const std::vector<leaf_node>& of(int rank) const {
    return nodes_[static_cast<std::size_t>(rank)];
  }
  /// How many nodes all ranks have together.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// How many nodes the rank has that has the most.
  [[nodiscard]] std::size_t most() const {
    std::size_t most = 0;
    for (const auto& held : nodes_) {
      most = (std::max)(most, held.size());
    }
    return most;
  }
  /// How many arrays a `tree_sum` comes to hold, on the rank whose does the most.
  [[nodiscard]] std::size_t arrays() const noexcept { return arrays_; }

  /// A number that is equal on ranks that know the same nodes.
  [[nodiscard]] std::uint64_t parameters() const noexcept {
    std::uint64_t mixed = size();
    for (const step& one : steps_) {
      mixed = mixed_parameters(mixed, static_cast<std::uint64_t>(one.from.rank),
                               std::uint64_t{one.adds});
    }
    return mixed;
  }

  /// Elements of memory that `fold` wants.
  template <class T>
  [[nodiscard]] std::size_t fold_elements() const noexcept {
    return depth_ * lines<T>::block;
  }

  /// Adds up `count` elements of all nodes, which are at `source(operand)`, and writes the sums to
  /// `target(0)` up to `target(targets - 1)`. Every byte is read once and written once; sums on the
  /// way stay in the first-level cache.
  template <class T, class Source, class Target>
  void fold(std::size_t count, const Source& source, int targets, const Target& target, T* memory,
            protocol::store how = protocol::store::cached) const {
    std::array<const T*, most_depth> stack;
    protocol::detail::for_each_block<lines<T>>(
        target, targets, 0, count, how,
        [&](std::size_t begin, std::size_t some, T* const* to, int number,
            protocol::store chosen) {
          if (steps_.empty()) {
            for (int t = 0; t < number; ++t) {
              std::fill_n(to[t], some, T{});
            }
            return;
          }
          std::size_t height = 0;
          const auto add = [&](std::size_t terms, T* const* into, int places,
                               protocol::store stored) {
            height -= terms;
            lines<T>{addition<T>{}, some}.run(
                [&](int t) { return stack[height + static_cast<std::size_t>(t)]; },
                static_cast<int>(terms), into, places, stored);
          };
          for (const step& next : steps_) {
            if (next.adds == 0) {
              stack[height++] = source(next.from) + begin;
            } else if (&next != &steps_.back()) {
              T* const sum = memory + (height - next.adds) * lines<T>::block;
              add(next.adds, &sum, 1, protocol::store::cached);
              stack[height++] = sum;
            }
          }
          add(height, to, number, chosen);  // the last addition, or the only node
        });
  }

 private:
  struct known {
    leaf_node node;
    int value;
  };

  struct step {
    operand from;
    std::size_t adds = 0;  ///< 0: puts `from` on the stack
  };

  /// An addition as a reduction.
  template <class T>
  struct addition {
    using partial = T;
    static constexpr bool balanced = true;
    static T lift(T value) { return value; }
    static T lower(T value) { return value; }
    static T fold(T a, T b) { return static_cast<T>(a + b); }
  };
  /// Blocks of 4 KiB: larger ones are read from memory in bursts, smaller ones cost more calls;
  /// sums of 256 KiB to 16 MiB, bench/results/tensor_layers.md (Zen 5, GCC 12 -O2, 2026-11-27).
  template <class T>
  struct lines : protocol::fold_lines<T, addition<T>> {
    using protocol::fold_lines<T, addition<T>>::fold_lines;
    static constexpr std::size_t block = (std::max)(std::size_t{1}, 4096 / sizeof(T));
  };

  /// Two levels of a tree put at most three nodes on the stack, and there are at most 64.
  static constexpr std::size_t most_depth = 1 + 3 * 64 / 2;

  /// A sum of two, or a node.
  struct expression {
    leaf_node node;
    operand from;
    int left = -1;
    int right = -1;
  };

  /// Puts the nodes in a row and adds up siblings, then what is left over from the right.
  void line_up() {
    std::vector<expression> all;
    for (int rank = 0; rank < ranks(); ++rank) {
      for (std::size_t index = 0; index < of(rank).size(); ++index) {
        all.push_back({of(rank)[index], {rank, index}});
      }
    }
    size_ = all.size();
    std::sort(all.begin(), all.end(), [](const expression& a, const expression& b) {
      return a.node.first() < b.node.first();
    });
    std::vector<int> stack;
    const auto add = [&] {
      const int right = stack.back();
      stack.pop_back();
      const int left = stack.back();
      all.push_back({all[static_cast<std::size_t>(left)].node.parent(), {}, left, right});
      stack.back() = static_cast<int>(all.size()) - 1;
    };
    const auto node = [&](std::size_t below_top) {
      return all[static_cast<std::size_t>(stack[stack.size() - 1 - below_top])].node;
    };
    for (std::size_t next = 0; next < size_; ++next) {
      stack.push_back(static_cast<int>(next));
      while (stack.size() > 1 && node(0).sibling() == node(1)) {
        add();
      }
    }
    while (stack.size() > 1) {
      add();
    }
    if (!stack.empty()) {
      take_down(all, stack.back(), 0);
    }
  }

  /// Writes the steps of an expression, for a stack of this height.
  void take_down(const std::vector<expression>& all, int which, std::size_t height) {
    const expression& sum = all[static_cast<std::size_t>(which)];
    if (sum.left < 0) {
      depth_ = (std::max)(depth_, height + 1);
      steps_.push_back({sum.from, 0});
      return;
    }
    const expression& left = all[static_cast<std::size_t>(sum.left)];
    const expression& right = all[static_cast<std::size_t>(sum.right)];
    if (left.left >= 0 && right.left >= 0) {
      for (const int term : {left.left, left.right, right.left, right.right}) {
        take_down(all, term, height++);
      }
      steps_.push_back({{}, 4});
    } else {
      take_down(all, sum.left, height);
      take_down(all, sum.right, height + 1);
      steps_.push_back({{}, 2});
    }
  }

  std::vector<std::vector<leaf_node>> nodes_;  ///< of every rank
  std::vector<step> steps_;
  std::size_t size_ = 0;
  std::size_t arrays_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace rondo::inline v0_1::detail
