// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/data/chacha20.hpp>
#include <rondo/data/fixed_point.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

/// Clients with parameters and samples of their own, averaged by plain loops.
namespace clients {

using all = std::vector<std::vector<float>>;

[[nodiscard]] inline float number(std::size_t client, std::size_t i) {
  const auto mixed =
      static_cast<std::uint32_t>(client * 2654435761U + i * 40503U + 12345U) * 2246822519U;
  return static_cast<float>(static_cast<int>(mixed >> 8) - (1 << 23)) / (1 << 21);  // in +-4
}

[[nodiscard]] inline all of(int ranks, std::size_t count) {
  all made(static_cast<std::size_t>(ranks), std::vector<float>(count));
  for (std::size_t client = 0; client < made.size(); ++client) {
    for (std::size_t i = 0; i < count; ++i) {
      made[client][i] = number(client, i);
    }
  }
  return made;
}

/// Of rank r: 0, 7, 14, .. samples, but for one rank alone.
[[nodiscard]] inline std::uint64_t samples(int rank, int ranks) {
  return ranks == 1 ? 3 : static_cast<std::uint64_t>(rank) * 7;
}

/// sum n_k w_k / sum n_k, in double, in the order of clients.
[[nodiscard]] inline std::vector<float> averaged(const all& from) {
  const int ranks = static_cast<int>(from.size());
  std::vector<float> result(from[0].size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    double sum = 0, total = 0;
    for (int client = 0; client < ranks; ++client) {
      const auto n = static_cast<double>(samples(client, ranks));
      sum += n * static_cast<double>(from[static_cast<std::size_t>(client)][i]);
      total += n;
    }
    result[i] = static_cast<float>(sum / total);
  }
  return result;
}

/// A key that two clients share, the same from both sides; a test's only, as anyone can compute it.
[[nodiscard]] constexpr rondo::data::chacha20_key key_of_pair(int one, int other) {
  const auto low = static_cast<std::uint32_t>(std::min(one, other));
  const auto high = static_cast<std::uint32_t>(std::max(one, other));
  return {low, high, 1, 2, 3, 4, 5, 6};
}

/// The mean of what the grid makes of the clients' numbers, by 64-bit sums without any mask.
[[nodiscard]] inline std::vector<float> averaged_on_grid(const all& from,
                                                         const std::vector<std::uint64_t>& weights,
                                                         rondo::data::fixed_point grid = {}) {
  std::vector<float> result(from[0].size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    std::uint64_t sum = 0, total = 0;
    for (std::size_t client = 0; client < from.size(); ++client) {
      const double clipped =
          std::clamp(static_cast<double>(from[client][i]), -grid.clip, grid.clip);
      const double level = (clipped + grid.clip) / (2 * grid.clip) * grid.largest;
      sum += weights[client] * static_cast<std::uint64_t>(level + 0.5);
      total += weights[client];
    }
    result[i] = static_cast<float>(static_cast<double>(sum) / static_cast<double>(total) /
                                       grid.largest * (2 * grid.clip) -
                                   grid.clip);
  }
  return result;
}

}  // namespace clients
