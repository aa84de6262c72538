// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/elastic/gradient_noise.hpp>
#include <rondo/version.hpp>

#include <cmath>
#include <string>

namespace rondo::inline v0_1::elastic {

/// What a step takes: computing and communicating, which overlap more the larger `overlap` is. At 1
/// one follows the other; at infinity the longer hides the shorter.
struct step_time {
  double compute = 0;  ///< seconds
  double network = 0;  ///< seconds
  double overlap = 1;

  /// (compute^overlap + network^overlap)^(1/overlap).
  [[nodiscard]] double seconds() const {
    if (!(compute >= 0 && network >= 0 && compute + network > 0 && overlap >= 1) ||
        std::isinf(compute + network)) {
      refuse("elastic: a step of " + std::to_string(compute) + " s and " + std::to_string(network) +
             " s with overlap " + std::to_string(overlap) +
             "; expected times of which one is not 0, and an overlap of 1 or more");
    }
    const double longer = larger(compute, network);
    return longer *
           std::pow(1 + std::pow(smaller(compute, network) / longer, overlap), 1 / overlap);
  }
};

/// Samples a second, each counted by its progress against one in the first batch: what to compare
/// numbers of ranks and batches by.
/// Source: Qiao et al., Pollux (2021), arXiv:2008.12260, sections 3.1 and 3.2.
[[nodiscard]] inline double goodput(const gradient_noise& noise, const step_time& step,
                                    double batch, double first_batch) {
  return batch / step.seconds() * noise.efficiency(batch / first_batch);
}

}  // namespace rondo::inline v0_1::elastic
