// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/random.hpp>
#include <rondo/core/error.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace rondo::inline v0_1::codec {

/// A gradient matrix as a product of two thin ones: P Q^T of rank R. Both are found with linear
/// all-reduces, so any schedule will do, and nothing is quantised (PowerSGD: Vogels et al. 2019,
/// arXiv:1905.13727). Per call R (rows + columns) floats travel instead of rows * columns.
///
/// The object is one matrix's memory on one rank: it keeps Q for the next call (warm start) and
/// what P Q^T leaves unsent. Every rank must give the same shape and seed.
template <std::size_t R>
class low_rank {
 public:
  low_rank(std::size_t rows, std::size_t columns, std::uint64_t seed = 0)
      : rows_{rows},
        columns_{columns},
        p_(rows * R),
        q_(columns * R),
        residual_(rows * columns, 0.0f) {
    static_assert(R > 0);
    if (R > rows || R > columns) {
      refuse("codec::low_rank: rank " + std::to_string(R) + " is more than a " +
             std::to_string(rows) + " x " + std::to_string(columns) +
             " matrix has; send it as it is");
    }
    for (std::size_t i = 0; i < q_.size(); ++i) {
      q_[i] = gaussian(seed, i);
    }
  }

  /// Floats sent per call by each rank.
  [[nodiscard]] std::size_t floats_sent() const { return p_.size() + q_.size(); }
  /// Whether that is less than the matrix itself, by a factor of two or more.
  [[nodiscard]] bool worthwhile() const { return 2 * floats_sent() <= rows_ * columns_; }

  /// What has not been sent yet: [rows, columns], to save or to restore.
  [[nodiscard]] std::span<float> residual() { return residual_; }
  /// The start of the next call: [columns, R], equal on all ranks.
  [[nodiscard]] std::span<float> basis() { return q_; }

  /// gradient [rows, columns], row by row = the low-rank average over the ranks.
  /// `sum(span<float>)` must replace its argument by the sum over `ranks` ranks, on all alike.
  template <class AllReduce>
  void all_reduce(std::span<float> gradient, int ranks, AllReduce&& sum) {
    if (gradient.size() != rows_ * columns_) {
      refuse("codec::low_rank: got " + std::to_string(gradient.size()) +
             " values; the matrix has " + std::to_string(rows_) + " x " + std::to_string(columns_));
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      residual_[i] += gradient[i];
    }
    orthogonalise(q_, columns_);
    multiply_by_q();
    sum(std::span<float>{p_});
    orthogonalise(p_, rows_);
    multiply_by_p();
    // This rank's own part is what it has sent: M - P (P^T M) stays.
    reconstruct([this](std::size_t i, float sent) { residual_[i] -= sent; });
    sum(std::span<float>{q_});
    const float share = 1.0f / static_cast<float>(ranks);
    for (float& value : q_) {
      value *= share;
    }
    reconstruct([gradient](std::size_t i, float value) { gradient[i] = value; });
  }

 private:
  /// Box-Muller on the counter's hash.
  [[nodiscard]] static float gaussian(std::uint64_t seed, std::size_t i) {
    const std::uint64_t hash = detail::mixed(detail::mixed(seed) ^ i);
    const double u = (static_cast<double>(hash >> 32) + 0.5) * 0x1p-32;
    const double angle = static_cast<double>(hash & 0xffffffffu) * (6.283185307179586 * 0x1p-32);
    return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(angle));
  }

  /// Gram-Schmidt on the columns of a [rows, R] matrix, twice over for accuracy. A column that
  /// depends on those before it becomes zero.
  static void orthogonalise(std::vector<float>& matrix, std::size_t rows) {
    const auto dot = [&](std::size_t a, std::size_t b) {
      double sum = 0;
      for (std::size_t i = 0; i < rows; ++i) {
        sum += static_cast<double>(matrix[i * R + a]) * static_cast<double>(matrix[i * R + b]);
      }
      return sum;
    };
    for (std::size_t column = 0; column < R; ++column) {
      const double before = std::sqrt(dot(column, column));
      for (int pass = 0; pass < 2; ++pass) {
        for (std::size_t other = 0; other < column; ++other) {
          const double share = dot(column, other);
          for (std::size_t i = 0; i < rows; ++i) {
            matrix[i * R + column] -=
                static_cast<float>(share * static_cast<double>(matrix[i * R + other]));
          }
        }
      }
      const double norm = std::sqrt(dot(column, column));
      const double inverse = norm > 1e-6 * before && norm > 0 ? 1 / norm : 0;
      for (std::size_t i = 0; i < rows; ++i) {
        matrix[i * R + column] =
            static_cast<float>(static_cast<double>(matrix[i * R + column]) * inverse);
      }
    }
  }

  /// P = M Q.
  void multiply_by_q() {
    for (std::size_t row = 0; row < rows_; ++row) {
      float sums[R] = {};
      for (std::size_t column = 0; column < columns_; ++column) {
        for (std::size_t k = 0; k < R; ++k) {
          sums[k] += residual_[row * columns_ + column] * q_[column * R + k];
        }
      }
      for (std::size_t k = 0; k < R; ++k) {
        p_[row * R + k] = sums[k];
      }
    }
  }

  /// Q = M^T P.
  void multiply_by_p() {
    q_.assign(q_.size(), 0.0f);
    for (std::size_t row = 0; row < rows_; ++row) {
      for (std::size_t column = 0; column < columns_; ++column) {
        for (std::size_t k = 0; k < R; ++k) {
          q_[column * R + k] += residual_[row * columns_ + column] * p_[row * R + k];
        }
      }
    }
  }

  /// put(i, (P Q^T)[i]) for every place of the matrix.
  template <class Put>
  void reconstruct(const Put& put) const {
    for (std::size_t row = 0; row < rows_; ++row) {
      for (std::size_t column = 0; column < columns_; ++column) {
        float value = 0;
        for (std::size_t k = 0; k < R; ++k) {
          value += p_[row * R + k] * q_[column * R + k];
        }
        put(row * columns_ + column, value);
      }
    }
  }

  std::size_t rows_;
  std::size_t columns_;
  std::vector<float> p_;  ///< [rows, R]
  std::vector<float> q_;  ///< [columns, R]
  std::vector<float> residual_;
};

}  // namespace rondo::inline v0_1::codec
