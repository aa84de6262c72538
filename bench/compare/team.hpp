// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "measure.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace bench {

/// Threads that meet to compare clocks, with a barrier that belongs to no library under test.
class team {
 public:
  explicit team(int size) : size_{size}, seconds_(static_cast<std::size_t>(size)) {}

  /// One thread's view, as `measure` wants it.
  class member {
   public:
    member(team& all, int rank) : all_{all}, rank_{rank} {}
    double slowest(double mine) {
      all_.seconds_[static_cast<std::size_t>(rank_)] = mine;
      all_.meet();
      const double most = *std::max_element(all_.seconds_.begin(), all_.seconds_.end());
      all_.meet();
      return most;
    }

   private:
    team& all_;
    int rank_;
  };

  void meet() {
    const int round = round_.load();
    if (arrived_.fetch_add(1) + 1 == size_) {
      arrived_.store(0);
      round_.store(round + 1);
      return;
    }
    for (int looks = 0; round_.load() == round; ++looks) {
      if (looks > 200) {
        sched_yield();
      }
    }
  }

  /// `body(member, rank)` on a thread of its own for each of `with.ranks` ranks, pinned.
  template <class Body>
  static void run(const options& with, const Body& body) {
    team all{with.ranks};
    std::vector<std::thread> threads;
    for (int rank = 0; rank < with.ranks; ++rank) {
      threads.emplace_back([&, rank] {
        with.settle(rank);
        member here{all, rank};
        body(here, rank);
      });
    }
    for (auto& one : threads) {
      one.join();
    }
  }

 private:
  int size_;
  std::vector<double> seconds_;
  std::atomic<int> arrived_{0};
  std::atomic<int> round_{0};
};

}  // namespace bench
