// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/parameters.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/tensor/exact/detail/leaf_loops.hpp>
#include <rondo/tensor/exact/detail/leaf_node.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::detail {

/// All ranks' nodes of one tree, and how they add up: as steps of a stack machine, which puts a
/// node on its stack, or adds the topmost ones, two or four to six of them, as `leaf_loops` does.
///
///     leaves     0 1 2 | 3 4 | 5        three ranks
///     nodes      01  2 | 3 4 | 5        each rank's whole subtrees
///     sum        (01 + (2 + 3)) + (4 + 5)
///     steps      4, 5, 01, 2, 3, add five
///
/// The two sides of an addition may change places, as here, which changes no bits.
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
    return depth_ * leaf_loops<T>::block;
  }

  /// Adds up `count` elements of all nodes, which are at `source(operand)`, and writes the sums to
  /// `target(0)` up to `target(targets - 1)`. Every byte is read once and written once; sums on the
  /// way stay in the first-level cache.
  template <class T, class Source, class Target>
  void fold(std::size_t count, const Source& source, int targets, const Target& target, T* memory,
            protocol::store how = protocol::store::cached) const {
    using loops = leaf_loops<T>;
    protocol::detail::in_store_blocks<loops>(
        target, targets, 0, count, how,
        [&](std::size_t begin, std::size_t some, T* const* to, int number, protocol::store chosen) {
          if (steps_.empty()) {
            for (int t = 0; t < number; ++t) {
              std::fill_n(to[t], some, T{});
            }
            return;
          }
          run<T>([&](const operand& of) { return source(of) + begin; }, memory, loops::block,
                 [&](std::size_t adds, const T* const* from, T* sum) {
                   sum != nullptr ? loops::add(adds, from, some, &sum, 1, protocol::store::cached)
                                  : loops::add(adds, from, some, to, number, chosen);
                 });
        });
  }

  /// Elements of memory that `fold_by` wants.
  [[nodiscard]] std::size_t fold_by_elements(std::size_t count) const noexcept {
    return depth_ * count;
  }

  /// The same to one target, by kernels of the turn: one for each addition of the steps.
  template <class T, class Turn, class Source>
  void fold_by(Turn& turn, std::size_t count, const Source& source, T* target, T* memory) const {
    if (steps_.empty()) {
      turn.each(count, no_nodes<T>{target});
      return;
    }
    run<T>(source, memory, count, [&](std::size_t adds, const T* const* from, T* sum) {
      leaf_loops<T>::add_by(turn, adds, from, count, sum != nullptr ? sum : target);
    });
  }

 private:
  /// Makes the steps: `add(how many, the nodes, where to)`. The last sum, or the only node, goes to
  /// where the caller knows, nullptr; others to `memory`, `stride` elements for each.
  template <class T, class Source, class Add>
  void run(const Source& source, T* memory, std::size_t stride, const Add& add) const {
    std::array<const T*, most_depth> stack;
    std::size_t height = 0;
    for (const step& next : steps_) {
      if (next.adds == 0) {
        stack[height++] = source(next.from);
      } else if (&next != &steps_.back()) {
        height -= next.adds;
        T* const sum = memory + height * stride;
        add(next.adds, &stack[height], sum);
        stack[height++] = sum;
      }
    }
    add(height, stack.data(), nullptr);
  }

  struct known {
    leaf_node node;
    int value;
  };

  struct step {
    operand from;
    std::size_t adds = 0;  ///< 0: puts `from` on the stack
  };

  /// Three levels of a tree put at most five nodes on the stack, and there are at most 64.
  static constexpr std::size_t most_depth = 1 + 5 * 64 / 2;

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

  [[nodiscard]] static bool adds_sums(const std::vector<expression>& all, int which) {
    const expression& one = all[static_cast<std::size_t>(which)];
    return one.left >= 0 && all[static_cast<std::size_t>(one.left)].left >= 0 &&
           all[static_cast<std::size_t>(one.right)].left >= 0;
  }

  /// The two terms of a sum; or three, the last two of which are added first, where a term is a sum
  /// that no pass of its own would add more of.
  [[nodiscard]] static std::vector<int> terms_of(const std::vector<expression>& all, int which) {
    const expression& sum = all[static_cast<std::size_t>(which)];
    std::vector<int> terms{sum.left, sum.right};
    const auto opens = std::find_if(terms.rbegin(), terms.rend(), [&](int term) {
      return all[static_cast<std::size_t>(term)].left >= 0 && !adds_sums(all, term);
    });
    if (opens != terms.rend()) {
      const expression& inner = all[static_cast<std::size_t>(*opens)];
      terms.erase(std::next(opens).base());
      terms.insert(terms.end(), {inner.left, inner.right});
    }
    return terms;
  }

  /// Writes the steps of an expression, for a stack of this height.
  void take_down(const std::vector<expression>& all, int which, std::size_t height) {
    const expression& sum = all[static_cast<std::size_t>(which)];
    if (sum.left < 0) {
      depth_ = (std::max)(depth_, height + 1);
      steps_.push_back({sum.from, 0});
      return;
    }
    std::vector<int> terms{sum.left, sum.right};
    if (adds_sums(all, which)) {
      terms = terms_of(all, sum.left);
      auto more = terms_of(all, sum.right);
      if (terms.size() > more.size()) {
        std::swap(terms, more);
      }
      terms.insert(terms.end(), more.begin(), more.end());
    }
    for (const int term : terms) {
      take_down(all, term, height++);
    }
    steps_.push_back({{}, terms.size()});
  }

  std::vector<std::vector<leaf_node>> nodes_;  ///< of every rank
  std::vector<step> steps_;
  std::size_t size_ = 0;
  std::size_t arrays_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace rondo::inline v0_1::detail
