// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "kernels.hpp"

#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/matrix.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace tensor_example {

using rondo::cut;

inline std::uint64_t mixed(std::uint64_t number) {  // splitmix64
  number = (number + 1) * 0x9e3779b97f4a7c15u;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
  return number ^ (number >> 31);
}

/// A rank's shard of a weight [rows, columns], with Adam's two moments. An element begins with a
/// number that depends on where it stands in the whole weight, not on who holds it.
class weight {
 public:
  /// `dimension` 0: `by` cuts the rows; 1: the columns.
  weight(std::uint64_t name, std::size_t rows, std::size_t columns, int dimension, cut by, int rank)
      : name_{name}, dimension_{dimension}, by_{std::move(by)}, rank_{rank}, columns_{columns} {
    const std::size_t own = by_.width(rank);
    rows_here_ = dimension == 0 ? own : rows;
    columns_here_ = dimension == 0 ? columns : own;
    values_.resize(rows_here_ * columns_here_);
    mean_.resize(values_.size());
    square_.resize(values_.size());
    gradient_.resize(values_.size());
    const float scale = 1 / std::sqrt(static_cast<float>(columns));
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const auto drawn = mixed(name_ << 40 ^ place(i)) >> 40;
      values_[i] = scale * (static_cast<float>(drawn) / (1 << 23) - 1);
    }
  }

  [[nodiscard]] std::size_t rows() const { return rows_here_; }
  [[nodiscard]] std::size_t columns() const { return columns_here_; }
  [[nodiscard]] matrix<const float> view() const {
    return {values_.data(), rows_here_, columns_here_};
  }

  /// One step of Adam, from the gradients of all data ranks.
  template <class Team>
  void learn(const Team& data, rondo::tree_exchange& tree, const rondo::tree_sum<float>& sums,
             int step) {
    const matrix<float> whole{gradient_.data(), rows_here_, columns_here_};
    tree.reduce(data, sums, rondo::replicated<float, Team::axis>{whole});
    const float rate = adam_rate(step);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      adam(rate, gradient_[i], mean_[i], square_[i], values_[i]);
    }
  }

  /// A number for the bits of the elements that no rank before this one holds; summed over the
  /// ranks it is that of the whole weight.
  [[nodiscard]] std::uint64_t hash() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (first_holder(i)) {
        std::uint32_t bits;
        std::memcpy(&bits, &values_[i], sizeof bits);
        sum += mixed(name_ << 40 ^ place(i)) * (bits | 1u);
      }
    }
    return sum;
  }

 private:
  [[nodiscard]] std::size_t along(std::size_t i) const {
    return by_.global(rank_, dimension_ == 0 ? i / columns_here_ : i % columns_here_);
  }
  [[nodiscard]] std::uint64_t place(std::size_t i) const {
    return dimension_ == 0 ? along(i) * columns_ + i % columns_here_
                           : i / columns_here_ * columns_ + along(i);
  }
  [[nodiscard]] bool first_holder(std::size_t i) const {
    const std::size_t index = along(i);
    for (int rank = 0; rank < rank_; ++rank) {
      for (const rondo::part run : by_.runs(rank)) {
        if (index >= run.first && index < run.first + run.count) {
          return false;
        }
      }
    }
    return true;
  }

  std::uint64_t name_;
  int dimension_;
  cut by_;
  int rank_;
  std::size_t columns_;
  std::size_t rows_here_ = 0;
  std::size_t columns_here_ = 0;
  std::vector<float> values_;
  std::vector<float> mean_;
  std::vector<float> square_;
  std::vector<float> gradient_;
};

}  // namespace tensor_example
