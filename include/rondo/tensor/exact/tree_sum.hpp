// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/leaf_node.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/detail/host_memory.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

RONDO_INDEPENDENT_LOOPS_BEGIN

namespace rondo::inline v0_1 {

namespace detail {

template <class T>
void add_to(T* sum, const T* more, std::size_t count) {
  vectorized([=]() RONDO_INLINE_BODY {
    RONDO_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < count; ++i) {
      sum[i] = static_cast<T>(sum[i] + more[i]);
    }
  });
}

}  // namespace detail

/// A sum of numbered leaves, each an array, folded by the balanced binary tree over their numbers.
///
/// Its bits depend on the leaves alone: not on who holds which, nor on when they come. Leaves may
/// come in any order; whole subtrees are folded as soon as they are there, so that at most
/// 2 log2(leaves) arrays are kept for leaves that come in a row. Arrays grow to the largest sum and
/// stay for the next.
///
///     rondo::tree_sum<float> gradient{elements};
///     compute_terms(gradient.room());    // of micro-batch 7
///     gradient.put(7);
///
/// On GPUs: `tree_sum<T, cuda::buffer<T>>`, and `gradient.put(7, tensor.memory())`, which enqueues
/// additions on the stream of the team's ranks.
template <class T, class Memory = std::vector<T>>
class tree_sum {
 public:
  using held = detail::held_node<T>;

  tree_sum() = default;
  explicit tree_sum(std::size_t elements) : elements_{elements}, array_{elements} {}

  /// Begins anew, with arrays of `elements` elements. The first leaf is put into `lent`, if given:
  /// the memory of the result, say, which the sum of leaves that come in order then lies in. It is
  /// the sum's until the next `restart`.
  void restart(std::size_t elements, T* lent = nullptr) {
    if (elements > array_) {
      memory_.clear();
      array_ = elements;
    }
    free_.clear();
    for (Memory& one : memory_) {
      free_.push_back(one.data());
    }
    if (lent != nullptr) {
      free_.push_back(lent);
    }
    open_ = nullptr;
    elements_ = elements;
    nodes_.clear();
  }

  [[nodiscard]] std::size_t elements() const noexcept { return elements_; }

  /// Where to write the terms of the next leaf; what is there is left over from before.
  [[nodiscard]] std::span<T> room() {
    if (open_ == nullptr) {
      open_ = taken();
    }
    return {open_, elements_};
  }

  /// What lies in `room()` are the terms of leaf `leaf`. Errors: a leaf that was put before.
  template <class In = detail::host_memory>
  void put(std::size_t leaf, const In& in = {}) {
    static_assert(std::is_same_v<Memory, typename In::template array<T>>,
                  "rondo: tree_sum: leaves are added where they are: on GPUs by tree_sum<T, "
                  "cuda::buffer<T>> and put(leaf, team.memory()), elsewhere by tree_sum<T>");
    for (const held& one : nodes_) {
      if (one.node.covers(leaf)) {
        refuse("tree_sum: leaf " + std::to_string(leaf) +
               " is put twice; number micro-batches and tokens over the whole batch");
      }
    }
    static_cast<void>(room());
    detail::put_node(nodes_, held{{0, leaf}, open_}, folding(in));
    open_ = nullptr;
  }

  /// The largest whole subtrees of the leaves that were put, from left to right.
  [[nodiscard]] const std::vector<held>& nodes() const noexcept { return nodes_; }

  /// Memory held for nodes, without what is lent.
  [[nodiscard]] std::size_t bytes() const noexcept { return memory_.size() * array_ * sizeof(T); }

 private:
  template <class In>
  [[nodiscard]] auto folding(const In& in) {
    return [this, &in](T* left, T* right) {
      if constexpr (In::on_device) {
        detail::add(in, matrix<const T>{right, 1, elements_}, matrix<T>{left, 1, elements_});
      } else {
        detail::add_to(left, right, elements_);
      }
      free_.push_back(right);
      return left;
    };
  }
  [[nodiscard]] T* taken() {
    if (free_.empty()) {
      memory_.emplace_back(array_);
      return memory_.back().data();
    }
    T* const one = free_.back();
    free_.pop_back();
    return one;
  }

  std::size_t elements_ = 0;
  std::size_t array_ = 0;  ///< elements that an array has room for
  std::vector<Memory> memory_;
  std::vector<T*> free_;
  T* open_ = nullptr;
  std::vector<held> nodes_;
};

}  // namespace rondo::inline v0_1

RONDO_INDEPENDENT_LOOPS_END
