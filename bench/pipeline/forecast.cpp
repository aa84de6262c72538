// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// How near a run comes to its forecast: schedules x message sizes, on 8 thread ranks, each action 5
// ms. The forecast is told what this machine says of a sleep and of a message, nothing else. Not a
// Google Benchmark program: the unit is a run of many threads, not a call.
//
//     forecast [rounds]

#include <rondo/pipeline.hpp>
#include <rondo/rondo.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

namespace pipeline = rondo::pipeline;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr pipeline::shape asked{8, 16};
constexpr std::chrono::microseconds action_time{5000};

double microseconds_since(clock_type::time_point begin) {
  return std::chrono::duration<double, std::micro>(clock_type::now() - begin).count();
}

/// Sleeps as long as each action would compute, so that many ranks fit on few cores, and hands on
/// messages of one size.
struct sleeping_stages {
  using buffer = std::vector<std::byte>;
  std::size_t bytes = 0;
  std::chrono::microseconds nap =
      action_time;  ///< the sleep that takes `action_time` in the median

  void work() { std::this_thread::sleep_for(nap); }
  buffer forward(const pipeline::site&, buffer x) {
    work();
    x.resize(bytes);
    return x;
  }
  buffer backward_input(const pipeline::site&, buffer g) {
    work();
    g.resize(bytes);
    return g;
  }
  void backward_weight(const pipeline::site&) { work(); }
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// A sleep that takes `action_time` in the median, with as many threads that sleep.
std::chrono::microseconds calibrated_nap() {
  constexpr std::size_t times = 64;
  std::vector<double> taken(times * static_cast<std::size_t>(asked.stages));
  rondo::threads::run(asked.stages, [&](auto& comm) {
    sleeping_stages stage;
    for (std::size_t i = 0; i < times; ++i) {
      const auto begin = clock_type::now();
      stage.work();
      taken[i + times * static_cast<std::size_t>(comm.rank())] = microseconds_since(begin);
    }
  });
  const double over = median(taken) - static_cast<double>(action_time.count());
  std::printf("a sleep of 5 ms takes %.0f us more; the stages sleep that much less\n", over);
  return action_time - std::chrono::microseconds{static_cast<long>(over)};
}

/// Half of what a message takes there and back: the hop of the forecast.
pipeline::ticks measured_hop(std::size_t bytes) {
  std::vector<double> taken;
  rondo::threads::run(2, [&](auto& comm) {
    std::vector<std::byte> values(bytes);
    const int other = 1 - comm.rank();
    for (int i = 0; i < 200; ++i) {
      const auto begin = clock_type::now();
      for (int turn = 0; turn < 2; ++turn) {
        if (turn == comm.rank()) {
          rondo::send(comm, values, rondo::to{other});
        } else {
          rondo::receive(comm, values, rondo::from{other});
        }
      }
      if (comm.rank() == 0) {
        taken.push_back(microseconds_since(begin) / 2);
      }
    }
  });
  return static_cast<pipeline::ticks>(median(taken));
}

/// How much longer than its forecast a run takes, in percent; the median of some.
double excess_percent(const pipeline::plan& plan, pipeline::channel carried,
                      const sleeping_stages& stages, pipeline::ticks hop, int rounds) {
  const pipeline::costs costs{5000, 5000, 5000, hop};
  const auto forecast = pipeline::simulate(plan, costs);
  const auto safe = pipeline::prove(plan, carried, costs);
  std::vector<double> excess;
  rondo::threads::run(asked.stages, [&](auto& comm) {
    for (int round = 0; round < rounds; ++round) {
      sleeping_stages stage = stages;
      rondo::barrier(comm);
      const auto begin = clock_type::now();
      pipeline::run(comm, safe, stage);
      if (comm.rank() == 0) {
        excess.push_back(100 *
                         (microseconds_since(begin) / static_cast<double>(forecast.makespan) - 1));
      }
    }
  });
  return median(excess);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 3;
  struct entry {
    std::string_view name;
    pipeline::plan plan;
  };
  const entry entries[] = {
      {"gpipe", pipeline::gpipe{}(asked)},
      {"one_f_one_b", pipeline::one_f_one_b{}(asked)},
      {"interleaved_one_f_one_b", pipeline::interleaved_one_f_one_b{}(asked)},
      {"breadth_first", pipeline::breadth_first{}(asked)},
      {"zero_bubble_h1", pipeline::zero_bubble_h1{}(asked)},
      {"zero_bubble_h2", pipeline::zero_bubble_h2{}(asked)},
      {"interleaved_zero_bubble", pipeline::interleaved_zero_bubble{}(asked)},
      {"zero_bubble_v", pipeline::zero_bubble_v{}(asked)},
      {"v_half", pipeline::v_half{}(asked)},
      {"dual_pipe", pipeline::dual_pipe{}(asked)},
      {"dual_pipe_v", pipeline::dual_pipe_v{}(asked)},
  };
  constexpr std::size_t sizes[] = {256, 64 << 10, 1 << 20};
  std::printf("run beside forecast, %% longer; 8 ranks, 16 micro-batches, 5 ms actions\n");
  const auto nap = calibrated_nap();
  std::vector<pipeline::ticks> hops;
  for (const std::size_t bytes : sizes) {
    hops.push_back(measured_hop(bytes));
    std::printf("a message of %zu bytes takes %lld us\n", bytes,
                static_cast<long long>(hops.back()));
  }
  std::printf("%-24s %8s %8s %8s   %8s %8s %8s\n", "", "mailbox:", "", "", "rendezv.:", "", "");
  std::printf("%-24s %8s %8s %8s   %8s %8s %8s\n", "schedule", "256 B", "64 KiB", "1 MiB", "256 B",
              "64 KiB", "1 MiB");
  for (const entry& each : entries) {
    std::printf("%-24s", each.name.data());
    for (const auto carried : {pipeline::channel::mailbox, pipeline::channel::rendezvous}) {
      for (std::size_t i = 0; i < std::size(sizes); ++i) {
        std::printf(" %8.1f", excess_percent(each.plan, carried, {sizes[i], nap}, hops[i], rounds));
        std::fflush(stdout);
      }
      std::printf(carried == pipeline::channel::mailbox ? "  " : "\n");
    }
  }
}
