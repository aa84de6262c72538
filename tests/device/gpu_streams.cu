// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "gpu_ranks.hpp"

#include <cstddef>
#include <cstdint>

// Launches that follow one another from a graph, and launches that run at the same time.
namespace {

using namespace gpu_ranks;

/// Fresh inputs for every replay, made on the device.
__global__ void refill(float* const* in, std::size_t count, unsigned* call) {
  const std::size_t rank = blockIdx.y;
  for (std::size_t i = threadIdx.x; i < count; i += blockDim.x) {
    in[rank][i] = static_cast<float>((i * 7 + rank * 3 + *call * 5) % 13);
  }
}
__global__ void compare(const float* const* out, std::size_t count, unsigned* call,
                        unsigned long long* wrong) {
  for (std::size_t i = threadIdx.x; i < count; i += blockDim.x) {
    float sum = 0;
    for (unsigned rank = 0; rank < gridDim.y; ++rank) {
      sum += static_cast<float>((i * 7 + rank * 3 + *call * 5) % 13);
    }
    if (out[blockIdx.y][i] != sum) {
      atomicAdd(wrong, 1ull);
    }
  }
}
__global__ void next(unsigned* call) { ++*call; }

}  // namespace

TEST_CASE("gpu: ten thousand replays of a graph, with fresh data, across 2^31 and 2^32 steps") {
  constexpr int ranks = 4;
  for (const std::size_t count : {std::size_t{64}, std::size_t{20'000}}) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, patient({.slot_count = 8})};
    rondo::cuda::detail::epochs::set(together,
                                     (std::uint64_t{1} << (count == 64 ? 31 : 32)) - 5'000);
    rank_buffers<float> memory{ranks, count, count};
    shared_array<unsigned> call{1};
    shared_array<unsigned long long> wrong{1};
    memory.fill(1);
    call[0] = 0;
    wrong[0] = 0;
    const streams own{1};
    cudaStream_t const stream = own[0];
    rondo::cuda::require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "capture");
    refill<<<dim3{1, ranks}, 256, 0, stream>>>(const_cast<float* const*>(memory.get().in), count,
                                               call.data());
    together.launch({.blocks = 3, .stream = stream}, kernels::all_reduce<float>, memory.get(),
                    count);
    compare<<<dim3{1, ranks}, 256, 0, stream>>>(memory.get().out, count, call.data(), wrong.data());
    together.launch({.blocks = 8, .stream = stream}, kernels::all_reduce<float, two_shot>,
                    memory.get(), count, two_shot{});
    compare<<<dim3{1, ranks}, 256, 0, stream>>>(memory.get().out, count, call.data(), wrong.data());
    next<<<1, 1, 0, stream>>>(call.data());
    cudaGraph_t graph = nullptr;
    rondo::cuda::require(cudaStreamEndCapture(stream, &graph), "capture");
    cudaGraphExec_t program = nullptr;
    rondo::cuda::require(cudaGraphInstantiate(&program, graph, 0), "cudaGraphInstantiate");
    for (int replay = 0; replay < 10'000; ++replay) {
      rondo::cuda::require(cudaGraphLaunch(program, stream), "cudaGraphLaunch");
    }
    rondo::cuda::require(cudaStreamSynchronize(stream), "replays");
    together.check();
    INFO(count << " elements");
    REQUIRE(call[0] == 10'000);
    REQUIRE(wrong[0] == 0);
    static_cast<void>(cudaGraphExecDestroy(program));
    static_cast<void>(cudaGraphDestroy(graph));
  }
}

TEST_CASE("gpu: two streams at once, on two channels of one window") {
  constexpr int ranks = 2;
  constexpr std::size_t count = 30'000;
  rondo::cuda::virtual_ranks together{ranks, window_bytes,
                                      patient({.slot_count = 4, .channels = 2})};
  rank_buffers<float> first{ranks, count, count};
  rank_buffers<float> second{ranks, count, count};
  const streams at{2};
  for (unsigned call = 1; call < 50; ++call) {
    first.fill(call);
    second.fill(call + 1);
    finish();
    for (int again = 0; again < 20; ++again) {
      together.launch({.blocks = 4, .stream = at[0]}, kernels::all_reduce<float, two_shot>,
                      first.get(), count, two_shot{});
      together.launch({.blocks = 3, .stream = at[1], .channel = 1},
                      kernels::fused_all_reduce<float>, second.get(), count);
    }
    finish();
    together.check();
    REQUIRE(first.wrong([&](std::size_t, std::size_t i) { return sum_of(ranks, i, call); }) == 0);
    REQUIRE(second.wrong([&](std::size_t, std::size_t i) {
      return 2 * (sum_of(ranks, i, call + 1) + ranks);
    }) == 0);
  }
}

TEST_CASE("gpu: two windows in flight at once, each a group of its own on a stream of its own") {
  // Groups of different size, whose blocks fit the GPU together: the steps and the reports of one
  // are nothing to the other.
  constexpr std::size_t count = 30'000;
  struct group {
    explicit group(int ranks)
        : together{ranks, window_bytes, patient({.slot_count = 4})}, memory{ranks, count, count} {}
    rondo::cuda::virtual_ranks together;
    rank_buffers<float> memory;
  };
  const streams at{2};
  group pair{2};
  group four{4};
  rondo::cuda::detail::epochs::set(four.together, 1'000'000);
  for (unsigned call = 1; call < 50; ++call) {
    pair.memory.fill(call);
    four.memory.fill(call + 1);
    finish();
    for (int again = 0; again < 20; ++again) {
      pair.together.launch({.blocks = 4, .threads = 256, .stream = at[0]},
                           kernels::all_reduce<float, two_shot>, pair.memory.get(), count,
                           two_shot{});
      four.together.launch({.blocks = 3, .threads = 256, .stream = at[1]},
                           kernels::fused_all_reduce<float>, four.memory.get(), count);
    }
    finish();
    pair.together.check();
    four.together.check();
    REQUIRE(pair.memory.wrong([&](std::size_t, std::size_t i) { return sum_of(2, i, call); }) == 0);
    REQUIRE(four.memory.wrong(
                [&](std::size_t, std::size_t i) { return 2 * (sum_of(4, i, call + 1) + 4); }) == 0);
  }
}

TEST_CASE("gpu: a launch per rank, each on a stream of its own") {
  if (const auto why = one_kernel_at_a_time(); !why.empty()) {
    SKIP(why);
  }
  constexpr int ranks = 4;
  constexpr std::size_t count = 10'000;
  rondo::cuda::virtual_ranks together{ranks, window_bytes, patient({.slot_count = 2})};
  rank_buffers<float> memory{ranks, count, count};
  const streams at{ranks};
  // Loads the kernel, which could wait for the device while a rank spins.
  together.launch({.blocks = 1}, kernels::all_reduce<float, two_shot>, memory.get(), 0, two_shot{});
  finish();
  for (unsigned call = 1; call < 30; ++call) {
    memory.fill(call);
    finish();
    for (int rank = 0; rank < ranks; ++rank) {
      kernels::all_reduce<float, two_shot><<<2, 256, 0, at[static_cast<std::size_t>(rank)]>>>(
          together.rank(rank).handle(), memory.get(), count, two_shot{});
    }
    finish();
    together.check();
    REQUIRE(memory.wrong([&](std::size_t, std::size_t i) { return sum_of(ranks, i, call); }) == 0);
  }
}
