// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/schedule.hpp>

namespace schedule = rondo::schedule;

TEST_CASE("a schedule is data: it knows its collective, size and root, and makes rows on demand") {
  constexpr auto one = schedule::broadcast(rondo::tree{}, 5, 3);
  STATIC_REQUIRE(one.what == schedule::collective::broadcast);
  STATIC_REQUIRE(one.size == 5);
  STATIC_REQUIRE(one.root == 3);
  CHECK(one.row(3).steps.size() == 4);
  CHECK(schedule::tabulate(one).row(2) == one.row(2));
}

TEST_CASE("no ranks, and roots that are no rank, are refused") {
  CHECK_THROWS_WITH(schedule::all_reduce(rondo::ring{}, 0),
                    Catch::Matchers::ContainsSubstring("1 to 2^30 ranks"));
  CHECK_THROWS_WITH(schedule::barrier(rondo::bruck{}, (1 << 30) + 1),
                    Catch::Matchers::ContainsSubstring("1 to 2^30 ranks"));
  CHECK(schedule::barrier(rondo::bruck{}, 1 << 30).row(0).steps.size() == 60);
  CHECK_THROWS_WITH(schedule::reduce(rondo::tree{}, 4, 4),
                    Catch::Matchers::ContainsSubstring("schedule::reduce: got root 4 of 4 ranks"));
  CHECK_THROWS_AS(schedule::gather(rondo::tree{}, 4, -1), rondo::error);
}

TEST_CASE("options that make no sense are refused") {
  CHECK_THROWS_WITH(schedule::all_reduce(rondo::tree{.segments = 0}, 4).row(0),
                    Catch::Matchers::ContainsSubstring("got 0 segments; expected 1 to 16384"));
  for (const int segments : {16385, 2147483647}) {
    CHECK_THROWS_WITH(schedule::all_reduce(rondo::tree{segments}, 4).row(0),
                      Catch::Matchers::ContainsSubstring("segments; expected 1 to 16384"));
    CHECK_THROWS_AS(schedule::broadcast(rondo::tree{segments}, 4).row(0), rondo::error);
    CHECK_THROWS_AS(schedule::reduce(rondo::tree{segments}, 4).row(0), rondo::error);
  }
  const rondo::hierarchical largest{rondo::tree{16384}, rondo::tree{16384}, 1};
  CHECK(schedule::all_reduce(largest, 1).row(0).chunks == 1 << 30);
  const rondo::hierarchical uneven{rondo::ring{}, rondo::ring{}, 3};
  CHECK_THROWS_WITH(schedule::all_reduce(uneven, 8).row(0),
                    Catch::Matchers::ContainsSubstring("inner_size 3 for 8 ranks"));
  const rondo::hierarchical unresolved{rondo::ring{}, rondo::ring{}};
  CHECK_THROWS_AS(schedule::all_reduce(unresolved, 8).row(0), rondo::error);
}

TEST_CASE("the algorithms make the collectives that the documentation lists") {
  using schedule::collective;
  using schedule::generates;
  STATIC_REQUIRE(generates<rondo::ring, collective::broadcast>);
  STATIC_REQUIRE(generates<rondo::bruck, collective::all_to_all>);
  STATIC_REQUIRE(generates<rondo::tree, collective::gather>);
  STATIC_REQUIRE_FALSE(generates<rondo::tree, collective::all_to_all>);
  STATIC_REQUIRE_FALSE(generates<rondo::native, collective::all_reduce>);
  STATIC_REQUIRE_FALSE(generates<rondo::automatic, collective::all_reduce>);
  using rings = rondo::hierarchical<rondo::ring, rondo::ring>;
  STATIC_REQUIRE(generates<rings, collective::all_reduce>);
  STATIC_REQUIRE(generates<rings, collective::reduce_scatter>);
  STATIC_REQUIRE_FALSE(generates<rings, collective::all_to_all>);
}

namespace {

using schedule::collective;

/// Whether the list of algorithms by counts names this one just where its programs are for chunks
/// of any size.
template <collective What, class Algorithm>
bool is_listed_rightly(const Algorithm& algorithm) {
  bool any_size = false;
  if constexpr (schedule::generates<Algorithm, What>) {
    any_size = true;
    for (const int ranks : {2, 3, 4, 6, 12}) {
      if (Algorithm::name != rondo::hierarchical<rondo::ring, rondo::ring>::name ||
          ranks % 2 == 0) {
        const auto row = generate(algorithm, schedule::make<What>{}, schedule::place{0, ranks, 0});
        any_size = any_size && !row.uniform;
      }
    }
  }
  const auto list = schedule::algorithms_by_counts(What);
  return any_size == (list.find(Algorithm::name) != list.npos);
}

template <class Algorithm>
void check_listed(const Algorithm& algorithm) {
  INFO(Algorithm::name);
  CHECK(is_listed_rightly<collective::reduce_scatter>(algorithm));
  CHECK(is_listed_rightly<collective::all_gather>(algorithm));
  CHECK(is_listed_rightly<collective::all_to_all>(algorithm));
  CHECK(is_listed_rightly<collective::gather>(algorithm));
  CHECK(is_listed_rightly<collective::scatter>(algorithm));
}

}  // namespace

TEST_CASE(
    "algorithms that take counts are listed as their programs take them, on 2 ranks or many") {
  check_listed(rondo::ring{});
  check_listed(rondo::tree{});
  check_listed(rondo::recursive_doubling{});
  check_listed(rondo::halving_doubling{});
  check_listed(rondo::bruck{});
  check_listed(rondo::one_shot{});
  check_listed(rondo::two_shot{});
  check_listed(rondo::hierarchical{rondo::ring{}, rondo::ring{}, 2});
}
