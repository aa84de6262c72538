// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/data/stale_synchronous.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

using rondo::data::stale_synchronous;
using rondo::data::update_id;

TEST_CASE("stale_synchronous: the rule at its ends") {
  // Ho et al. 2013: a worker at clock k starts iff the slowest is at k - s or later.
  for (std::uint64_t s = 0; s < 5; ++s) {
    const stale_synchronous rule{s};
    for (std::uint64_t clock = 0; clock < 12; ++clock) {
      for (std::uint64_t slowest = 0; slowest <= clock; ++slowest) {
        const auto behind = static_cast<std::int64_t>(clock) - static_cast<std::int64_t>(s);
        CHECK(rule.may_start(clock, slowest) == (static_cast<std::int64_t>(slowest) >= behind));
      }
      // All updates of clock k-s-1 and before: k-s of them.
      CHECK(rule.seen(clock) == (clock >= s ? clock - s : 0));
    }
  }
  constexpr stale_synchronous bulk{0}, free{stale_synchronous::unbounded};
  static_assert(bulk.may_start(7, 7) && !bulk.may_start(8, 7) && bulk.seen(7) == 7);
  static_assert(free.may_start(stale_synchronous::unbounded, 0) && free.seen(1000) == 0);
}

TEST_CASE("stale_synchronous: what workers at random speed do under the rule") {
  constexpr std::size_t workers = 5;
  for (const std::uint64_t s : {0, 1, 3}) {
    const stale_synchronous rule{s};
    std::mt19937 random{static_cast<unsigned>(s)};
    std::vector<std::uint64_t> clock(workers);
    std::uint64_t widest = 0;
    for (int step = 0; step < 20'000; ++step) {
      const auto slowest = *std::min_element(clock.begin(), clock.end());
      const std::size_t one = random() % 4 == 0 ? random() % workers : random() % 2;  // two hurry
      if (rule.may_start(clock[one], slowest)) {
        for (const auto other : clock) {
          REQUIRE(other >= rule.seen(clock[one]));  // their updates 0 .. seen-1 were pushed
        }
        ++clock[one];
      }
      widest = std::max(widest, *std::max_element(clock.begin(), clock.end()) -
                                    *std::min_element(clock.begin(), clock.end()));
    }
    CHECK(widest == s + 1);  // and the rule is no stricter than it says
    CHECK(*std::min_element(clock.begin(), clock.end()) > 100);
  }
}

TEST_CASE("stale_synchronous: updates have one order, and servers share the traffic") {
  std::vector<update_id> updates{{1, 0}, {0, 2}, {0, 0}, {1, 2}, {0, 1}, {1, 1}};
  std::sort(updates.begin(), updates.end());
  CHECK(updates == std::vector<update_id>{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}});
  // BytePS, docs/rationale.md: n workers, k servers, M bytes: n M / k each way.
  CHECK(rondo::data::bytes_of_server(100, 8, 4) == 200);
  CHECK(rondo::data::bytes_of_server(100, 8, 8) == 100);  // as much as a worker
}
