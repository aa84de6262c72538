// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/data/fixed_point.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

using rondo::data::fixed_point;

TEST_CASE("fixed_point: Flower's SecAgg+ grid, of which exactly 1024 clients fit") {
  // flwr, secaggplus_workflow.py: clipping range 8, quantisation range 2^22, modulus 2^32.
  constexpr fixed_point grid;
  static_assert(grid.room() == 1024);
  constexpr std::uint64_t modulus = std::uint64_t{1} << 32;
  static_assert(1024 * std::uint64_t{grid.encode(8)} < modulus);
  static_assert(1025 * std::uint64_t{grid.encode(8)} >= modulus);
  CHECK(grid.step() == Approx(3.8147e-6).epsilon(1e-5));
  CHECK(fixed_point{.largest = 0xffffffff}.room() == 1);
  CHECK(fixed_point{.largest = 0}.room() == 0);
}

TEST_CASE("fixed_point: a grid has a width that a double holds twice") {
  CHECK(fixed_point{.clip = 1e300}.valid());
  CHECK_FALSE(fixed_point{.clip = 1e308}.valid());
  CHECK_FALSE(fixed_point{.clip = 0}.valid());
  CHECK_FALSE(fixed_point{.largest = 0}.valid());
}

TEST_CASE("fixed_point: values are clipped, and come back within half a step") {
  constexpr fixed_point grid;
  static_assert(grid.encode(-8) == 0);
  static_assert(grid.encode(8) == (1U << 22) - 1);
  static_assert(grid.encode(-1e30) == 0);
  static_assert(grid.encode(1e30) == (1U << 22) - 1);
  static_assert(grid.encode(std::numeric_limits<double>::infinity()) == (1U << 22) - 1);
  static_assert(grid.encode(std::numeric_limits<double>::quiet_NaN()) == 0);
  static_assert(grid.encode(0) == 1U << 21);  // the middle lies between two numbers
  for (const fixed_point each : {grid, fixed_point{.clip = 0.5, .largest = 255}}) {
    for (int i = -1000; i <= 1000; ++i) {
      const double x = each.clip * i / 1000;
      const auto number = each.encode(x);
      CHECK(static_cast<double>(number) ==
            std::floor((x + each.clip) / (2 * each.clip) * each.largest + 0.5));
      CHECK(std::abs(each.decode(number, 1) - x) <= each.step() / 2 * (1 + 1e-9));
      CHECK(std::abs(each.decode(3 * number, 3) - x) <= each.step() / 2 * (1 + 1e-9));
    }
  }
  CHECK(grid.valid());
  CHECK_FALSE(fixed_point{.clip = 0}.valid());
  CHECK_FALSE(fixed_point{.clip = std::numeric_limits<double>::infinity()}.valid());
  CHECK_FALSE(fixed_point{.clip = std::numeric_limits<double>::quiet_NaN()}.valid());
  CHECK_FALSE(fixed_point{.largest = 0}.valid());
}
