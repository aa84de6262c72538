// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/finite.hpp>
#include <rondo/version.hpp>

#include <string>

namespace rondo::inline v0_1::elastic {

/// What gradients of a batch say about a larger one. `scale` is how many times the first batch.
/// Estimates may come out negative; they then count as next to nothing.
/// Source: Johnson et al., AdaScale SGD (2020), arXiv:2007.05105, section 3; floors as in AdaptDL.
struct gradient_noise {
  double variance = 0;      ///< trace of the covariance of the first batch's gradient
  double squared_norm = 0;  ///< of the true gradient

  /// How many steps of the first batch one step of `scale` times as much is worth, which is also
  /// what to multiply the learning rate by: between 1 (all signal) and `scale` (all noise).
  ///
  ///     (variance + squared_norm) / (variance / scale + squared_norm)
  [[nodiscard]] constexpr double gain(double scale) const {
    if (!(scale > 0 && is_finite(scale) && is_finite(variance) && is_finite(squared_norm))) {
      refuse("elastic: gain at scale " + std::to_string(scale) + " of variance " +
             std::to_string(variance) + " and squared norm " + std::to_string(squared_norm) +
             "; the scale is to be positive, all to be finite");
    }
    const double noise = variance > 1e-6 ? variance : 1e-6;
    const double signal = squared_norm > 0 ? squared_norm : 0;
    return (noise + signal) / (noise / scale + signal);
  }

  /// Progress of a sample, against one in the first batch.
  [[nodiscard]] constexpr double efficiency(double scale) const { return gain(scale) / scale; }

  /// From `count` gradients of equal batches, which together are `scale` times the first batch: the
  /// mean of their squared norms, and the squared norm of their mean. Errors: fewer than two.
  [[nodiscard]] static constexpr gradient_noise estimate(int count, double scale,
                                                         double mean_of_squares,
                                                         double square_of_mean) {
    if (count < 2) {
      refuse("elastic: noise of " + std::to_string(count) + " gradients; two at least differ");
    }
    return {(mean_of_squares - square_of_mean) * scale / (count - 1),
            (count * square_of_mean - mean_of_squares) / (count - 1)};
  }
  friend constexpr bool operator==(const gradient_noise&, const gradient_noise&) = default;
};

}  // namespace rondo::inline v0_1::elastic
