// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "outcomes.hpp"

#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>

#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using rondo::testing::expect;
using std::chrono::milliseconds;

TEST_CASE("shrink: survivors of rank after rank go on in the old order, with the same body") {
  CHECK_THROWS_AS(
      rondo::threads::run(
          6,
          [](auto& comm) {
            const int original = comm.rank();
            std::vector<int> alive{0, 1, 2, 3, 4, 5};
            for (const int victim : {3, 0, 5}) {
              try {
                if (original == victim) {
                  throw std::runtime_error("victim");
                }
                std::vector<int> values(20000, 1);
                rondo::all_reduce(comm, values);
                expect(false, "a call without the victim");
              } catch (const rondo::error&) {
                comm = comm.shrink();
              }
              std::erase(alive, victim);
              expect(comm.size() == static_cast<int>(alive.size()), "the number of survivors");
              expect(alive[static_cast<std::size_t>(comm.rank())] == original, "the old order");
              std::vector<int> values(20000, 1);
              rondo::all_reduce(comm, values);
              expect(values[19999] == comm.size(), "a sum of survivors");
            }
          }),
      rondo::rank_failure);
}

TEST_CASE("shrink: who comes after the deadline is left out and told so") {
  const auto seen = outcomes(
      3,
      [](auto& comm) {
        if (comm.rank() == 2) {
          std::this_thread::sleep_for(milliseconds{500});
        }
        try {
          rondo::barrier(comm);
        } catch (const rondo::timeout&) {
        }
        auto next = comm.shrink();
        expect(next.size() == 2, "the two that came");
        rondo::barrier(next);
      },
      milliseconds{100});
  CHECK_FALSE(seen[0].threw);
  CHECK_FALSE(seen[1].threw);
  CHECK(seen[2].code == rondo::error_code::revoked);
  CHECK_THAT(seen[2].what, Catch::Matchers::ContainsSubstring("after the deadline"));
}

TEST_CASE("shrink: who still waits on the old communicator hears who has left it") {
  const auto seen = outcomes(3, [](auto& comm) {
    if (comm.rank() == 2) {
      auto next = comm.shrink();
      return;
    }
    std::vector<int> values(1000);
    rondo::all_reduce(comm, values);
  });
  for (const int rank : {0, 1}) {
    const auto& heard = seen[static_cast<std::size_t>(rank)];
    CAPTURE(rank, heard.what);
    CHECK(heard.code == rondo::error_code::revoked);
    CHECK_THAT(heard.what,
               Catch::Matchers::ContainsSubstring("rank 2 has left this communicator by shrink()"));
    CHECK_THAT(heard.what, Catch::Matchers::ContainsSubstring("[rank " + std::to_string(rank) +
                                                              " was in all_reduce"));
  }
}

TEST_CASE("shrink: who calls it again is told so, and not that it was late") {
  const auto seen = outcomes(2, [](auto& comm) {
    auto next = comm.shrink();
    rondo::barrier(next);
    if (comm.rank() == 1) {
      auto again = comm.shrink();
    }
  });
  CHECK_FALSE(seen[0].threw);
  CHECK(seen[1].code == rondo::error_code::revoked);
  CHECK_THAT(seen[1].what, Catch::Matchers::ContainsSubstring("has called it before"));
}

TEST_CASE("shrink: a team shrinks without its siblings, and one that dies again shrinks again") {
  rondo::threads::run(6, [](auto& comm) {
    auto team = comm.split(comm.rank() % 2);
    for (int round = 0; round < 3; ++round) {
      if (comm.rank() % 2 == 0) {
        try {
          std::vector<int> values(team.rank() == 0 ? 1 : 2);
          rondo::all_reduce(team, values);
        } catch (const rondo::mismatch&) {
          team = team.shrink();
        }
      }
      std::vector<int> values(1, 1);
      rondo::all_reduce(team, values);
      expect(values[0] == 3, "a sum of a team");
    }
    rondo::barrier(comm);
  });
}

TEST_CASE("call numbers wrap around: every protocol works across the end of 32 bits") {
  using namespace rondo::threads;
  namespace detail = rondo::threads::detail;
  const rondo::detail::shared<detail::world> around{new detail::world{3, std::chrono::seconds{30}}};
  const auto all = detail::group::make(around, {0, 1, 2});
  run(3, [&](auto& started) {
    communicator comm{all, started.rank(), 0xffffffffu - 41};
    for (int round = 0; round < 40; ++round) {
      std::vector<int> few(3, 1);
      std::vector<int> some(1000, 1);
      std::vector<int> many(20000, 1);
      rondo::all_reduce(comm, few);
      rondo::all_reduce(comm, some);
      rondo::all_reduce(comm, many);
      rondo::all_reduce(comm, some, rondo::ring{});
      rondo::barrier(comm);
      expect(few[2] == 3 && some[999] == 9 && many[19999] == 3, "sums");
    }
    bool named = false;
    try {
      std::vector<int> values(comm.rank() == 1 ? 2 : 1);
      rondo::all_reduce(comm, values);
    } catch (const rondo::mismatch& thrown) {
      named = thrown.rank() == 1;
    }
    expect(named, "a mismatch that is still named");
  });
}

TEST_CASE("64 ranks on few processors stay sane") {
  const auto begun = std::chrono::steady_clock::now();
  rondo::threads::run(64, [](auto& comm) {
    for (int round = 0; round < 20; ++round) {
      std::vector<int> few(3, 1);
      std::vector<int> many(5000, 1);
      rondo::all_reduce(comm, few);
      rondo::all_reduce(comm, many);
      rondo::barrier(comm);
      expect(few[0] == 64 && many[4999] == 64, "sums");
    }
  });
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{20});
}

TEST_CASE("shrink: run is quiet about calls that are dropped after it") {
  int went_on = 0;
  std::mutex lock;
  rondo::threads::run(3, [&](auto& comm) {
    if (comm.rank() == 2) {
      return;
    }
    std::vector<int> values(1000, 1);
    std::vector<int> others(1000, 1);
    auto fails = rondo::all_reduce(comm, values, rondo::async{});
    const auto fails_too = rondo::all_reduce(comm, others, rondo::async{});
    try {
      fails.wait();
    } catch (const rondo::mismatch&) {  // rank 2 returned
      auto rest = comm.shrink();
      std::vector<int> sum(3, 1);
      rondo::all_reduce(rest, sum);
      const std::scoped_lock hold{lock};
      went_on += sum[0] == 2 ? 1 : 0;
    }
  });
  CHECK(went_on == 2);
}
