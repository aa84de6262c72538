// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "gpu_ranks.hpp"

#include <chrono>
#include <cstddef>
#include <cstring>

// Ranks that are held up, and ranks that do not come.
namespace {

using namespace gpu_ranks;

/// Calls of all kinds, with threads held up at random before, in and behind them.
__global__ void __launch_bounds__(256, 1)
    stalled(device::window w, int rounds, unsigned seed, unsigned long long* wrong) {
  const auto block = cooperative_groups::this_thread_block();
  unsigned noise = seed + 977u * blockIdx.x + 7919u * blockIdx.y + threadIdx.x / 32;
  const auto stall = [&] {
    noise = noise * 1664525u + 1013904223u;
    if (noise >> 29 == 0) {
      __nanosleep(noise >> 16 & 4095u);
    }
  };
  for (int round = 0; round < rounds; ++round) {
    const auto value = [&](std::size_t i) {
      stall();
      return static_cast<float>(w.rank() + round % 64) + static_cast<float>(i % 64);
    };
    const auto expect = [&](std::size_t i, float got) {
      stall();
      const int n = w.size();
      const float sum = static_cast<float>(n * (n - 1) / 2 + n * (round % 64)) +
                        static_cast<float>(n) * static_cast<float>(i % 64);
      if (got != sum) {
        atomicAdd(wrong, 1ull);
      }
    };
    device::all_reduce(block, w, 777, rondo::one_shot{}, value, expect);
    device::all_reduce(block, w, 9000, rondo::two_shot{}, value, expect);
    device::all_reduce(block, w, 5000, device::two_shot_pull{}, value, expect);
    const rondo::part mine = device::share_of<float>(w, 9000);
    for (std::size_t i = block.thread_rank(); i < mine.count; i += block.size()) {
      w.heap<float>()[mine.first + i] = value(mine.first + i);
    }
    device::all_reduce(block, w, rondo::device_span<const float>{w.heap<float>(), 9000},
                       rondo::two_shot{}, expect);
    device::all_reduce(block, w, 3000, rondo::ring{}, value, expect);
    device::all_reduce(block, w, 5000, device::two_shot_pull{}, value, expect);
    device::all_reduce(block, w, 3000, rondo::ring{}, value, expect);
    device::all_reduce(block, w, 1, device::packets{}, value, expect);
  }
}

/// Rank `missing` does not come.
__global__ void incomplete(device::window w, int missing, unsigned* complete) {
  if (w.rank() != missing && device::all_reduce(
                                 cooperative_groups::this_thread_block(), w, 100,
                                 [](std::size_t) { return 1.0f; }, [](std::size_t, float) {})) {
    atomicAdd(complete, 1u);
  }
}

}  // namespace

TEST_CASE("gpu: a rank that does not come is named on the host") {
  rondo::cuda::virtual_ranks together{
      3, 1 << 20, {.slot_count = 2, .patience = std::chrono::milliseconds{50}}};
  shared_array<unsigned> complete{1};
  complete[0] = 0;
  together.launch({.blocks = 2, .threads = 64}, incomplete, 1, complete.data());
  finish();
  REQUIRE(complete[0] == 0);
  try {
    together.check();
    REQUIRE(!"an error was expected");
  } catch (const timeout& failure) {
    CHECK(failure.rank() == 1);
    CHECK(std::strstr(failure.what(), "for rank 1") != nullptr);
  }
}

TEST_CASE("gpu: a window that has failed does not disturb another one") {
  rondo::cuda::virtual_ranks failing{
      2, 1 << 20, {.slot_count = 1, .patience = std::chrono::milliseconds{50}}};
  rondo::cuda::virtual_ranks sound{2, 1 << 20, patient({.slot_count = 1})};
  rank_buffers<float> memory{2, 1000, 1000};
  shared_array<unsigned> complete{1};
  complete[0] = 0;
  const streams at{2};
  memory.fill(7);
  finish();
  failing.launch({.blocks = 1, .threads = 64, .stream = at[0]}, incomplete, 1, complete.data());
  for (int again = 0; again < 20; ++again) {
    sound.launch({.blocks = 1, .threads = 64, .stream = at[1]},
                 kernels::all_reduce<float, two_shot>, memory.get(), std::size_t{1000}, two_shot{});
  }
  finish();
  sound.check();
  REQUIRE(memory.wrong([&](std::size_t, std::size_t i) { return sum_of(2, i, 7); }) == 0);
  bool raised = false;
  try {
    failing.check();
  } catch (const timeout& late) {
    raised = late.rank() == 1;
  }
  CHECK(raised);
}

TEST_CASE("gpu: a launch that does not fit says the numbers") {
  rondo::cuda::virtual_ranks together{8, 64 << 20, patient({.slot_count = 512})};
  rank_buffers<float> memory{8, 1, 1};
  try {
    together.launch({.blocks = 512}, kernels::all_reduce<float, two_shot>, memory.get(),
                    std::size_t{1}, two_shot{});
    REQUIRE(!"an error was expected");
  } catch (const error& refused) {
    CHECK(std::strstr(refused.what(), "8 ranks x 512 blocks") != nullptr);
  }
}

TEST_CASE("gpu: random stalls at every edge of every protocol") {
  for (const int ranks : {2, 5, 8}) {
    rondo::cuda::virtual_ranks together{
        ranks, 1 << 20, patient({.slot_count = 4, .heap_bytes = 9000 * sizeof(float)})};
    shared_array<unsigned long long> wrong{1};
    wrong[0] = 0;
    for (unsigned seed = 1; seed <= 5; ++seed) {
      together.launch({.blocks = 1 + seed % 4, .threads = 256}, stalled, 100, seed, wrong.data());
      finish();
      together.check();
    }
    REQUIRE(wrong[0] == 0);
  }
}
