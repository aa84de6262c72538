// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/arithmetic.hpp>
#include <rondo/codec/detail/random.hpp>
#include <rondo/codec/detail/tile.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/finite.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/vectorize.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::codec {

template <std::size_t R>
struct low_rank;

/// What `low_rank<R>` remembers of one matrix on one rank: where the next call starts from, and
/// what has not been sent yet. The user's: saving and restoring a run means copying both spans.
template <std::size_t R>
class low_rank_memory {
 public:
  /// Every rank gives the same shape and seed. Errors: a matrix smaller than R x R is refused, and
  /// one whose values no memory holds.
  low_rank_memory(std::size_t rows, std::size_t columns, std::uint64_t seed = 0)
      : rows_{(require_shape(rows, columns), rows)},
        columns_{columns},
        seed_{seed},
        p_(rows * R),
        q_(columns * R),
        residual_(rows * columns, 0.0f) {
    forget();
  }

  /// What has not been sent yet: [rows, columns].
  [[nodiscard]] std::span<float> residual() { return residual_; }
  /// The start of the next call: [columns, R], equal on all ranks.
  [[nodiscard]] std::span<float> basis() { return q_; }

 private:
  friend struct low_rank<R>;

  static void require_shape(std::size_t rows, std::size_t columns) {
    static_assert(R > 0);
    const auto shape = [=] { return std::to_string(rows) + " x " + std::to_string(columns); };
    if (R > rows || R > columns) {
      refuse("codec::low_rank: rank " + std::to_string(R) + " is more than a " + shape() +
             " matrix has; send it as it is");
    }
    if (rows > detail::most_values / columns) {
      refuse("codec::low_rank: no memory holds a matrix of " + shape());
    }
  }

  /// Nothing is owed; the next call starts from Gaussian columns.
  void forget() {
    std::fill(residual_.begin(), residual_.end(), 0.0f);
    for (std::size_t i = 0; i < q_.size(); ++i) {
      q_[i] = gaussian(seed_, i);
    }
  }

  /// Box-Muller on the counter's hash.
  [[nodiscard]] static float gaussian(std::uint64_t seed, std::size_t i) {
    const std::uint64_t hash = detail::mixed(detail::mixed(seed) ^ i);
    const double u = (static_cast<double>(hash >> 32) + 0.5) * 0x1p-32;
    const double angle = static_cast<double>(hash & 0xffffffffu) * (6.283185307179586 * 0x1p-32);
    return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(angle));
  }

  std::size_t rows_;
  std::size_t columns_;
  std::uint64_t seed_;
  std::vector<float> p_;  ///< [rows, R]
  std::vector<float> q_;  ///< [columns, R]
  std::vector<float> residual_;
};

/// A gradient matrix as a product of two thin ones: P Q^T of rank R. Both are found with linear
/// all-reduces, so any algorithm will do, and nothing is quantised (PowerSGD: Vogels et al. 2019,
/// arXiv:1905.13727). Per call R (rows + columns) floats travel instead of rows * columns.
///
///     low_rank_memory<4> memory{rows, columns};                    // one per matrix and rank
///     all_reduce(comm, gradient, op::average{}, low_rank{memory});
///
/// What P Q^T leaves of a rank's own matrix is sent with a later one. A value that is not finite
/// makes the result NaN on all ranks, and the memory starts anew.
template <std::size_t R>
struct low_rank {
  static constexpr policy kind = policy::codec;
  static constexpr bool is_linear = true;
  static constexpr bool needs_state = true;
  static constexpr bool carries_nan = true;

  low_rank_memory<R>* memory;

  explicit low_rank(low_rank_memory<R>& with) : memory{&with} {}

  /// What is missing to send `count` values.
  [[nodiscard]] std::string lacking(std::size_t count) const {
    const auto& m = *memory;
    return count == m.rows_ * m.columns_
               ? std::string{}
               : "codec::low_rank: got " + std::to_string(count) + " values; the matrix has " +
                     std::to_string(m.rows_) + " x " + std::to_string(m.columns_);
  }
  /// What must be equal on all ranks, besides R.
  [[nodiscard]] std::uint64_t parameters() const {
    return detail::mixed(detail::mixed(memory->seed_) ^ memory->rows_) ^ memory->columns_;
  }

  /// out = the low-rank sum of the ranks' matrices, [rows, columns], row by row, by `divisor`.
  /// `ranks.sum(span<float>)` must replace its argument by the sum over all ranks, on all alike.
  template <buffer In, writable_buffer Out, class Ranks>
  void all_reduce(const In& in, Out&& out, const Ranks& ranks, float divisor = 1) const {
    auto& m = *memory;
    const auto from = readable(in);
    const auto to = writable(out);
    if (const auto missing = lacking(from.size()); !missing.empty()) {
      refuse(missing);
    }
    for (std::size_t i = 0; i < from.size(); ++i) {
      m.residual_[i] += detail::value_at(from.data(), i);
    }
    orthogonalise(m.q_, m.columns_, [&m](std::size_t i) { return m.gaussian(m.seed_, i); });
    multiply_by_q();
    ranks.sum(std::span<float>{m.p_});
    orthogonalise(m.p_, m.rows_, [](std::size_t) { return 0.0f; });
    multiply_by_p();
    // This rank's own part is what it has sent: M - P (P^T M) stays. PyTorch's hook takes off the
    // average of all instead. The ranks' sum is the same, but what they disagree about would stay,
    // too, though it has arrived.
    reconstruct([&m](std::size_t i, float sent) { m.residual_[i] -= sent; });
    ranks.sum(std::span<float>{m.q_});
    using stored = typename detail::stored_as<element_of<Out>>::type;
    bool finite = true;
    reconstruct([&](std::size_t i, float value) {
      const auto scaled = static_cast<stored>(value / divisor);
      std::memcpy(static_cast<void*>(to.data() + i), &scaled, sizeof(scaled));
      finite = finite && is_finite(value);
    });
    if (!finite) {
      m.forget();
    }
  }

 private:
  /// Gram-Schmidt on the columns of a [rows, R] matrix, twice over for accuracy. A column that
  /// depends on those before it becomes `fresh`, by places of the matrix, and what that leaves, or
  /// zero; one that is not finite becomes NaN.
  template <class Fresh>
  static void orthogonalise(std::vector<float>& matrix, std::size_t rows, const Fresh& fresh) {
    for (std::size_t column = 0; column < R; ++column) {
      if (!normalise(matrix, rows, column)) {
        for (std::size_t i = 0; i < rows; ++i) {
          matrix[i * R + column] = fresh(i * R + column);
        }
        normalise(matrix, rows, column);
      }
    }
  }

  /// Makes a column orthogonal to those before it, and of length 1; false if nothing is left of it.
  static bool normalise(std::vector<float>& matrix, std::size_t rows, std::size_t column) {
    const auto dot = [&](std::size_t a, std::size_t b) {
      double sum = 0;
      for (std::size_t i = 0; i < rows; ++i) {
        sum += static_cast<double>(matrix[i * R + a]) * static_cast<double>(matrix[i * R + b]);
      }
      return sum;
    };
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
    const bool left = !is_finite(before) || !(norm <= 1e-6 * before || norm == 0);
    const double inverse = left ? 1 / norm : 0;  // 0 of an infinite one, which it makes NaN
    for (std::size_t i = 0; i < rows; ++i) {
      matrix[i * R + column] =
          static_cast<float>(static_cast<double>(matrix[i * R + column]) * inverse);
    }
    return left;
  }

  /// P = M Q.
  void multiply_by_q() const {
    vectorized([&m = *memory]() RONDO_INLINE_BODY {
      for (std::size_t row = 0; row < m.rows_; ++row) {
        float sums[R] = {};
        for (std::size_t column = 0; column < m.columns_; ++column) {
          for (std::size_t k = 0; k < R; ++k) {
            sums[k] += m.residual_[row * m.columns_ + column] * m.q_[column * R + k];
          }
        }
        std::copy_n(sums, R, m.p_.begin() + static_cast<std::ptrdiff_t>(row * R));
      }
    });
  }

  /// Q = M^T P.
  void multiply_by_p() const {
    auto& m = *memory;
    std::fill(m.q_.begin(), m.q_.end(), 0.0f);
    vectorized([&m]() RONDO_INLINE_BODY {
      for (std::size_t row = 0; row < m.rows_; ++row) {
        for (std::size_t column = 0; column < m.columns_; ++column) {
          for (std::size_t k = 0; k < R; ++k) {
            m.q_[column * R + k] += m.residual_[row * m.columns_ + column] * m.p_[row * R + k];
          }
        }
      }
    });
  }

  /// put(i, (P Q^T)[i]) for every place of the matrix.
  template <class Put>
  void reconstruct(const Put& put) const {
    vectorized([&m = std::as_const(*memory), &put]() RONDO_INLINE_BODY {
      for (std::size_t row = 0; row < m.rows_; ++row) {
        for (std::size_t column = 0; column < m.columns_; ++column) {
          float value = 0;
          for (std::size_t k = 0; k < R; ++k) {
            value += m.p_[row * R + k] * m.q_[column * R + k];
          }
          put(row * m.columns_ + column, value);
        }
      }
    });
  }
};

}  // namespace rondo::inline v0_1::codec
