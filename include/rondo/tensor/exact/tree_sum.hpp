// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/detail/host_memory.hpp>
#include <rondo/tensor/exact/detail/leaf_node.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace rondo::inline v0_1 {

/// A sum of numbered leaves, each an array, folded by the balanced binary tree over their numbers.
///
/// Its bits depend on the leaves alone: not on who holds which, nor on when they come. Leaves may
/// come in any order; whole subtrees are folded as soon as they are there, so that at most
/// 2 log2(leaves) arrays are kept for leaves that come in a row. Each array grows to the largest
/// sum that it was in and stays for the next.
///
///     rondo::tree_sum<float> gradient{elements};
///     compute_terms(gradient.room());    // of micro-batch 7
///     gradient.put(7);
///
/// On GPUs: `tree_sum<T, cuda::buffer<T>>`, `gradient.room(tensor.memory())`, which refuses to grow
/// while the stream of the team's ranks is captured, and `gradient.put(7, tensor.memory())`, which
/// enqueues additions on it. Arrays that a larger sum has outgrown stay, as work under way and
/// graphs may still use them.
template <class T, class Memory = std::vector<T>>
class tree_sum {
 public:
  using held = detail::held_node<T>;

  tree_sum() = default;
  explicit tree_sum(std::size_t elements) : elements_{elements} {}
  /// Moved, never copied: its nodes say where its own arrays are.
  tree_sum(const tree_sum&) = delete;
  tree_sum& operator=(const tree_sum&) = delete;
  tree_sum(tree_sum&&) noexcept = default;
  tree_sum& operator=(tree_sum&&) noexcept = default;
  ~tree_sum() = default;

  /// Begins anew, with arrays of `elements` elements. The first leaf is put into `lent`, if given:
  /// the memory of the result, say, which the sum of leaves that come in order then lies in. It is
  /// the sum's until the next `restart`.
  void restart(std::size_t elements, T* lent = nullptr) {
    used_ = 0;
    free_.clear();
    if (lent != nullptr) {
      free_.push_back(lent);
    }
    open_ = nullptr;
    elements_ = elements;
    nodes_.clear();
  }

  [[nodiscard]] std::size_t elements() const noexcept { return elements_; }

  /// Where to write the terms of the next leaf; what is there is left over from before.
  /// On GPUs: error_code::invalid_argument where memory must grow while the stream is captured.
  template <class In = detail::host_memory>
  [[nodiscard]] std::span<T> room(const In& in = {}) {
    if (open_ == nullptr) {
      open_ = taken(in);
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
    static_cast<void>(room(in));
    detail::put_node(nodes_, held{{0, leaf}, open_}, folding(in));
    open_ = nullptr;
  }

  /// The largest whole subtrees of the leaves that were put, from left to right.
  [[nodiscard]] const std::vector<held>& nodes() const noexcept { return nodes_; }

  /// Memory held for nodes, without what is lent.
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t elements = 0;
    for (const Memory& one : memory_) {
      elements += one.size();
    }
    return elements * sizeof(T);
  }

 private:
  template <class In>
  [[nodiscard]] auto folding(const In& in) {
    return [&](T* left, T* right) {
      detail::add(in, matrix<const T>{right, 1, elements_}, matrix<T>{left, 1, elements_});
      free_.push_back(right);
      return left;
    };
  }
  template <class In>
  [[nodiscard]] T* taken(const In& in) {
    if (!free_.empty()) {
      T* const one = free_.back();
      free_.pop_back();
      return one;
    }
    if (used_ == memory_.size()) {
      memory_.emplace_back();
    }
    Memory& one = memory_[used_];
    if (elements_ > one.size()) {
      if constexpr (In::on_device) {
        in.resize(one, elements_);
      } else {
        one.resize(elements_);
      }
    }
    ++used_;
    return one.data();
  }

  std::size_t elements_ = 0;
  std::vector<Memory> memory_;
  std::size_t used_ = 0;  ///< of `memory_`, by this sum
  std::vector<T*> free_;
  T* open_ = nullptr;
  std::vector<held> nodes_;
};

}  // namespace rondo::inline v0_1
