// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "gpu_ranks.hpp"

#include <cstddef>

// The collectives in kernels in which every rank gives a part to every rank.
namespace {

using namespace gpu_ranks;

}  // namespace

TEST_CASE("gpu: the other collectives") {
  for (const int ranks : rank_counts) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, patient({.slot_count = 4})};
    const auto n = static_cast<std::size_t>(ranks);
    unsigned call = 0;
    for (const std::size_t count : sizes) {
      INFO(ranks << " ranks, " << count << " elements");
      const auto value = [&](std::size_t rank, std::size_t i) {
        return rank_buffers<float>::value(rank, i, call);
      };
      const auto run = [&](auto kernel, std::size_t in, std::size_t out, const auto& expected,
                           auto... given) {
        rank_buffers<float> memory{ranks, in, out};
        memory.fill(++call);
        finish();
        together.launch({.blocks = 1 + call % 4}, kernel, memory.get(), count, given...);
        finish();
        together.check();
        REQUIRE(memory.wrong(expected) == 0);
      };
      run(kernels::reduce_scatter<float>, n * count, count,
          [&](std::size_t rank, std::size_t i) { return sum_of(n, rank * count + i, call); });
      run(kernels::all_gather<float>, count, n * count,
          [&](std::size_t, std::size_t i) { return value(i / count, i % count); });
      run(kernels::all_to_all<float>, n * count, n * count, [&](std::size_t rank, std::size_t i) {
        return value(i / count, rank * count + i % count);
      });
      run(
          kernels::broadcast<float>, count, count,
          [&](std::size_t, std::size_t i) { return value(n - 1, i); }, ranks - 1);
      if (ranks > 1) {
        run(kernels::shift<float>, count, count,
            [&](std::size_t rank, std::size_t i) { return value((rank + n - 1) % n, i); });
      }
    }
  }
}
