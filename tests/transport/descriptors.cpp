// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/transport/detail/descriptors.hpp>

#include "catch.hpp"
#include "harness/board.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <thread>
#include <vector>

namespace {

using rondo::detail::descriptor;
using rondo::detail::exchange_descriptors;

/// Nameless memory that holds one number.
descriptor holding(int number) {
  descriptor file{::memfd_create("rondo", MFD_CLOEXEC)};
  return ::write(file.get(), &number, sizeof number) == sizeof number ? std::move(file)
                                                                      : descriptor{};
}
int number_in(const descriptor& file) {
  int number = -1;
  return ::pread(file.get(), &number, sizeof number, 0) == sizeof number ? number : -1;
}

/// How many descriptors are not what rank `rank` expects.
int wrong_on(int rank, int ranks, board& shared) {
  auto exchange = shared.exchange(rank);
  int wrong = 0;
  for (int round = 0; round < 3; ++round) {
    const descriptor mine = holding(100 * round + rank);
    const auto all = exchange_descriptors(rank, ranks, mine.get(), exchange);
    for (int peer = 0; peer < ranks; ++peer) {
      const auto& theirs = all[static_cast<std::size_t>(peer)];
      const bool right = peer == rank ? theirs.get() < 0 : number_in(theirs) == 100 * round + peer;
      wrong += right ? 0 : 1;
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("board: nobody waits for a rank that has failed") {
  board shared{2};
  shared.failed = true;
  CHECK_THROWS_WITH(shared.meet(), Catch::Matchers::ContainsSubstring("a rank has failed"));
}

TEST_CASE("descriptors: every thread gets those of all others, more than a box holds") {
  for (const int ranks : {1, 2, board::most_ranks}) {
    board shared{ranks};
    std::atomic<int> wrong{0};
    std::vector<std::thread> running;
    for (int rank = 0; rank < ranks; ++rank) {
      running.emplace_back([&, rank] { wrong += wrong_on(rank, ranks, shared); });
    }
    for (auto& one : running) {
      one.join();
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("descriptors: processes get those of processes") {
  constexpr int ranks = 3;
  void* const memory =
      ::mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  auto& shared = *new (memory) board{ranks};
  std::vector<pid_t> children;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(wrong_on(rank, ranks, shared));
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  ::munmap(memory, sizeof(board));
}

TEST_CASE("descriptors: who does not send is named, and what a stranger sends is not taken") {
  using rondo::detail::letterbox;
  const descriptor mine = holding(7);
  letterbox stranger;
  // Rank 1 takes part in the exchange, and is then heard of no more.
  auto exchange = [&](std::span<const std::byte> own, std::span<std::byte> all) {
    letterbox::address here{};
    REQUIRE(own.size() == sizeof here);
    std::memcpy(&here, own.data(), sizeof here);
    std::memcpy(all.data(), &here, sizeof here);
    std::memcpy(all.data() + sizeof here, &stranger.own(), sizeof here);
    here.secret ^= 1;
    REQUIRE(stranger.send(here, 1, mine.get()));
  };
  try {
    static_cast<void>(
        exchange_descriptors(0, 2, mine.get(), exchange, std::chrono::milliseconds{50}));
    FAIL("an error was expected");
  } catch (const rondo::timeout& failure) {
    CHECK(failure.rank() == 1);
    CHECK_THAT(failure.what(), Catch::Matchers::ContainsSubstring("waited for rank 1"));
  }
}
