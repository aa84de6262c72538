// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::elastic {

/// Numbers that have more divisors than any smaller one (OEIS A002182), up to 720,720.
inline constexpr std::uint32_t highly_composite[] = {
    1,      2,      4,      6,      12,     24,     36,     48,    60,    120,
    180,    240,    360,    720,    840,    1260,   1680,   2520,  5040,  7560,
    10080,  15120,  20160,  25200,  27720,  45360,  50400,  55440, 83160, 110880,
    166320, 221760, 277200, 332640, 498960, 554400, 665280, 720720};

/// A batch that stays the same while ranks come and go.
struct batch_size {
  std::uint64_t samples = 0;
  std::vector<std::uint64_t> micro_batches{};  ///< those asked for, larger ones first
  std::vector<int> ranks{};                    ///< every allowed number of ranks, in order

  /// The largest micro-batch for so many ranks; each rank then makes
  /// samples / ranks / micro_batch(ranks) of them a step.
  /// Errors: a number of ranks that is not allowed, of which the nearest ones are named; a batch
  /// that was put together by hand, and has no such micro-batch.
  [[nodiscard]] std::uint64_t micro_batch(int of_ranks) const {
    if (ranks.empty()) {
      refuse("elastic: a batch of " + std::to_string(samples) +
             " allows no number of ranks; take one of find_batch_size");
    }
    const auto at = std::lower_bound(ranks.begin(), ranks.end(), of_ranks);
    if (at == ranks.end() || *at != of_ranks) {
      refuse("elastic: a batch of " + std::to_string(samples) + " does not part over " +
             std::to_string(of_ranks) + " ranks; the nearest numbers that are allowed are " +
             std::to_string(*(at == ranks.begin() ? at : at - 1)) + " and " +
             std::to_string(*(at == ranks.end() ? at - 1 : at)));
    }
    const std::uint64_t own = of_ranks > 0 ? samples / static_cast<std::uint64_t>(of_ranks) : 0;
    const auto parts = [&](std::uint64_t each) { return each != 0 && own != 0 && own % each == 0; };
    const auto micro = std::find_if(micro_batches.begin(), micro_batches.end(), parts);
    if (micro == micro_batches.end()) {
      refuse("elastic: none of the micro-batches parts " + std::to_string(own) +
             " samples of each of " + std::to_string(of_ranks) +
             " ranks; take a batch of find_batch_size");
    }
    return *micro;
  }
};

/// What `find_batch_size` is asked for.
struct batch_request {
  std::uint64_t most_samples = 0;
  std::vector<std::uint64_t> micro_batches{};  ///< sizes that a rank can compute at once
  int least_ranks = 1;
  int most_ranks = 1 << 20;
};

namespace detail {

/// Every number of ranks whose shares of `samples` are whole micro-batches of one of the sizes: the
/// divisors of so many micro-batches.
[[nodiscard]] inline std::vector<int> allowed_ranks(std::uint64_t samples,
                                                    const batch_request& asked) {
  std::vector<int> allowed;
  const auto most = static_cast<std::uint64_t>(asked.most_ranks > 0 ? asked.most_ranks : 0);
  const auto add = [&](std::uint64_t ranks) {
    if (ranks <= most && static_cast<int>(ranks) >= asked.least_ranks) {
      allowed.push_back(static_cast<int>(ranks));
    }
  };
  for (const std::uint64_t micro : asked.micro_batches) {
    const std::uint64_t pieces = samples % micro == 0 ? samples / micro : 0;
    for (std::uint64_t ranks = 1; ranks <= most && ranks <= pieces / ranks; ++ranks) {
      if (pieces % ranks == 0) {
        add(ranks);
        add(pieces / ranks);
      }
    }
  }
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  return allowed;
}

}  // namespace detail

/// The batch of at most `most_samples` that the most numbers of ranks can share, the largest such:
/// one of the micro-batches, or their least common multiple, times the largest highly composite
/// number that fits. A pure function, which schedulers and ranks may each ask.
/// Errors: no micro-batch, one of 0 or beyond `most_samples`, bounds in which no number of ranks is
/// allowed. Source: DeepSpeed, elasticity/elasticity.py (version 0.1); where the common multiple is
/// beyond `most_samples` it is not tried here.
[[nodiscard]] inline batch_size find_batch_size(const batch_request& asked) {
  std::vector<std::uint64_t> bases = asked.micro_batches;
  std::uint64_t common = 1;
  for (const std::uint64_t micro : asked.micro_batches) {
    if (micro == 0 || micro > asked.most_samples) {
      refuse("elastic: a micro-batch of " + std::to_string(micro) + " for batches of at most " +
             std::to_string(asked.most_samples) + "; expected 1 .. that");
    }
    const std::uint64_t factor = micro / std::gcd(common, micro);
    common = common > asked.most_samples / factor ? asked.most_samples + 1 : common * factor;
  }
  if (bases.empty() || asked.least_ranks < 1) {
    refuse("elastic: " + std::to_string(bases.size()) + " sizes of micro-batches for " +
           std::to_string(asked.least_ranks) + " ranks or more; give one and one at least");
  }
  bases.push_back(common);
  batch_size best;
  for (const std::uint64_t base : bases) {
    std::uint64_t samples = 0;
    for (const std::uint64_t factor : highly_composite) {
      samples = base <= asked.most_samples / factor ? base * factor : samples;
    }
    auto allowed = detail::allowed_ranks(samples, asked);
    if (allowed.size() > best.ranks.size() ||
        (allowed.size() == best.ranks.size() && samples > best.samples)) {
      best.samples = samples;
      best.ranks = std::move(allowed);
    }
  }
  if (best.ranks.empty()) {
    refuse("elastic: no batch of at most " + std::to_string(asked.most_samples) + " parts over " +
           std::to_string(asked.least_ranks) + " .. " + std::to_string(asked.most_ranks) +
           " ranks");
  }
  best.micro_batches = asked.micro_batches;
  std::sort(best.micro_batches.rbegin(), best.micro_batches.rend());
  return best;
}

}  // namespace rondo::inline v0_1::elastic
