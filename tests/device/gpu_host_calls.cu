// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "gpu_ranks.hpp"

#include <cstddef>
#include <vector>

// Calls of the host over a window.
namespace {

using namespace gpu_ranks;

}  // namespace

TEST_CASE("gpu: calls of the host over a window, each rank on a stream of its own") {
  if (const auto why = one_kernel_at_a_time(); !why.empty()) {
    SKIP(why);
  }
  for (const int ranks : {1, 2, 4}) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, patient({.slot_count = 16})};
    const auto n = static_cast<std::size_t>(ranks);
    const streams at{n};
    unsigned call = 0;
    const auto run = [&](std::size_t in, std::size_t out, const auto& expected, const auto& make) {
      rank_buffers<float> memory{ranks, in, out};
      for (int again = 0; again < 3; ++again) {
        memory.fill(++call);
        finish();
        for (std::size_t rank = 0; rank < n; ++rank) {
          make(together.rank(static_cast<int>(rank)), on{at[rank]}, memory.in(rank),
               memory.out(rank));
        }
        finish();
        together.check();
        INFO(ranks << " ranks, " << in << " elements");
        REQUIRE(memory.wrong(expected) == 0);
      }
    };
    const auto sum = [&](std::size_t, std::size_t i) { return sum_of(n, i, call); };
    const auto value = [&](std::size_t rank, std::size_t i) {
      return rank_buffers<float>::value(rank, i, call);
    };
    for (const std::size_t count : sizes) {
      run(count, count, sum,
          [](auto& comm, on stream, auto in, auto out) { all_reduce(comm, in, out, stream); });
      run(count, count, sum, [](auto& comm, on stream, auto in, auto out) {
        all_reduce(comm, in, out, stream, two_shot{}, codec::cast<bfloat16>{});
      });
      run(count, count, sum, [](auto& comm, on stream, auto in, auto out) {
        all_reduce(comm, in, out, stream, ring{}, op::sum{});
      });
      run(
          n * count, count,
          [&](std::size_t rank, std::size_t i) { return sum_of(n, rank * count + i, call); },
          [](auto& comm, on stream, auto in, auto out) { reduce_scatter(comm, in, out, stream); });
      run(
          count, n * count, [&](std::size_t, std::size_t i) { return value(i / count, i % count); },
          [](auto& comm, on stream, auto in, auto out) { all_gather(comm, in, out, stream); });
      run(
          n * count, n * count,
          [&](std::size_t rank, std::size_t i) {
            return value(i / count, rank * count + i % count);
          },
          [](auto& comm, on stream, auto in, auto out) {
            all_to_all(comm, in, out, stream);
            barrier(comm, stream);
          });
    }
  }
}

TEST_CASE("gpu: calls of the host replay from a graph, and take a channel for each stream") {
  constexpr std::size_t count = 20'000;
  rondo::cuda::virtual_ranks alone{1, window_bytes, patient({.slot_count = 16, .channels = 2})};
  rank_buffers<float> memory{1, count, count};
  const streams at{2};
  const auto in = memory.in(0);
  const auto out = memory.out(0);
  const auto call = [&](cudaStream_t stream) {
    all_reduce(alone.rank(0), in, out, codec::cast<bfloat16>{}, on{stream});
    all_reduce(alone.rank(0), out, on{stream});
  };
  call(at[0]);
  call(at[1]);
  finish();
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t program = nullptr;
  rondo::cuda::require(cudaStreamBeginCapture(at[0], cudaStreamCaptureModeThreadLocal), "capture");
  call(at[0]);
  rondo::cuda::require(cudaStreamEndCapture(at[0], &graph), "capture");
  rondo::cuda::require(cudaGraphInstantiate(&program, graph, 0), "cudaGraphInstantiate");
  for (unsigned replay = 1; replay <= 200; ++replay) {
    memory.fill(replay);
    finish();
    rondo::cuda::require(cudaGraphLaunch(program, at[0]), "cudaGraphLaunch");
    finish();
    alone.check();
    REQUIRE(memory.wrong([&](std::size_t, std::size_t i) { return sum_of(1, i, replay); }) == 0);
  }
  static_cast<void>(cudaGraphExecDestroy(program));
  static_cast<void>(cudaGraphDestroy(graph));
  bool refused = false;
  try {
    call(nullptr);
  } catch (const error&) {
    refused = true;  // a third stream
  }
  CHECK(refused);
}
