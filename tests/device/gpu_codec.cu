// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// One test runs the same templates on threads, too, with groups that no kernel could use.
#pragma nv_diag_suppress 20011, 20013, 20014, 20015
#include "gpu_ranks.hpp"

#include "host_ranks.hpp"

#include <cstddef>
#include <random>
#include <vector>

// All-reduce through a codec.
namespace {

using namespace gpu_ranks;

template <class Codec>
void compare_with_threads(const Codec& codec) {
  constexpr std::size_t count = 50'001;
  constexpr int ranks = 3;
  constexpr unsigned slot_count = 2;
  rank_buffers<float> memory{ranks, count, count};
  memory.fill(3);
  std::mt19937 random{5};
  std::normal_distribution<float> normal;
  for (int rank = 0; rank < ranks; ++rank) {
    for (std::size_t i = 0; i < count; ++i) {
      const_cast<float*>(memory.get().in[rank])[i] = normal(random);
    }
  }
  rondo::cuda::virtual_ranks together{ranks, 1 << 20, patient({.slot_count = slot_count})};
  together.launch({.blocks = slot_count, .threads = 256}, kernels::all_reduce<float, two_shot, Codec>,
                  memory.get(), count, two_shot{}, codec);
  finish();
  together.check();

  std::vector<std::vector<float>> expected(ranks, std::vector<float>(count));
  host_ranks::machine threads{rondo::cuda::shape_for(ranks, 1 << 20, {.slot_count = slot_count})};
  threads.launch(slot_count, 1, [&](host_ranks::block group, const device::window& window) {
    const auto rank = static_cast<std::size_t>(window.rank());
    const float* const in = memory.get().in[rank];
    float* const out = expected[rank].data();
    device::all_reduce(
        group, window, count, two_shot{}, codec, [in](std::size_t i) { return in[i]; },
        [out](std::size_t i, float value) { out[i] = value; });
  });
  threads.check();
  REQUIRE(memory.wrong([&](std::size_t rank, std::size_t i) { return expected[rank][i]; }) == 0);
}

}  // namespace

TEST_CASE("gpu: a codec gives the bits that threads of a CPU give") {
  compare_with_threads(codec::int8<128>{});
}

TEST_CASE("gpu: so does a sum whose padding is not zero when it is decoded") {
  compare_with_threads(codec::sign<256>{});
}
