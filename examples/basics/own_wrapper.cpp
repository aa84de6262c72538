// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// A wrapper around a communicator: it counts and times the collectives that a rank makes, by the
// line that makes them. testing/recording.hpp has a finished one, which notes what was called.
#include <rondo/core/call.hpp>
#include <rondo/rondo.hpp>
#include <rondo/testing/forwarding.hpp>

#include <chrono>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// begin: own_wrapper
/// What the calls of one line cost one rank.
struct cost {
  int calls = 0;
  std::chrono::duration<double> time{};  ///< in the calls, waits for other ranks included
};

/// Counts and times the collectives of one rank. Everything else goes to the inner communicator.
template <class Comm>
class timing : public rondo::testing::forwarding<Comm> {
 public:
  using rondo::testing::forwarding<Comm>::forwarding;

  /// By `all_reduce(1000 x float, sum, automatic) at train.cpp:40`. Asynchronous calls must have
  /// ended: they write their time when they do.
  [[nodiscard]] const std::map<std::string, cost>& costs() const { return costs_; }

  template <class Job>
  void collective(const rondo::call& made, const Job& job) {
    this->inner().collective(made, timed(made, job));
  }
  template <class Job>  // what async{} goes through
  [[nodiscard]] auto begin_collective(const rondo::call& made,
                                      Job job) requires rondo::begins_calls<Comm> {
    return this->inner().begin_collective(made, timed(made, std::move(job)));
  }

 private:
  /// The job, with a watch around it. It runs in its turn, with async{} on another thread; calls of
  /// one communicator run one after another, so `time` needs no lock.
  template <class Job>
  [[nodiscard]] auto timed(const rondo::call& made, Job job) {
    cost& of_line = costs_[made.describe()];  // stays where it is: this is a map
    ++of_line.calls;
    return [&of_line, job = std::move(job)](auto& turn) {
      const auto begun = std::chrono::steady_clock::now();
      job(turn);
      of_line.time += std::chrono::steady_clock::now() - begun;
    };
  }

  std::map<std::string, cost> costs_;
};

// Nothing is deduced from inherited constructors in C++20.
template <class Comm>
timing(Comm&) -> timing<Comm>;
// end: own_wrapper

int main() {
  rondo::threads::run(2, [](auto& comm) {
    std::vector<float> gradient(1000, 1.0F);
    std::vector<float> loss(1, 1.0F);
    // begin: use
    timing watched{comm};
    for (int step = 0; step < 3; ++step) {
      auto pending = rondo::all_reduce(watched, gradient, rondo::async{});
      rondo::all_reduce(watched, loss);  // behind it
      pending.wait();
    }
    if (watched.rank() == 0) {
      for (const auto& [line, spent] : watched.costs()) {
        std::printf("%s: %d calls, %.1f us\n", line.c_str(), spent.calls, spent.time.count() * 1e6);
      }
    }
    // end: use
    if (gradient[999] != 8 || loss[0] != 8 || watched.costs().size() != 2) {
      throw std::logic_error("not two lines, or not their sums");
    }
    for (const auto& [line, spent] : watched.costs()) {
      if (spent.calls != 3 || spent.time.count() <= 0 ||
          line.find("own_wrapper.cpp:") == line.npos) {
        throw std::logic_error(line + ": not three calls that took time");
      }
    }
  });
}
