// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/detail/mix.hpp>
#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <bit>
#include <cstdint>
#include <string>

namespace rondo::inline v0_1::elastic {

/// The order in which an epoch visits its samples: a permutation of 0 .. samples-1 that is a pure
/// function of seed and epoch, asked position by position, so that no rank keeps it or sends it.
///
/// A Feistel network over the next power of four, applied until it lands on a sample: fewer than
/// four times on average. Shuffled for training, not for secrets.
struct sample_order {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  std::uint64_t samples = 0;

  /// The sample at `position` < samples. Errors: a position that is none.
  [[nodiscard]] constexpr std::uint64_t operator()(std::uint64_t position) const {
    if (position >= samples) {
      refuse("elastic: position " + std::to_string(position) + " in an order of " +
             std::to_string(samples) + " samples");
    }
    do {
      position = exchanged(position);
    } while (position >= samples);
    return position;
  }

 private:
  [[nodiscard]] constexpr std::uint64_t exchanged(std::uint64_t position) const {
    using rondo::detail::mixed;
    const int half = (static_cast<int>(std::bit_width(samples - 1)) + 1) / 2;
    const std::uint64_t low = half == 0 ? 0 : ~std::uint64_t{0} >> (64 - half);
    const std::uint64_t key = mixed(mixed(seed) ^ epoch);
    std::uint64_t left = position >> half;
    std::uint64_t right = position & low;
    for (std::uint64_t round = 0; round < 6; ++round) {
      const std::uint64_t next = left ^ (mixed(key + (round << 32) + right) & low);
      left = right;
      right = next;
    }
    return left << half | right;
  }
};

}  // namespace rondo::inline v0_1::elastic
