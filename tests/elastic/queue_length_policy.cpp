// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "elastic/service.hpp"

#include <rondo/elastic/queue_length_policy.hpp>

#include <utility>
#include <vector>

using namespace rondo::elastic;

namespace {

/// Ray's tests set both delays to 0.
constexpr queue_length_options at_once{
    .target = 1, .up_delay = 0, .down_delay = 0, .to_zero_delay = 0, .limits = {0, 200}};

}  // namespace

TEST_CASE("queue_length_policy: Ray's replicas that start late") {
  // ray, serve/tests/unit/test_autoscaling_policy.py, test_replicas_delayed_startup.
  queue_length_policy policy{
      {.target = 1, .up_delay = 0, .down_delay = 100000, .limits = {1, 200}}};
  CHECK(policy.decide({.now = 0, .demand = 100, .ready = 1, .asked = 1}) == 100);
  CHECK(policy.decide({.now = 1, .demand = 100, .ready = 1, .asked = 100}) == 100);
  CHECK(policy.decide({.now = 2, .demand = 123, .ready = 3, .asked = 100}) == 123);
  CHECK(policy.decide({.now = 3, .demand = 10, .ready = 4, .asked = 123}) == 123);
}

TEST_CASE("queue_length_policy: Ray's target of five requests on four replicas") {
  // test_single_replica_receives_all_requests.
  for (const auto& [demand, replicas] : {std::pair{20, 4}, {100, 20}, {10, 2}}) {
    queue_length_policy policy{{.target = 5, .up_delay = 0, .down_delay = 0, .limits = {1, 50}}};
    CHECK(policy.decide({.demand = 1.0 * demand, .ready = 4, .asked = 4}) == replicas);
  }
}

TEST_CASE("queue_length_policy: Ray's way down to zero, by way of one") {
  // test_scaling_factor_scale_down_to_0_replicas.
  queue_length_policy policy{at_once};
  CHECK(policy.decide({.demand = 0, .ready = 5, .asked = 5}) == 1);
  CHECK(policy.decide({.demand = 0, .ready = 1, .asked = 1}) == 0);
  auto slow = at_once;
  slow.down_factor = 0.2;
  queue_length_policy gentle{slow};
  std::vector<int> replicas{5};
  while (replicas.back() > 0 && replicas.size() < 20) {
    replicas.push_back(
        gentle.decide({.demand = 0, .ready = replicas.back(), .asked = replicas.back()}));
  }
  CHECK(replicas == std::vector{5, 4, 3, 2, 1, 0});  // five steps
}

TEST_CASE("queue_length_policy: Ray's first request to none skips the delay") {
  queue_length_policy policy{{.target = 1, .up_delay = 30, .limits = {0, 20}}};
  CHECK(policy.decide({.demand = 0, .ready = 0, .asked = 0}) == 0);
  CHECK(policy.decide({.demand = 1, .ready = 0, .asked = 0}) == 1);
  CHECK(policy.decide({.demand = 7, .ready = 0, .asked = 1}) == 1);  // it is on its way
  CHECK(policy.decide({.demand = 7, .ready = 0, .asked = 3}) == 3);  // and so are these
  auto eager = at_once;
  eager.up_factor = 10;  // test_scaling_factor_scale_up_from_0_replicas
  CHECK(queue_length_policy{eager}.decide({.demand = 1}) == 10);
  eager.up_factor = 0.5;
  CHECK(queue_length_policy{eager}.decide({.demand = 1}) == 1);
}

TEST_CASE("queue_length_policy: delays are seconds, however often it is asked") {
  // test_upscale_downscale_delay; ray-project/ray#62004 for delays counted in calls.
  for (const double every : {0.1, 1.0, 7.5}) {
    queue_length_policy policy{
        {.target = 1, .up_delay = 30, .down_delay = 600, .to_zero_delay = 300, .limits = {0, 2}}};
    service served{1, 0.0};
    const auto moves = served.run(policy, every, 2, 40);
    REQUIRE(moves.size() == 1);
    CHECK(moves[0].replicas == 2);
    CHECK(moves[0].after == Approx(30).margin(every));
    const auto down = served.run(policy, every, 0, 1000);
    REQUIRE(down.size() == 2);
    CHECK(down[0].replicas == 1);
    CHECK(down[0].after == Approx(600).margin(every));
    CHECK(down[1].replicas == 0);
    CHECK(down[1].after == Approx(900).margin(2 * every));
  }
}

TEST_CASE("queue_length_policy: what was asked for outside the limits is not asked for again") {
  // Ray: AutoscalingState.apply_bounds, whatever the policy decided.
  const queue_length_options narrow{.target = 1, .limits = {2, 10}};
  CHECK(queue_length_policy{narrow}.decide({.demand = 50, .ready = 30, .asked = 30}) == 10);
  CHECK(queue_length_policy{narrow}.decide({.demand = 0, .ready = 30, .asked = 30}) == 10);
  CHECK(queue_length_policy{narrow}.decide({.demand = 5, .ready = 1, .asked = 1}) == 2);
  CHECK(queue_length_policy{narrow}.decide({.demand = 5, .ready = 0, .asked = 30}) == 10);
}

TEST_CASE("queue_length_policy: a load that comes and goes moves nothing") {
  // test_fluctuating_ongoing_requests: the wait begins anew when the direction changes.
  queue_length_policy policy{{.target = 50, .up_delay = 30, .down_delay = 30, .limits = {1, 10}}};
  for (int i = 0; i < 1000; ++i) {
    const int asked = i % 2 == 0 ? 1 : 2;
    const double demand = i % 2 == 0 ? 100 : 40;
    CHECK(policy.decide({.now = 0.1 * i, .demand = demand, .ready = asked, .asked = asked}) ==
          asked);
  }
}

TEST_CASE("queue_length_policy: targets and loads that mean nothing are refused") {
  check_refusals<queue_length_policy, queue_length_options>();
  for (auto spoil : {+[](queue_length_options& of) { of.up_factor = -1; },
                     +[](queue_length_options& of) { of.down_factor = not_a_number; },
                     +[](queue_length_options& of) { of.up_delay = -1; },
                     +[](queue_length_options& of) { of.down_delay = not_a_number; },
                     +[](queue_length_options& of) { of.to_zero_delay = -1; }}) {
    queue_length_options options;
    spoil(options);
    CHECK_FALSE(refusals::argument_refusal([&] { return queue_length_policy{options}; }).empty());
  }
}

TEST_CASE("queue_length_policy: a factor of 0 changes nothing, however large the demand") {
  queue_length_policy policy{{.target = 1e-300, .up_factor = 0, .up_delay = 0, .down_delay = 0}};
  CHECK(policy.decide({.now = 0, .demand = 1e300, .ready = 3, .asked = 3}) == 3);
}
