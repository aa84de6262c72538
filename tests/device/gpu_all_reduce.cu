// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "gpu_ranks.hpp"

#include <cuda_bf16.h>

#include <cstddef>

// All-reduce in kernels, by every algorithm.
namespace {

using namespace gpu_ranks;

template <class T, class Kernel, class... Given>
void check_all_reduce(Kernel kernel, float scale, float added, const Given&... given) {
  for (const int ranks : rank_counts) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, patient({.slot_count = 8})};
    unsigned call = 0;
    for (const std::size_t count : sizes) {
      rank_buffers<T> memory{ranks, count, count};
      for (const unsigned blocks : {1u, 8u, 3u}) {  // grids that change from call to call
        memory.fill(++call);
        finish();
        together.launch({.blocks = blocks}, kernel, memory.get(), count, given...);
        finish();
        together.check();
        INFO(ranks << " ranks, " << count << " elements, " << blocks << " blocks");
        REQUIRE(memory.wrong([&](std::size_t, std::size_t i) {
          return scale * (sum_of(memory.ranks(), i, call) + added * static_cast<float>(ranks));
        }) == 0);
      }
    }
  }
}

}  // namespace

TEST_CASE("gpu all_reduce: from buffer to buffer, by two_shot, packets and ring") {
  check_all_reduce<float>(kernels::all_reduce<float, two_shot>, 1, 0, two_shot{});
  check_all_reduce<__nv_bfloat16>(kernels::all_reduce<__nv_bfloat16, two_shot>, 1, 0, two_shot{});
  check_all_reduce<double>(kernels::all_reduce<double>, 1, 0);
  check_all_reduce<double>(kernels::all_reduce<double, ring>, 1, 0, ring{});
}

TEST_CASE("gpu all_reduce: with a prologue and an epilogue") {
  check_all_reduce<float>(kernels::fused_all_reduce<float>, 2, 1);
  check_all_reduce<float>(kernels::fused_all_reduce<float, two_shot>, 2, 1, two_shot{});
  check_all_reduce<float>(kernels::fused_all_reduce<float, device::two_shot_pull>, 2, 1,
                          device::two_shot_pull{});
  check_all_reduce<bfloat16>(kernels::fused_all_reduce<bfloat16, one_shot>, 2, 1, one_shot{});
}

TEST_CASE("gpu all_reduce: from a buffer to an epilogue") {
  check_all_reduce<float>(kernels::all_reduce_to_epilogue<float>, 2, 0);
  check_all_reduce<float>(kernels::all_reduce_to_epilogue<float, two_shot>, 2, 0, two_shot{});
  check_all_reduce<__nv_bfloat16>(kernels::all_reduce_to_epilogue<__nv_bfloat16, two_shot>, 2, 0,
                                  two_shot{});
}

TEST_CASE("gpu all_reduce: packets of whole lines beside packets of words") {
  for (const int ranks : rank_counts) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, patient({.slot_count = 2})};
    unsigned call = 0;
    for (const std::size_t count : {1u, 29u, 31u, 960u, 1100u, 5000u}) {  // the last in rounds
      rank_buffers<float> memory{ranks, count, count};
      for (int again = 0; again < 20; ++again) {
        const auto check = [&](auto kernel, auto algorithm) {
          memory.fill(++call);
          finish();
          together.launch({.blocks = 2, .threads = 256}, kernel, memory.get(), count, algorithm);
          finish();
          together.check();
          INFO(ranks << " ranks, " << count << " elements");
          REQUIRE(memory.wrong([&](std::size_t, std::size_t i) {
            return sum_of(memory.ranks(), i, call);
          }) == 0);
        };
        check(kernels::all_reduce<float, device::line_packets>, device::line_packets{});
        check(kernels::all_reduce<float, device::packets>, device::packets{});
        check(kernels::all_reduce<float, one_shot>, one_shot{});
      }
    }
  }
}
