// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// What planning a pipeline costs, and how near a forecast is to a run; each figure beside its
// target. One thread, but for the runs. Not a Google Benchmark program: the unit is a plan, not a
// call.

#include <rondo/pipeline.hpp>
#include <rondo/rondo.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

namespace pipeline = rondo::pipeline;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr pipeline::shape large{64, 512};
constexpr pipeline::costs profiled{18522, 18086, 9337, 601};

template <class Work>
double median_milliseconds(int rounds, const Work& work) {
  std::vector<double> taken;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = clock_type::now();
    work();
    taken.push_back(std::chrono::duration<double, std::milli>(clock_type::now() - begin).count());
  }
  std::nth_element(taken.begin(), taken.begin() + rounds / 2, taken.end());
  return taken[static_cast<std::size_t>(rounds / 2)];
}

void report(const char* what, double value, const char* unit, double target) {
  std::printf("%-58s %9.2f %-3s  target %7.2f  %s\n", what, value, unit, target,
              value <= target ? "met" : "MISSED");
  std::fflush(stdout);
}

/// Each action sleeps as long as it would compute, so that many ranks fit on few cores.
struct sleeping_stages {
  using buffer = std::vector<float>;
  std::chrono::microseconds forward_time{5000};
  std::chrono::microseconds backward_time{10000};

  buffer forward(const pipeline::site&, buffer x) const {
    std::this_thread::sleep_for(forward_time);
    x.resize(64);
    return x;
  }
  buffer backward(const pipeline::site&, buffer g) const {
    std::this_thread::sleep_for(backward_time);
    g.resize(64);
    return g;
  }
};

/// How far a run is from its forecast, in percent.
double run_error(int ranks) {
  const pipeline::plan plan = pipeline::one_f_one_b{}({ranks, ranks});
  const auto forecast = pipeline::simulate(plan, pipeline::costs{5000, 5000, 5000});
  const auto safe = pipeline::prove(plan, pipeline::channel::mailbox);
  std::vector<double> errors;
  rondo::threads::run(ranks, [&](auto& comm) {
    for (int round = 0; round < 5; ++round) {
      sleeping_stages stage;
      rondo::barrier(comm);
      const auto begin = clock_type::now();
      pipeline::run(comm, safe, stage);
      if (comm.rank() == 0) {
        const double taken =
            std::chrono::duration<double, std::micro>(clock_type::now() - begin).count();
        errors.push_back(100 * std::abs(taken / static_cast<double>(forecast.makespan) - 1));
      }
    }
  });
  std::nth_element(errors.begin(), errors.begin() + 2, errors.end());
  return errors[2];
}

}  // namespace

int main(int argc, char** argv) {
  const bool with_runs = argc < 2 || argv[1][0] != 'p';  // "plan": leave the runs out
  std::printf("stages 64, micro-batches 512; medians\n");
  const pipeline::plan plan = pipeline::zero_bubble_h2{}(large);
  std::printf("%zu actions\n", plan.actions());

  report("generate zero_bubble_h2",
         median_milliseconds(
             31, [] { static_cast<void>(pipeline::zero_bubble_h2{}(large).actions()); }),
         "ms", 1);
  report("simulate zero_bubble_h2",
         median_milliseconds(
             31, [&] { static_cast<void>(pipeline::simulate(plan, profiled).makespan); }),
         "ms", 3);
  const pipeline::channel channels[] = {
      pipeline::channel::mailbox, pipeline::channel::rendezvous, pipeline::channel::stream_per_rank,
      pipeline::channel::stream_per_peer, pipeline::channel::stream_per_direction};
  const pipeline::plan lowered = lower(plan);
  report(
      "prove zero_bubble_h2 for all channels",
      median_milliseconds(11,
                          [&] {
                            pipeline::check(lowered);
                            for (const auto carried : channels) {
                              static_cast<void>(pipeline::find_hang(lowered, carried).has_value());
                            }
                          }),
      "ms", 30);
  std::printf("%-58s %9.2f ms\n", "lower zero_bubble_h2 (no target)",
              median_milliseconds(11, [&] { static_cast<void>(lower(plan).actions()); }));
  const auto forecast = pipeline::simulate(plan, profiled);
  report("trace zero_bubble_h2",
         median_milliseconds(5, [&] { static_cast<void>(pipeline::to_trace(forecast).size()); }),
         "ms", 1000);
  report("  its size", static_cast<double>(pipeline::to_trace(forecast).size()) / 1e6, "MB", 25);

  for (const bool barrier : {true, false}) {
    for (const int limit : {64, 96, 128}) {
      pipeline::found_plan found;
      const double taken = median_milliseconds(5, [&] {
        found = pipeline::search(large, profiled, {.memory_limit = limit, .barrier = barrier});
      });
      char what[96];
      std::snprintf(what, sizeof what, "search, limit %d, %s clock (gap %.2f %%)", limit,
                    barrier ? "barrier" : "span", 100 * found.gap());
      report(what, taken, "ms", 100);
    }
    report(barrier ? "front of 17 limits, barrier clock" : "front of 17 limits, span clock",
           median_milliseconds(
               3,
               [&] {
                 static_cast<void>(
                     pipeline::search_front(large, profiled, {.barrier = barrier}).size());
               }),
           "ms", 1000);
  }
  for (const int ranks : {8, 16, 32, 64}) {
    if (with_runs) {
      char what[96];
      std::snprintf(what, sizeof what, "run of 5 ms stages beside its forecast, %d ranks", ranks);
      report(what, run_error(ranks), "%", 5);
    }
  }
}
