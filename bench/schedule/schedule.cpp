// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What it costs to generate, prove and simulate schedules.
#include <benchmark/benchmark.h>

#include <rondo/schedule.hpp>

#include <cstddef>

namespace {

namespace schedule = rondo::schedule;

constexpr schedule::network flat{
    .latency = 5e-6, .bytes_per_second = 25e9, .fold_bytes_per_second = 100e9};
constexpr schedule::network nodes{.latency = 5e-6,
                                  .bytes_per_second = 25e9,
                                  .fold_bytes_per_second = 100e9,
                                  .ranks_per_node = 8,
                                  .inner_latency = 1e-6,
                                  .inner_bytes_per_second = 200e9};
constexpr std::size_t bytes = 1u << 30;

template <class Algorithm>
void row(benchmark::State& state, Algorithm algorithm) {
  const auto size = static_cast<int>(state.range(0));
  const auto one = schedule::all_reduce(algorithm, size);
  std::size_t steps = 0;
  for (auto _ : state) {
    const auto made = one.row(size / 2);
    steps = made.steps.size();
    benchmark::DoNotOptimize(made.steps.data());
  }
  state.counters["steps"] = static_cast<double>(steps);
}

template <class Algorithm>
void proof(benchmark::State& state, Algorithm algorithm) {
  const auto one = schedule::all_reduce(algorithm, static_cast<int>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(schedule::prove(one));
  }
}

template <class Algorithm>
void simulation(benchmark::State& state, Algorithm algorithm, const schedule::network& on) {
  const auto one = schedule::all_reduce(algorithm, static_cast<int>(state.range(0)));
  double seconds = 0;
  for (auto _ : state) {
    seconds = schedule::simulate(one, on, bytes);
    benchmark::DoNotOptimize(seconds);
  }
  state.counters["predicted_s"] = seconds;
}

BENCHMARK_CAPTURE(row, ring, rondo::ring{})->Arg(8)->Arg(1024);
BENCHMARK_CAPTURE(row, tree, rondo::tree{})->Arg(8)->Arg(1024);
BENCHMARK_CAPTURE(row, halving_doubling, rondo::halving_doubling{})->Arg(8)->Arg(1024);
BENCHMARK_CAPTURE(row, two_shot, rondo::two_shot{})->Arg(8)->Arg(1024);
BENCHMARK_CAPTURE(proof, ring, rondo::ring{})->Arg(8)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(proof, one_shot, rondo::one_shot{})
    ->Arg(8)
    ->Arg(64)
    ->Unit(benchmark::kMillisecond);

constexpr int many = 100000;
constexpr rondo::hierarchical rings{rondo::ring{}, rondo::ring{}, 8};
constexpr rondo::hierarchical ring_of_trees{rondo::ring{}, rondo::tree{}, 8};
BENCHMARK_CAPTURE(simulation, ring, rondo::ring{}, flat)->Arg(many)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulation, tree, rondo::tree{}, flat)->Arg(many)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulation, halving_doubling, rondo::halving_doubling{}, flat)
    ->Arg(many)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulation, ring_on_nodes, rondo::ring{}, nodes)
    ->Arg(many)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulation, tree_on_nodes, rondo::tree{}, nodes)
    ->Arg(many)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulation, halving_doubling_on_nodes, rondo::halving_doubling{}, nodes)
    ->Arg(many)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulation, hierarchical_rings_on_nodes, rings, nodes)
    ->Arg(many)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulation, hierarchical_ring_and_trees_on_nodes, ring_of_trees, nodes)
    ->Arg(many)
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
