// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/elastic/gradient_noise.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using rondo::elastic::gradient_noise;

TEST_CASE("gradient_noise: AdaScale's gain, as AdaptDL floors it") {
  // petuum/adaptdl, torch/scaling_rules.py, AdaScale: (variance, squared norm) at five scales.
  struct row {
    double scale, values[4];
  };
  constexpr gradient_noise of[] = {{1, -1}, {0, 0}, {0, -1}, {2, 1}};
  for (const row& expected :
       {row{0.5, {.5, .5, .5, .6}}, row{1, {1, 1, 1, 1}}, row{2, {2, 2, 2, 1.5}},
        row{4, {4, 4, 4, 2}}, row{10, {10, 10, 10, 2.5}}}) {
    for (std::size_t i = 0; i < 4; ++i) {
      INFO("variance " << of[i].variance << ", scale " << expected.scale);
      CHECK(of[i].gain(expected.scale) == Approx(expected.values[i]).epsilon(1e-12));
      CHECK(of[i].efficiency(expected.scale) ==
            Approx(expected.values[i] / expected.scale).epsilon(1e-12));
    }
  }
  CHECK(gradient_noise{3, 1}.gain(3) == 2);  // its unit test
}

TEST_CASE("gradient_noise: estimated from gradients, it is that of their distribution") {
  // Every pair of four equally likely gradients: the estimates' mean has no bias.
  const std::vector<double> drawn{-1, 2, 3, 8};
  double variance = 0, squared_norm = 0, mean = 0, spread = 0;
  for (const double a : drawn) {
    for (const double b : drawn) {
      const auto one =
          gradient_noise::estimate(2, 2, (a * a + b * b) / 2, (a + b) / 2 * ((a + b) / 2));
      variance += one.variance / 16;
      squared_norm += one.squared_norm / 16;
    }
    mean += a / 4;
  }
  for (const double a : drawn) {
    spread += (a - mean) * (a - mean) / 4;
  }
  CHECK(squared_norm == Approx(mean * mean));
  CHECK(variance == Approx(spread));  // each rank's batch is one first batch: scale 2 of 2
  CHECK_THAT(refusals::argument_refusal([] { return gradient_noise::estimate(1, 1, 1, 1); }),
             ContainsSubstring("noise of 1 gradients"));
}

TEST_CASE("gradient_noise: NaN and scales of nothing are refused") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THAT(refusals::argument_refusal([] {
               return gradient_noise{1, 1}.gain(0);
             }),
             ContainsSubstring("scale 0"));
  CHECK_FALSE(refusals::argument_refusal([] { return gradient_noise{1, 1}.gain(-1); }).empty());
  CHECK_FALSE(refusals::argument_refusal([] { return gradient_noise{1, 1}.gain(nan); }).empty());
  CHECK_FALSE(refusals::argument_refusal([] {
                return gradient_noise{1, 1}.gain(HUGE_VAL);
              }).empty());
  CHECK_FALSE(refusals::argument_refusal([] { return gradient_noise{nan, 1}.gain(1); }).empty());
  CHECK_FALSE(refusals::argument_refusal([] { return gradient_noise{1, nan}.gain(1); }).empty());
}
