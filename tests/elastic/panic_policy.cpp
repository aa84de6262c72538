// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "elastic/service.hpp"

#include <rondo/elastic/panic_policy.hpp>

using namespace rondo::elastic;

// The numbers are those of knative/serving, pkg/autoscaler/scaling/autoscaler_test.go.
namespace {

constexpr panic_options with_target(double target) {
  return {.target = target, .up_rate = 10, .down_rate = 10, .limits = {0, 100000}};
}

int decided(const panic_options& options, double demand, double burst, int ready) {
  return panic_policy{options}.decide({.demand = demand, .burst = burst, .ready = ready});
}

}  // namespace

TEST_CASE("panic_policy: Knative's rates up and down") {
  auto slow = with_target(1);
  slow.up_rate = 1.1;
  CHECK(decided(slow, 3, 3.1, 2) == 3);          // ceil(1.1 x 2): growing by one at least
  CHECK(decided(slow, 1000, 1000, 110) == 121);  // 1.1 x 110 is 121.00000000000001 in double
  auto down = with_target(10);
  down.down_rate = 1.1;
  CHECK(decided(down, 1, 1, 100) == 90);
  CHECK(decided(down, 1, 1, 110) == 100);  // 110 / 1.1 is 99.99999999999999
  CHECK(decided(with_target(10), 1000, 1001, 1) == 10);
  CHECK(decided(with_target(10), 1000, 1001, 10) == 100);
  CHECK(decided(with_target(10), 1, 1, 100) == 10);
  CHECK(decided(with_target(10), 1, 1, 10) == 1);
  CHECK(decided(with_target(10), 1000, 888, 0) == 10);  // none counts as one
  CHECK(decided(with_target(181), 21, 26, 1) == 1);
  CHECK(decided(with_target(10), 50, 100, 1) == 10);  // the burst takes precedence
  CHECK(decided(with_target(10), 1, 0, 1) == 1);
  CHECK(decided(with_target(10), 0, 0, 1) == 0);
}

TEST_CASE("panic_policy: Knative's panic, and its end after the stable window") {
  // TestAutoscalerUnpanicAfterSlowIncrease.
  panic_policy policy{with_target(1)};
  CHECK(policy.decide({.now = 0, .demand = 11, .burst = 25, .ready = 10}) == 25);
  CHECK(policy.in_panic());
  CHECK(policy.decide({.now = 30, .demand = 30, .burst = 41, .ready = 40}) == 41);
  CHECK(policy.decide({.now = 62, .demand = 50, .burst = 56, .ready = 55}) == 50);
  CHECK_FALSE(policy.in_panic());
  // TestAutoscalerExtendPanicWindow.
  panic_policy extended{with_target(1)};
  CHECK(extended.decide({.now = 0, .demand = 11, .burst = 25, .ready = 10}) == 25);
  CHECK(extended.decide({.now = 30, .demand = 30, .burst = 80, .ready = 40}) == 80);
  CHECK(extended.decide({.now = 90, .demand = 1, .burst = 1, .ready = 80}) == 80);
  CHECK(extended.decide({.now = 90.5, .demand = 1, .burst = 1, .ready = 80}) == 8);
}

TEST_CASE("panic_policy: Knative never scales down in a panic") {
  // TestAutoscalerPanicThenUnPanicScaleDown.
  panic_policy policy{with_target(10)};
  CHECK(policy.decide({.now = 0, .demand = 100, .burst = 100, .ready = 1}) == 10);
  CHECK(policy.decide({.now = 1, .demand = 100, .burst = 1000, .ready = 10}) == 100);
  CHECK(policy.decide({.now = 31, .demand = 1, .burst = 1, .ready = 10}) == 100);
  CHECK(policy.decide({.now = 62, .demand = 1, .burst = 1, .ready = 10}) == 1);
  // The next panic begins with what is wanted then.
  CHECK(policy.decide({.now = 63, .demand = 20, .burst = 30, .ready = 1}) == 3);
  CHECK(policy.in_panic());
}

TEST_CASE("panic_policy: the larger of both windows") {
  // AutoscalerPanicStableLargerThanPanic, AutoscalerPanicStableLessThanPanic: 5 ready, in panic.
  panic_policy stable{with_target(1)}, burst{with_target(1)};
  CHECK(stable.decide({.now = 0, .demand = 5, .burst = 10, .ready = 5}) == 10);
  CHECK(stable.decide({.now = 5, .demand = 50, .burst = 30, .ready = 5}) == 50);
  CHECK(burst.decide({.now = 0, .demand = 5, .burst = 10, .ready = 5}) == 10);
  CHECK(burst.decide({.now = 5, .demand = 20, .burst = 30, .ready = 5}) == 30);
}

TEST_CASE("panic_policy: Knative's load that grows sixfold each second") {
  // TestAutoscalerPanicModeExponentialTrackAndStabilize.
  panic_policy policy{with_target(1)};
  int ready = 1;
  for (const int load : {6, 36, 216, 1296, 1296}) {
    const double now = static_cast<double>(load);
    CHECK(policy.decide({.now = now, .demand = now, .burst = now, .ready = ready}) == load);
    ready = load;
  }
}

TEST_CASE("panic_policy: Knative's delay of scaling down") {
  // TestAutoscalerScaleDownDelay: five minutes.
  auto options = with_target(10);
  options.panic_threshold = 100;
  options.down_delay = 300;
  panic_policy policy{options};
  const auto at = [&](double now, double demand) {
    return policy.decide({.now = now, .demand = demand, .burst = demand});
  };
  CHECK(at(2, 40) == 4);
  CHECK(at(300, 0) == 4);
  CHECK(at(302, 0) == 0);
  CHECK(at(540, 40) == 4);
  CHECK(at(600, 30) == 4);
  CHECK(at(660, 0) == 4);
  CHECK(at(840, 0) == 3);
  CHECK(at(900, 0) == 0);
  options.down_delay = 0;  // TestAutoscalerScaleDownDelayZero
  panic_policy prompt{options};
  CHECK(prompt.decide({.now = 0, .demand = 40, .burst = 40}) == 4);
  CHECK(prompt.decide({.now = 0.5, .demand = 20, .burst = 20}) == 2);
}

TEST_CASE("panic_policy: targets and loads that mean nothing are refused") {
  check_refusals<panic_policy, panic_options>();
  for (const double wrong : {0.5, not_a_number, endless}) {
    CHECK_FALSE(
        refusals::argument_refusal([&] { return panic_policy{{.up_rate = wrong}}; }).empty());
    CHECK_FALSE(
        refusals::argument_refusal([&] { return panic_policy{{.down_rate = wrong}}; }).empty());
  }
  for (const double wrong : {-1.0, not_a_number, endless}) {
    CHECK_FALSE(refusals::argument_refusal([&] {
                  return panic_policy{{.panic_threshold = wrong}};
                }).empty());
    CHECK_FALSE(
        refusals::argument_refusal([&] { return panic_policy{{.stable_window = wrong}}; }).empty());
    CHECK_FALSE(
        refusals::argument_refusal([&] { return panic_policy{{.down_delay = wrong}}; }).empty());
  }
}
