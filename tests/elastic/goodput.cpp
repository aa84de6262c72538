// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/elastic/goodput.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

using Catch::Matchers::ContainsSubstring;
using rondo::elastic::goodput;
using rondo::elastic::gradient_noise;
using rondo::elastic::step_time;

TEST_CASE("goodput: computing and communicating overlap by a power mean") {
  // petuum/adaptdl, goodput.py: (T_c^gamma + T_n^gamma)^(1/gamma).
  for (const double gamma : {1.0, 1.5, 2.0, 7.0, 10.0}) {
    for (const double network : {0.0, 0.001, 3.0, 4.0}) {
      CHECK(step_time{4, network, gamma}.seconds() ==
            Approx(std::pow(std::pow(4, gamma) + std::pow(network, gamma), 1 / gamma)));
      CHECK(step_time{network, 4, gamma}.seconds() ==
            Approx(step_time{4, network, gamma}.seconds()));
    }
  }
  CHECK(step_time{3, 4, 1}.seconds() == Approx(7));
  CHECK(step_time{3, 4, 2}.seconds() == Approx(5));
  CHECK(step_time{3, 4, 1e9}.seconds() == Approx(4));
  CHECK(step_time{3e200, 4e200, 2}.seconds() == Approx(5e200));  // no power overflows
}

TEST_CASE("goodput: throughput times Pollux's efficiency") {
  // Qiao et al. 2021, equation 5: (phi + M0) / (phi + M), phi the noise scale in samples.
  const gradient_noise noise{12, 3};
  constexpr double first = 64;
  const double phi = first * 12 / 3;
  for (const double batch : {64.0, 100.0, 1024.0}) {
    const double efficiency = (phi + first) / (phi + batch);
    CHECK(goodput(noise, {1, 0.5}, batch, first) == Approx(batch / 1.5 * efficiency));
  }
}

TEST_CASE("goodput: steps that take no time, and NaN, are refused") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto told = [](step_time of) {
    return refusals::argument_refusal([&] { return of.seconds(); });
  };
  CHECK_THAT(told({0, 0}), ContainsSubstring("expected times of which one is not 0"));
  CHECK_FALSE(told({-1, 3}).empty());
  CHECK_FALSE(told({nan, 1}).empty());
  CHECK_FALSE(told({1, nan}).empty());
  CHECK_FALSE(told({HUGE_VAL, 1}).empty());
  CHECK_FALSE(told({1, 1, 0.5}).empty());
  CHECK_FALSE(told({1, 1, nan}).empty());
  CHECK_FALSE(refusals::argument_refusal([] { return goodput({1, 1}, {1, 1}, 0, 64); }).empty());
  CHECK_FALSE(refusals::argument_refusal([] { return goodput({1, 1}, {1, 1}, 64, 0); }).empty());
}
