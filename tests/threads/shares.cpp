// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Ranks that share a processor do each other's shares of a collective.
#include "catch.hpp"

#include <rondo/rondo.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

constexpr int ranks = 8;
constexpr std::size_t each = 16;  // elements of a share: a cache line

/// Element i of every rank is the number of the share that it lies in.
std::vector<float> numbered() {
  std::vector<float> values(ranks * each);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i / each);
  }
  return values;
}

}  // namespace

TEST_CASE("shares: slow ones, done by others, are not taken for ranks that wait for each other") {
  std::atomic<int> done_for_others{0};
  std::atomic<int> processors{0};
  for (int round = 0; round < 3; ++round) {
    rondo::threads::run(ranks, [&](auto& comm) {
      const auto self = static_cast<float>(comm.rank());
      const auto expected = numbered();
      processors = comm.processors();
      for (int call = 0; call < 10; ++call) {
        auto values = numbered();
        // Which rank runs it is seen from what it captured.
        const auto same = [&, self](float a, float b) {
          if (a != self) {
            done_for_others.fetch_add(1, std::memory_order_relaxed);
            std::this_thread::sleep_for(std::chrono::microseconds{100});
          }
          return a == b ? a : -1.0f;
        };
        rondo::all_reduce(comm, values, same, rondo::two_shot{});
        if (values != expected) {
          throw std::runtime_error("wrong values");
        }
      }
    });
  }
  if (processors < ranks) {
    CHECK(done_for_others > 0);
  }
}

TEST_CASE("shares: every one is done once") {
  constexpr int calls = 50;
  std::atomic<int> folds{0};
  rondo::threads::run(ranks, [&](auto& comm) {
    for (int call = 0; call < calls; ++call) {
      auto values = numbered();
      rondo::all_reduce(
          comm, values,
          [&](float a, float b) {
            folds.fetch_add(1, std::memory_order_relaxed);
            return a + b;
          },
          rondo::two_shot{});
    }
  });
  CHECK(folds == calls * (ranks - 1) * ranks * static_cast<int>(each));
}
