// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What the same bits for any order cost: op::reproducible_sum against op::sum.
#include <rondo/rondo.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <random>
#include <vector>

namespace {

/// Values whose exponents differ by up to `spread`: with few, sums in double are exact; with many,
/// the integers must do it.
template <class T>
std::vector<T> values(std::size_t count, int spread, unsigned seed) {
  std::mt19937_64 random{seed};
  std::normal_distribution<T> normal;
  std::vector<T> made(count);
  for (T& value : made) {
    const auto exponent =
        spread == 0 ? 0 : static_cast<int>(random() % static_cast<unsigned>(spread));
    value = std::ldexp(normal(random), exponent - spread / 2);
  }
  return made;
}

/// One thread folds four buffers of 16384 elements, in cache.
template <class Operation, class T>
void fold_four(benchmark::State& state) {
  constexpr std::size_t count = 16384;
  std::vector<std::vector<T>> from;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    from.push_back(values<T>(count, static_cast<int>(state.range(0)), seed));
  }
  std::vector<T> out(count);
  rondo::protocol::one_thread alone;
  for (auto _ : state) {
    rondo::protocol::fold_each(
        alone, [&](int s) { return from[static_cast<std::size_t>(s)].data(); }, 4,
        [&](int) { return out.data(); }, 1, 0, count, rondo::reduction<Operation, T>{{}, 4});
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * 4 * static_cast<std::int64_t>(count));
}
BENCHMARK(fold_four<rondo::op::sum, float>)->Arg(0);
BENCHMARK(fold_four<rondo::op::reproducible_sum, float>)->Arg(0)->Arg(60);
BENCHMARK(fold_four<rondo::op::sum, double>)->Arg(0);
BENCHMARK(fold_four<rondo::op::reproducible_sum, double>)->Arg(0)->Arg(240);

/// A user folds local values one by one.
template <class T>
void fold_local(benchmark::State& state) {
  const auto from = values<T>(16384, static_cast<int>(state.range(0)), 1);
  for (auto _ : state) {
    rondo::reproducible<T> total;
    for (const T value : from) {
      total += value;
    }
    T sum = static_cast<T>(total);
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(from.size()));
}
BENCHMARK(fold_local<float>)->Arg(0)->Arg(60);
BENCHMARK(fold_local<double>)->Arg(0)->Arg(240);

/// Two thread ranks, all_reduce in place; the range is the bytes of each rank's buffer.
template <class Operation, class Algorithm>
void all_reduce(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0)) / sizeof(float);
  constexpr int rounds = 10;
  for (auto _ : state) {
    double seconds = 0;
    rondo::threads::run(2, [&](auto& comm) {
      const auto fresh = values<float>(count, 0, static_cast<unsigned>(comm.rank()));
      auto mine = fresh;
      rondo::all_reduce(comm, mine, Operation{}, Algorithm{});
      rondo::barrier(comm);
      const auto begin = std::chrono::steady_clock::now();
      for (int round = 0; round < rounds; ++round) {
        rondo::all_reduce(comm, fresh, mine, Operation{}, Algorithm{});
      }
      rondo::barrier(comm);
      if (comm.rank() == 0) {
        seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      }
    });
    state.SetIterationTime(seconds / rounds);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
#define RONDO_BENCH_SIZES ->Arg(4 << 10)->Arg(256 << 10)->Arg(16 << 20)->UseManualTime()
BENCHMARK(all_reduce<rondo::op::sum, rondo::automatic>) RONDO_BENCH_SIZES;
BENCHMARK(all_reduce<rondo::op::reproducible_sum, rondo::automatic>) RONDO_BENCH_SIZES;
BENCHMARK(all_reduce<rondo::op::sum, rondo::ring>) RONDO_BENCH_SIZES;
BENCHMARK(all_reduce<rondo::op::reproducible_sum, rondo::ring>) RONDO_BENCH_SIZES;

}  // namespace

BENCHMARK_MAIN();
