// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "elastic/service.hpp"

#include <rondo/elastic/ratio_policy.hpp>

using namespace rondo::elastic;

TEST_CASE("ratio_policy: Kubernetes' 200m over 100m doubles, 50m halves") {
  // Kubernetes documentation, "Algorithm details"; here the metric is the sum over pods.
  for (int replicas = 1; replicas <= 60; ++replicas) {
    const auto decided = [&](double each) {
      ratio_policy policy{{.target = 0.1, .down_window = 0, .limits = {1, 1000}}};
      return policy.decide({.demand = each * replicas, .ready = replicas, .asked = replicas});
    };
    CHECK(decided(0.2) == 2 * replicas);
    CHECK(decided(0.05) == (replicas + 1) / 2);
    CHECK(decided(0.1) == replicas);
  }
  // The example of the release notes of v1.33: 50 pods at 90 % of a target of 75 %.
  ratio_policy policy{{.target = 0.75}};
  CHECK(policy.decide({.demand = 50 * 0.9, .ready = 50, .asked = 50}) == 60);
}

TEST_CASE("ratio_policy: a tenth more or less changes nothing") {
  const auto decided = [](double ratio) {
    ratio_policy policy{{.target = 1, .down_window = 0}};
    return policy.decide({.demand = 20 * ratio, .ready = 20, .asked = 20});
  };
  CHECK(decided(1.1) == 20);
  CHECK(decided(0.9) == 20);
  CHECK(decided(1.11) == 23);
  CHECK(decided(0.89) == 18);
}

TEST_CASE("ratio_policy: fewer are asked for when five minutes wanted no more") {
  ratio_policy policy{{.target = 1, .down_window = 300}};
  service served{10, 0.0};
  auto moves = served.run(policy, 15, 10, 60);
  CHECK(moves.empty());
  moves = served.run(policy, 15, 4, 600);  // from 60 s on
  REQUIRE(moves.size() == 1);
  CHECK(moves[0].replicas == 4);
  CHECK(moves[0].after == Approx(285).margin(15));  // five minutes after the last that wanted 10
  // A peak in between counts as long.
  served.run(policy, 15, 8, 15);
  moves = served.run(policy, 15, 2, 600);
  REQUIRE(moves.size() == 1);
  CHECK(moves[0].after == Approx(285).margin(15));
  // More are asked for at once.
  moves = served.run(policy, 15, 9, 15);
  REQUIRE(moves.size() == 1);
  CHECK(moves[0].after == 0);
}

TEST_CASE("ratio_policy: the number at the first call counts, and none ready is no metric") {
  ratio_policy fresh;  // no decision yet, so what was asked for before is all that is known
  CHECK(fresh.decide({.now = 100, .demand = 2, .ready = 8, .asked = 8}) == 8);
  CHECK(fresh.decide({.now = 399, .demand = 2, .ready = 8, .asked = 8}) == 8);
  CHECK(fresh.decide({.now = 400, .demand = 2, .ready = 8, .asked = 8}) == 2);
  ratio_policy none;
  CHECK(none.decide({.demand = 50, .ready = 0, .asked = 3}) == 3);
}

TEST_CASE("ratio_policy: targets and loads that mean nothing are refused") {
  check_refusals<ratio_policy, ratio_options>();
  for (const double wrong : {-0.1, not_a_number, endless}) {
    CHECK_FALSE(
        refusals::argument_refusal([&] { return ratio_policy{{.tolerance = wrong}}; }).empty());
    CHECK_FALSE(
        refusals::argument_refusal([&] { return ratio_policy{{.down_window = wrong}}; }).empty());
  }
}
