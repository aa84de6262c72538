// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tensor/loops.hpp"

#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

/// A vocabulary's table and its losses on one rank, by plain loops in double.
namespace vocabulary_case {

using loops::all;
using loops::held;
using loops::numbers;
using loops::owned;
using rondo::cross_entropy_options;

inline constexpr std::size_t words = 83;
inline constexpr std::size_t padded = 90;
inline constexpr std::size_t features = 5;
inline const std::vector<int> tokens{3, 82, 3, 0, 41, 3, 82, 17, 40, 3, 41};

struct looked_up {
  owned<float> y, dtable;
};

/// By plain loops in double.
inline looked_up oracle() {
  const auto table = numbers<double>(1, all(words), all(features));
  const auto dy = numbers<double>(2, all(tokens.size()), all(features));
  owned<double> dtable(words, features);
  looked_up right{{tokens.size(), features}, {words, features}};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto word = static_cast<std::size_t>(tokens[i]);
    for (std::size_t j = 0; j < features; ++j) {
      right.y(i, j) = static_cast<float>(table(word, j));
      dtable(word, j) += dy(i, j);
    }
  }
  std::copy(dtable.memory.begin(), dtable.memory.end(), right.dtable.memory.begin());
  return right;
}

/// In double: softmax over the words, then the definition; the loss of token i counts 1 + i.
struct right_scores {
  std::vector<double> losses;
  owned<double> dz;
};
inline right_scores score_oracle(const owned<double>& z, const std::vector<int>& targets,
                                 const cross_entropy_options& with) {
  right_scores right{{}, {z.rows, z.columns}};
  for (std::size_t i = 0; i < z.rows; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < with.words; ++j) {
      sum += std::exp(z(i, j));
    }
    double loss = 0;
    for (std::size_t j = 0; j < with.words; ++j) {
      const double wanted = static_cast<std::size_t>(targets[i]) == j
                                ? 1 - with.smoothing
                                : with.smoothing / static_cast<double>(with.words - 1);
      loss -= wanted * (z(i, j) - std::log(sum));
      right.dz(i, j) = (std::exp(z(i, j)) / sum - wanted) * static_cast<double>(1 + i);
    }
    right.losses.push_back(loss);
  }
  return right;
}

inline owned<double> logits_of(std::size_t rows) {
  auto z = numbers<double>(7, all(rows), all(padded));
  for (double& value : z.memory) {
    value *= 8;
  }
  return z;
}

}  // namespace vocabulary_case
