// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>
#include <thread>

/// Memory of all ranks, threads or processes, through which they gather bytes.
struct board {
  static constexpr int most_ranks = 16;
  static constexpr std::size_t most_bytes = 256;  ///< of one rank

  int ranks;
  std::atomic<int> arrived{0};
  std::atomic<int> phase{0};
  std::atomic<bool> failed{false};  ///< some rank has, and the others do not wait for it
  std::byte bytes[most_ranks * most_bytes];

  explicit board(int number) : ranks{number} {}

  /// Errors: a rank has failed, or does not come.
  void meet() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    const int now = phase.load();
    if (arrived.fetch_add(1) + 1 == ranks) {
      arrived = 0;
      phase = now + 1;
    }
    while (phase.load() == now) {
      if (failed) {
        throw std::runtime_error{"a rank has failed"};
      }
      if (std::chrono::steady_clock::now() >= end) {
        throw std::runtime_error{"a rank has not come in 30 s"};
      }
      std::this_thread::yield();
    }
  }
  /// Gathers the bytes of all ranks, as windows and descriptors want it.
  [[nodiscard]] auto exchange(int rank) {
    return [this, rank](std::span<const std::byte> mine, std::span<std::byte> all) {
      std::memcpy(bytes + static_cast<std::size_t>(rank) * mine.size(), mine.data(), mine.size());
      meet();
      std::memcpy(all.data(), bytes, all.size());
      meet();
    };
  }
};
