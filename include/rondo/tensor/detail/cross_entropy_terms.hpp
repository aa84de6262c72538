// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <cmath>
#include <cstddef>
#include <limits>

/// What each rank does for a cross entropy whose vocabulary is split, a token at a time; of `Lanes`
/// that share a token's words each has a term of its own.
namespace rondo::inline v0_1::detail {

/// Words whose logits lie here, from column `local` on.
struct words_at {
  std::size_t local;
  part words;
};

/// to(i, lane) = the larger of it and this lane's logits.
template <class T, std::size_t Lanes>
struct largest_logits {
  matrix<const T> z;
  words_at some;
  matrix<double> to;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t lane) const {
    double most = to(i, lane);
    for (std::size_t word = lane; word < some.words.count; word += Lanes) {
      most = op::max{}(most, static_cast<double>(z(i, some.local + word)));
    }
    to(i, lane) = most;
  }
};

/// terms [kinds * tokens, Lanes]: S, P and, where the target's probability is spread, Q.
template <class T, class Target, std::size_t Lanes>
struct add_exponentials {
  matrix<const T> z;
  words_at some;
  const Target* targets;
  const double* largest;
  bool spreads;
  matrix<double> terms;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t lane) const {
    const std::size_t target = static_cast<std::size_t>(targets[i]) - some.words.first;
    double exponentials = terms(i, lane);
    double of_target = terms(z.rows + i, lane);
    double of_all = spreads ? terms(2 * z.rows + i, lane) : 0.0;
    for (std::size_t word = lane; word < some.words.count; word += Lanes) {
      const double shifted = static_cast<double>(z(i, some.local + word)) - largest[i];
      exponentials += std::exp(shifted);
      of_target += word == target ? shifted : 0.0;
      of_all += shifted;
    }
    terms(i, lane) = exponentials;
    terms(z.rows + i, lane) = of_target;
    if (spreads) {
      terms(2 * z.rows + i, lane) = of_all;
    }
  }
};

/// to[i] = the fold of row i.
template <class Op>
struct fold_rows {
  matrix<const double> terms;
  double* to;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t) const {
    double sum = terms(i, 0);
    for (std::size_t lane = 1; lane < terms.columns; ++lane) {
      sum = Op{}(sum, terms(i, lane));
    }
    to[i] = sum;
  }
};

/// Losses from all ranks' S, P and Q; of a target that is no word, not a number.
template <class T, class Target>
struct finish_losses {
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  matrix<const double> folded;  ///< [kinds, tokens]
  const Target* targets;
  std::size_t words;
  double spread;
  const double* largest;
  T* losses;
  double* log_sums;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t) const {
    const bool is_word = static_cast<std::size_t>(targets[i]) < words;
    const double log_sum = is_word ? std::log(folded(0, i)) : nan;
    const double mean =
        folded.rows == 3 ? folded(2, i) / static_cast<double>(words) - log_sum : 0.0;
    losses[i] = static_cast<T>((1 - spread) * (log_sum - folded(1, i)) - spread * mean);
    log_sums[i] = largest[i] + log_sum;
  }
};

/// dz of a run of words; padding gets none.
template <class T, class Target>
struct logit_gradients {
  matrix<const T> z;
  words_at some;
  std::size_t words;
  double spread;
  const Target* targets;
  const T* dlosses;
  const double* log_sums;
  matrix<T> dz;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t column) const {
    const std::size_t word = some.words.first + column;
    T& out = dz(i, some.local + column);
    if (word >= words) {
      out = T{};
      return;
    }
    const double softmax = std::exp(static_cast<double>(z(i, some.local + column)) - log_sums[i]);
    const double target = static_cast<std::size_t>(targets[i]) == word ? 1 - spread : 0.0;
    const double share = spread / static_cast<double>(words);
    out = static_cast<T>((softmax - target - share) * static_cast<double>(dlosses[i]));
  }
};

}  // namespace rondo::inline v0_1::detail
