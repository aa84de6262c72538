// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/rondo.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace bench {

/// Registers a benchmark in which every thread rank makes `Call(comm, in, out)` as often as asked;
/// its time is the slowest rank's. `in` and `out` have `elements(ranks, bytes)` values of T.
template <class T, class Call>
void on_ranks(const std::string& name, int ranks, std::size_t bytes, const Call& call) {
  const std::string full =
      name + "/ranks:" + std::to_string(ranks) + "/bytes:" + std::to_string(bytes);
  benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
    using clock = std::chrono::steady_clock;
    const std::size_t count = std::max<std::size_t>(bytes / sizeof(T), 1);
    while (state.KeepRunningBatch(state.max_iterations)) {
      std::vector<double> seconds(static_cast<std::size_t>(ranks));
      rondo::threads::run(ranks, [&](auto& comm) {
        std::vector<T> in(count);
        std::vector<T> out(count);
        call(comm, in, out);
        rondo::barrier(comm);
        const auto begin = clock::now();
        for (benchmark::IterationCount i = 0; i < state.max_iterations; ++i) {
          call(comm, in, out);
        }
        seconds[static_cast<std::size_t>(comm.rank())] =
            std::chrono::duration<double>(clock::now() - begin).count();
      });
      state.SetIterationTime(*std::max_element(seconds.begin(), seconds.end()));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(count * sizeof(T)));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
  })->UseManualTime();
}

}  // namespace bench
