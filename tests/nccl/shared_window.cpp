// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "nccl_on_threads.hpp"

#include <rondo/transport/cuda/peer_gpus.hpp>
#include <rondo/transport/cuda/shared_window.hpp>
#include <rondo/transport/nccl/detail/registered_memory.hpp>

#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

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
        0, 1, 1 << 16, meetings{&met, absent_from}, {.slot_count = 1}};
    CHECK(window.size() == 1);
    CHECK(nccl_on_threads::blocks() == before + 1);
  }
  return nccl_on_threads::blocks() - before;
}

ncclComm_t of_one_rank() {
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  ncclComm_t raw = nullptr;
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  REQUIRE(ncclCommInitRankConfig(&raw, 1, id, 0, &config) == ncclSuccess);
  return raw;
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
        (rondo::cuda::shared_window{0, 1, 1 << 16, meetings{&met, absent_from}, {.slot_count = 1}}),
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
  CHECK_THROWS_WITH((rondo::cuda::shared_window{0, 2, 1 << 16, with_another, {.slot_count = 1}}),
                    Catch::Matchers::ContainsSubstring("the window of rank 1 has 0 bytes"));
  CHECK(nccl_on_threads::blocks() == before);
}

TEST_CASE("shared window: ranks that share a GPU share its blocks, and are not cooperative there") {
  std::vector<std::byte> announced;
  const auto launched_beside = [&](std::span<const std::byte> peer) {
    int met = 0;
    const rondo::cuda::shared_window window{
        0,
        2,
        1 << 16,
        [&](std::span<const std::byte> mine, std::span<std::byte> all) {
          const bool tells = met++ == 0;
          if (tells) {
            announced.assign(mine.begin(), mine.end());
          }
          std::copy(mine.begin(), mine.end(), all.begin());
          const auto theirs = tells && !peer.empty() ? peer : mine;
          std::copy(theirs.begin(), theirs.end(), all.begin() + static_cast<int>(mine.size()));
        },
        {.slot_count = 10}};
    window.launch(+[](rondo::device::window) {});
    return nccl_on_threads::launched();
  };
  nccl_on_threads::pretend_gpu('B');
  const auto shared = launched_beside({});  // the peer says what this rank says
  CHECK(shared.blocks == nccl_on_threads::resident_blocks / 2);
  CHECK_FALSE(shared.cooperative);

  nccl_on_threads::pretend_gpu('A');
  const auto on_b = announced;
  const auto alone = launched_beside(on_b);
  CHECK(alone.blocks == 10);
  CHECK(alone.cooperative);
}

TEST_CASE("shared window: a rank alone on its GPU launches as few blocks as two that share") {
  nccl_on_threads::pretend_gpu('B');
  const auto of_peers = rondo::cuda::detail::identity_of(0);
  nccl_on_threads::pretend_gpu('A');
  const auto own = rondo::cuda::detail::identity_of(0);
  int met = 0;
  const rondo::cuda::shared_window window{
      0,
      3,
      1 << 16,
      [&](std::span<const std::byte> mine, std::span<std::byte> all) {
        const auto gpu = std::as_bytes(std::span{&own, 1});
        const auto other = std::as_bytes(std::span{&of_peers, 1});
        const auto at = std::search(mine.begin(), mine.end(), gpu.begin(), gpu.end());
        for (std::size_t rank = 0; rank < 3; ++rank) {
          std::byte* const to = all.data() + rank * mine.size();
          std::copy(mine.begin(), mine.end(), to);
          if (met == 0 && rank != 0) {
            REQUIRE(at != mine.end());
            std::copy(other.begin(), other.end(), to + (at - mine.begin()));
          }
        }
        ++met;
      },
      {.slot_count = 10}};
  window.launch(+[](rondo::device::window) {});
  CHECK(nccl_on_threads::launched().blocks == nccl_on_threads::resident_blocks / 2);
  CHECK_FALSE(nccl_on_threads::launched().cooperative);
}

TEST_CASE("peer GPUs: ranks that share a GPU share its blocks, and are not cooperative there") {
  const rondo::cuda::peer_gpus gpus{std::vector{0, 0, 0}, 1 << 16, {.slot_count = 10}};
  gpus.rank(2).launch(+[](rondo::device::window) {});
  CHECK(nccl_on_threads::launched().blocks == nccl_on_threads::resident_blocks / 3);
  CHECK_FALSE(nccl_on_threads::launched().cooperative);
}

TEST_CASE("a launch asks for the shared memory that a kernel's own leaves it no room for") {
  const rondo::cuda::peer_gpus gpus{std::vector{0}, 1 << 16, {.slot_count = 10}};
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{44 << 10}, std::size_t{96 << 10}}) {
    CAPTURE(bytes);
    CHECK_NOTHROW(gpus.rank(0).launch(
        {.shared_bytes = bytes}, +[](rondo::device::window) {}));
  }
}

TEST_CASE("nccl window: its memory outlives a communicator that is aborted") {
  for (const bool aborted : {false, true}) {
    CAPTURE(aborted);
    const ncclComm_t raw = of_one_rank();
    const int before = nccl_on_threads::blocks();
    {
      rondo::nccl::detail::state comm{raw, true, {}};
      const rondo::nccl::detail::registered_memory memory{comm, 4096};
      CHECK(memory.registered() != nullptr);
      if (aborted) {
        comm.abort();
      }
      REQUIRE(cudaSetDevice(3) == cudaSuccess);
    }
    int device = 0;
    REQUIRE(cudaGetDevice(&device) == cudaSuccess);
    CHECK(device == 3);
    CHECK(nccl_on_threads::blocks() == before);
    CHECK(nccl_on_threads::careless_ends() == 0);
  }
  REQUIRE(cudaSetDevice(0) == cudaSuccess);
}

TEST_CASE("nccl window: where NCCL does not block, the registration is waited for") {
  rondo::nccl::options with;
  with.deadline = std::chrono::milliseconds{30};
  for (const bool in_time : {true, false}) {
    CAPTURE(in_time);
    const ncclComm_t raw = of_one_rank();
    const int before = nccl_on_threads::blocks();
    {
      rondo::nccl::detail::state comm{raw, true, with};
      nccl_on_threads::register_slowly(in_time ? 3 : 1 << 30);
      if (in_time) {
        const rondo::nccl::detail::registered_memory memory{comm, 4096};
        CHECK(memory.registered() != nullptr);
      } else {
        CHECK_THROWS_WITH((rondo::nccl::detail::registered_memory{comm, 4096}),
                          Catch::Matchers::ContainsSubstring("deadline of 30 ms"));
        comm.abort();
      }
      nccl_on_threads::register_slowly(0);
    }
    // NCCL may have had the memory of a registration that did not come to its end.
    CHECK(nccl_on_threads::blocks() == before + (in_time ? 0 : 1));
    CHECK(nccl_on_threads::careless_ends() == 0);
  }
}

TEST_CASE("nccl window: nobody waits for a dead communicator, and an owned one is ended") {
  for (const bool owns : {false, true}) {
    CAPTURE(owns);
    const ncclComm_t raw = of_one_rank();
    const int before = nccl_on_threads::blocks();
    {
      rondo::nccl::detail::state comm{raw, owns, {}};
      const rondo::nccl::detail::registered_memory memory{comm, 4096};
      nccl_on_threads::break_down(raw, ncclRemoteError);
    }
    CHECK(nccl_on_threads::blocks() == before + (owns ? 0 : 1));
    CHECK(nccl_on_threads::careless_ends() == 0);
    if (!owns) {
      ncclCommAbort(raw);
    }
  }
}
