// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <rondo/protocol/barrier.hpp>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace ranks;
using namespace std::chrono_literals;
namespace detail = rondo::mpi::detail;

namespace {

/// By the sessions of all ranks, which here are on one node.
bool expect_yields_in_vain() {
  std::vector<int> sessions(static_cast<std::size_t>(world_size()));
  const int mine = getsid(0);
  MPI_Allgather(&mine, 1, MPI_INT, sessions.data(), 1, MPI_INT, MPI_COMM_WORLD);
  const std::set<int> different(sessions.begin(), sessions.end());
  int by_session = 0;
  std::ifstream{"/proc/sys/kernel/sched_autogroup_enabled"} >> by_session;
  return by_session == 1 && different.size() > 1 && world_size() > rondo::detail::processors();
}

}  // namespace

TEST_CASE("mpi: ranks know whether to yield is in vain, by their sessions and processors") {
  CHECK(detail::find_place(MPI_COMM_WORLD, 0).yields_in_vain() == expect_yields_in_vain());
  CHECK_FALSE(detail::find_place(MPI_COMM_SELF, 0).yields_in_vain());
}

TEST_CASE("mpi: a bell wakes who sleeps, and nobody sleeps for what is done") {
  // The quickest of several: others may need the processors, and a ring may come before the sleep.
  const auto quickest = [](const auto& body) {
    double least = 1;
    for (int attempt = 0; attempt < 10 && least > 0.5; ++attempt) {
      const double begin = MPI_Wtime();
      body();
      least = (std::min)(least, MPI_Wtime() - begin);
    }
    return least;
  };
  CHECK(quickest([] {
          detail::bell bell;
          std::thread sleeper{[&] { bell.sleep([] { return false; }, 900ms); }};
          rondo::detail::sleep_for(20ms);
          bell.ring();
          sleeper.join();
        }) < 0.5);
  CHECK(quickest([] { detail::bell{}.sleep([] { return true; }, 900ms); }) < 0.5);

  detail::bell unheard;
  unheard.ring();
  CHECK(unheard.rings() == 0);
}

TEST_CASE("mpi: ranks sleep until the one they wait for rings, where to yield is in vain") {
  detail::group in{MPI_COMM_WORLD, {}, rondo::detail::looks_alone};
  REQUIRE(in.has_window());
  CHECK(in.rings() == expect_yields_in_vain());
  static constexpr rondo::signature what{"barrier", ""};
  const rondo::call made{&what, 0, -1, rondo::source_location::current()};
  rondo::protocol::one_thread alone;
  const auto meet = [&] {
    detail::window_turn now{in, made, rondo::protocol::call_word(++in.calls_made, 7)};
    rondo::protocol::barrier(alone, now);
  };
  for (int round = 0; round < 5; ++round) {
    meet();
    if (in.rank() == 1) {
      rondo::detail::sleep_for(20ms);
    }
  }
  meet();
  CHECK((in.of(1).signalled.rings() > 0) == in.rings());
  meet();
}
