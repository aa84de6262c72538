// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "every.hpp"

#include <rondo/schedule.hpp>

#include <limits>
#include <string>

namespace schedule = rondo::schedule;
using rondo::schedule::prove;

// Small schedules are proved by the compiler.
static_assert(prove(schedule::all_reduce(rondo::ring{}, 4)).chunks_sent == 2 * 4 * 3);
static_assert(prove(schedule::all_reduce(rondo::tree{.segments = 2}, 5)).rank_ordered);
static_assert(prove(schedule::all_reduce(rondo::recursive_doubling{}, 6)).rank_ordered);
static_assert(prove(schedule::all_reduce(rondo::halving_doubling{}, 4)).rank_ordered);
static_assert(prove(schedule::all_reduce(rondo::bruck{}, 5)).left_to_right);
static_assert(prove(schedule::all_reduce(rondo::one_shot{}, 4)).left_to_right);
static_assert(prove(schedule::all_reduce(rondo::two_shot{}, 4)).left_to_right);
static_assert(prove(schedule::all_reduce(rondo::hierarchical{rondo::ring{}, rondo::ring{}, 2}, 4)));
static_assert(prove(schedule::all_to_all(rondo::bruck{}, 5)));
static_assert(prove(schedule::barrier(rondo::bruck{}, 5)).rounds == 3);

// Where chunks are equal a run in scratch may be labelled by any number, and none overflows.
static_assert([] {
  auto labelled = schedule::tabulate(schedule::all_reduce(rondo::bruck{}, 5));
  for (auto& row : labelled.rows) {
    for (auto& step : row.steps) {
      for (schedule::run* part : {&step.into, &step.left, &step.right}) {
        part->first = part->where == schedule::region::scratch ? (std::numeric_limits<int>::max)()
                                                               : part->first;
      }
    }
  }
  return prove(labelled).left_to_right;
}());

TEST_CASE("every schedule is proved for 1 to 64 ranks") {
  for (int size = 1; size <= 64; ++size) {
    for (const int root : {0, size - 1}) {
      every::schedules(size, root, [&](const auto& one, const std::string& name) {
        INFO(name);
        CHECK_NOTHROW(prove(one));
      });
    }
  }
}

TEST_CASE("every schedule with a root is proved for all roots of 1 to 17 ranks") {
  for (int size = 1; size <= 17; ++size) {
    for (int root = 0; root < size; ++root) {
      every::schedules(size, root, [&](const auto& one, const std::string& name) {
        INFO(name);
        CHECK_NOTHROW(prove(one));
      });
    }
  }
}

TEST_CASE("every rank gets the same expression") {
  for (const int size : {2, 3, 5, 8, 12, 24, 31}) {
    every::schedules(size, 0, [&](const auto& one, const std::string& name) {
      INFO(name);
      CHECK(prove(one).same_on_all_ranks);
    });
  }
}

TEST_CASE("direct schedules fold one rank after the other, the other ordered ones in rank order") {
  for (const int size : {1, 2, 3, 5, 8, 13, 24}) {
    CHECK(prove(schedule::all_reduce(rondo::one_shot{}, size)).left_to_right);
    CHECK(prove(schedule::all_reduce(rondo::two_shot{}, size)).left_to_right);
    CHECK(prove(schedule::all_reduce(rondo::bruck{}, size)).left_to_right);
    CHECK(prove(schedule::reduce_scatter(rondo::one_shot{}, size)).left_to_right);
    CHECK(prove(schedule::reduce(rondo::two_shot{}, size, size / 2)).left_to_right);
    CHECK(prove(schedule::all_reduce(rondo::tree{}, size)).rank_ordered);
    CHECK(prove(schedule::all_reduce(rondo::recursive_doubling{}, size)).rank_ordered);
    CHECK(prove(schedule::all_reduce(rondo::halving_doubling{}, size)).rank_ordered);
    CHECK(prove(schedule::reduce(rondo::tree{}, size)).rank_ordered);
    CHECK(prove(schedule::reduce(rondo::tree{4}, size)).rank_ordered);
    CHECK(prove(schedule::reduce(rondo::ring{}, size)).rank_ordered);
  }
  CHECK_FALSE(prove(schedule::all_reduce(rondo::ring{}, 3)).rank_ordered);
}

TEST_CASE("messages and bytes are what the docstrings say") {
  for (const int n : {1, 2, 4, 8, 16, 32}) {
    int log = 0;
    while ((1 << log) < n) {
      ++log;
    }
    const auto ring = prove(schedule::all_reduce(rondo::ring{}, n));
    CHECK(ring.messages == 2LL * n * (n - 1));
    CHECK(ring.chunks_sent == 2LL * n * (n - 1));
    CHECK(ring.slot_count == 0);
    const auto doubling = prove(schedule::all_reduce(rondo::recursive_doubling{}, n));
    CHECK(doubling.messages == 1LL * n * log);
    const auto halving = prove(schedule::all_reduce(rondo::halving_doubling{}, n));
    CHECK(halving.messages == 2LL * n * log);
    CHECK(halving.chunks_sent == 2LL * n * (n - 1));
    CHECK(halving.slot_count == 0);
    const auto direct = prove(schedule::all_reduce(rondo::two_shot{}, n));
    CHECK(direct.messages == 2LL * n * (n - 1));
    CHECK(direct.chunks_sent == 2LL * n * (n - 1));
    const auto tree = prove(schedule::all_reduce(rondo::tree{.segments = 3}, n));
    CHECK(tree.messages == 2LL * 2 * 3 * (n - 1));
    CHECK(prove(schedule::broadcast(rondo::tree{}, n)).rounds == (n == 1 ? 1 : log));
    CHECK(prove(schedule::all_gather(rondo::bruck{}, n)).chunks_sent == 1LL * n * (n - 1));
    CHECK(prove(schedule::barrier(rondo::bruck{}, n)).messages == 1LL * n * log);
  }
}

TEST_CASE("a schedule is refused with its collective, rank, step and chunk named") {
  auto ring = schedule::tabulate(schedule::all_reduce(rondo::ring{}, 4));
  ring.rows[2].steps.erase(ring.rows[2].steps.begin() + 1);
  try {
    prove(ring);
    FAIL("not refused");
  } catch (const rondo::error& refused) {
    CHECK(refused.code() == rondo::error_code::unsound_schedule);
    CHECK(refused.rank() == 2);
    CHECK_THAT(refused.what(),
               Catch::Matchers::ContainsSubstring("prove: all_reduce on 4 ranks, rank 2, step"));
    CHECK_THAT(refused.what(), Catch::Matchers::ContainsSubstring("chunk"));
  }
}

TEST_CASE("a schedule whose root is no rank is refused, though nobody is owed a result") {
  for (const auto what : {schedule::collective::reduce, schedule::collective::gather}) {
    for (const int root : {-1, 2}) {
      const schedule::table nothing{what, 2, root, {{2, 0, false, {}}, {2, 0, false, {}}}};
      CHECK_THROWS_WITH(prove(nothing),
                        Catch::Matchers::ContainsSubstring("on 2 ranks: its root is rank " +
                                                           std::to_string(root)));
    }
  }
}

TEST_CASE(
    "a run of no chunks that begins outside of the vector is refused, for readers look it up") {
  for (const int first : {-1, 3, 1'000'000'000}) {
    schedule::table signal{schedule::collective::broadcast, 2, 0, {}};
    for (const int rank : {0, 1}) {
      using schedule::verb;
      schedule::program row{2, 0, false, {}};
      if (rank == 0) {
        row.steps = {{verb::copy, 0, -1, schedule::in_output(0, 2), schedule::in_input(0, 2), {}},
                     {verb::send, 0, 1, {}, schedule::in_input(0, 2), {}},
                     {verb::send, 1, 1, {}, schedule::in_input(first, 0), {}}};
      } else {
        row.steps = {{verb::receive, 0, 0, schedule::in_output(0, 2), {}, {}},
                     {verb::receive, 1, 0, schedule::in_output(2, 0), {}, {}}};
      }
      signal.rows.push_back(row);
    }
    CHECK_THROWS_WITH(prove(signal),
                      Catch::Matchers::ContainsSubstring("rank 0, step 2 (send to rank 1 in round "
                                                         "1)") &&
                          Catch::Matchers::ContainsSubstring("the run ends outside the vector"));
    signal.rows[0].steps[2].left.first = 2;
    CHECK_NOTHROW(prove(signal));
  }
}

TEST_CASE("a schedule that is right only if all ranks work in place, or none does, is refused") {
  using schedule::verb;
  schedule::table aliased{schedule::collective::all_reduce, 2, 0, {}};
  for (const int rank : {0, 1}) {
    const int peer = 1 - rank;
    // In place the second message is what the first one brought, and the peer's word comes back.
    const schedule::run own = schedule::in_scratch(0, 0);
    const schedule::run second = schedule::in_scratch(1, 0);
    aliased.rows.push_back(
        {1,
         2,
         false,
         {{verb::copy, 0, -1, own, schedule::in_input(0), {}},
          {verb::send, 1, peer, {}, own, {}},
          {verb::receive, 1, peer, schedule::in_output(0), {}, {}},
          {verb::send, 2, peer, {}, schedule::in_input(0), {}},
          {verb::receive, 2, peer, second, {}, {}},
          {verb::fold, 3, -1, schedule::in_output(0), schedule::in_input(0), second}}});
  }
  CHECK_THROWS_WITH(prove(aliased), Catch::Matchers::ContainsSubstring(
                                        "rank 0: it does not send what it sends if they are apart "
                                        "(input and output being the same memory)"));
}

TEST_CASE("rows that do not agree whether chunks must be equal are refused") {
  auto mixed = schedule::tabulate(schedule::all_reduce(rondo::bruck{}, 4));
  CHECK_NOTHROW(prove(mixed));
  mixed.rows[2].uniform = false;
  CHECK_THROWS_WITH(prove(mixed),
                    Catch::Matchers::ContainsSubstring(
                        "rank 2: it takes chunks of any size, rank 0 equal ones only"));
  for (const int inner : {2, 3, 4}) {
    const auto one = schedule::all_reduce(
        rondo::hierarchical{rondo::tree{.segments = 2}, rondo::bruck{}, inner}, 2 * inner);
    CHECK_NOTHROW(prove(one));
  }
}

TEST_CASE("a cycle of waiting ranks is refused and spelled out") {
  schedule::table cycle{schedule::collective::all_gather, 2, 0, {}};
  for (const int rank : {0, 1}) {
    schedule::program row{2, 0, false, {}};
    const int peer = 1 - rank;
    using schedule::verb;
    row.steps = {{verb::copy, 0, -1, schedule::in_output(rank), schedule::in_input(rank), {}},
                 {verb::send, 1, peer, {}, schedule::in_input(rank), {}},
                 {verb::receive, 2, peer, schedule::in_output(peer), {}, {}}};
    cycle.rows.push_back(row);
  }
  CHECK_THROWS_WITH(prove(cycle),
                    Catch::Matchers::ContainsSubstring("rank 0 waits for 1 waits for 0"));
  cycle.rows[0].steps[2].round = 1;
  cycle.rows[1].steps[2].round = 1;
  CHECK_NOTHROW(prove(cycle));
}
