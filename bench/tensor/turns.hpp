// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/barrier.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

/// How variants are compared.
namespace bench {

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Milliseconds of variants that take turns. Every round begins with the next one, and goes the
/// other way round after as many rounds as there are variants, so that all find what all others
/// leave in the caches.
class turns {
 public:
  explicit turns(std::size_t variants) : times_(variants) {}

  /// All ranks call it, with the same variants; round 0 and 1 only warm up. `times` of each.
  template <class Comm, class... Variants>
  void round(Comm& comm, int number, int times, const Variants&... variants) {
    const auto one = [&](std::size_t which, const auto& act) {
      rondo::barrier(comm);
      const auto begun = std::chrono::steady_clock::now();
      for (int i = 0; i < times; ++i) {
        act();
      }
      rondo::barrier(comm);
      const std::chrono::duration<double, std::milli> taken =
          std::chrono::steady_clock::now() - begun;
      if (number > 1 && comm.rank() == 0) {
        times_[which].push_back(taken.count() / times);
      }
    };
    constexpr std::size_t all = sizeof...(variants);
    const auto rounds = static_cast<std::size_t>(number);
    for (std::size_t step = 0; step < all; ++step) {
      const std::size_t forward = (rounds + step) % all;
      const std::size_t next = rounds / all % 2 == 0 ? forward : all - 1 - forward;
      std::size_t which = 0;
      ((next == which ? one(which, variants) : void(), ++which), ...);
    }
  }

  [[nodiscard]] double milliseconds(std::size_t which) const { return median(times_[which]); }
  /// The median over the rounds of one variant's time over another's of the same round.
  [[nodiscard]] double ratio(std::size_t which, std::size_t over) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < times_[which].size(); ++i) {
      ratios.push_back(times_[which][i] / times_[over][i]);
    }
    return median(ratios);
  }

 private:
  std::vector<std::vector<double>> times_;
};

}  // namespace bench
