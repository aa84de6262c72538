// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "nccl_on_threads.hpp"

#include <rondo/transport/cuda/shared_window.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

// What the host does for a window, without a GPU.
namespace {

/// Gathers for one rank; from meeting `absent_from` on, a peer does not come.
struct meetings {
  int* met;
  int absent_from;
  void operator()(std::span<const std::byte> mine, std::span<std::byte> all) const {
    if ((*met)++ >= absent_from) {
      rondo::raise(rondo::timeout{"a peer is gone", 1});
    }
    std::copy(mine.begin(), mine.end(), all.begin());
  }
};

/// Blocks of memory that a window keeps when it is destroyed.
int kept(int absent_from, int& met) {
  const int before = nccl_on_threads::blocks();
  {
    const rondo::cuda::shared_window window{
        0, 1, 1 << 16, meetings{&met, absent_from}, {.slots = 1}};
    CHECK(window.size() == 1);
    CHECK(nccl_on_threads::blocks() == before + 1);
  }
  return nccl_on_threads::blocks() - before;
}

}  // namespace

TEST_CASE("shared window: memory is freed when all ranks have let go of it") {
  int met = 0;
  CHECK(kept(99, met) == 0);
  CHECK(met == 4);
}

TEST_CASE("shared window: its destructor survives a peer that is gone, and keeps the memory") {
  for (const int absent_from : {2, 3}) {
    CAPTURE(absent_from);
    int met = 0;
    CHECK(kept(absent_from, met) == 1);
    CHECK(met == absent_from + 1);
  }
}

TEST_CASE("shared window: one whose making fails keeps the memory that peers have been told of") {
  for (const int absent_from : {0, 1}) {
    CAPTURE(absent_from);
    int met = 0;
    const int before = nccl_on_threads::blocks();
    CHECK_THROWS_WITH(
        (rondo::cuda::shared_window{0, 1, 1 << 16, meetings{&met, absent_from}, {.slots = 1}}),
        Catch::Matchers::ContainsSubstring("a peer is gone"));
    CHECK(nccl_on_threads::blocks() == before + 1);
    CHECK(met == absent_from + 1);
  }
}

TEST_CASE("shared window: ranks with other options refuse, and free what nobody has mapped") {
  const auto with_another = [](std::span<const std::byte> mine, std::span<std::byte> all) {
    std::fill(all.begin(), all.end(), std::byte{0});
    std::copy(mine.begin(), mine.end(), all.begin());
  };
  const int before = nccl_on_threads::blocks();
  CHECK_THROWS_WITH((rondo::cuda::shared_window{0, 2, 1 << 16, with_another, {.slots = 1}}),
                    Catch::Matchers::ContainsSubstring("the window of rank 1 has 0 bytes"));
  CHECK(nccl_on_threads::blocks() == before);
}
