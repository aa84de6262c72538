// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/core/operation.hpp>

#include "catch.hpp"

#include <cstdint>
#include <functional>

namespace {

/// Whether an operation folds values of type T without changing them on its way in or out.
template <class T, class Operation>
consteval bool keeps(Operation) {
  return rondo::detail::takes_unchanged<Operation, T>() &&
         rondo::detail::returns_result<Operation, T>();
}

template <class T, class Operation>
T folded(Operation with, T a, T b) {
  return rondo::reduction<Operation, T>{with}.fold(a, b);
}

constexpr auto narrow = [](std::int8_t a, std::int8_t b) { return a + b; };
constexpr auto any = [](auto a, auto b) { return a + b; };
constexpr auto quiet = [](const float& a, const float& b) noexcept { return a + b; };
constexpr auto in_double = [](float a, float b) { return a + 0.5 * b; };
constexpr auto integers = [](int a, int b) { return a + b; };
constexpr auto long_ones = [](long a, long b) { return a + b; };
constexpr auto floats = [](float a, float b) { return a + b; };
constexpr auto counts = [](float a, float b) { return a < b ? 1 : 0; };

}  // namespace

TEST_CASE(
    "operations: one that changes values on their way in or out is told from one that does not") {
  STATIC_REQUIRE(keeps<std::int8_t>(narrow));  // an int, as arithmetic makes it
  STATIC_REQUIRE(keeps<std::int8_t>(std::plus<int>{}));
  STATIC_REQUIRE(keeps<std::int8_t>(std::bit_or<>{}));
  STATIC_REQUIRE(keeps<std::uint8_t>(std::logical_or<>{}));
  STATIC_REQUIRE(keeps<bool>(std::plus<>{}));
  STATIC_REQUIRE(keeps<float>(std::plus<>{}));
  STATIC_REQUIRE(keeps<float>(std::plus<double>{}));
  STATIC_REQUIRE(keeps<float>(any));
  STATIC_REQUIRE(keeps<float>(quiet));
  STATIC_REQUIRE(keeps<float>(in_double));
  STATIC_REQUIRE(keeps<unsigned char>(rondo::op::product{}));
  STATIC_REQUIRE(keeps<int>(rondo::op::max{}));

  STATIC_REQUIRE_FALSE(keeps<float>(integers));
  STATIC_REQUIRE_FALSE(keeps<float>(std::plus<int>{}));
  STATIC_REQUIRE_FALSE(keeps<float>(std::minus<long>{}));
  STATIC_REQUIRE_FALSE(keeps<float>(counts));
  STATIC_REQUIRE_FALSE(keeps<double>(floats));
  STATIC_REQUIRE_FALSE(keeps<double>(quiet));
  STATIC_REQUIRE_FALSE(keeps<std::int64_t>(std::plus<int>{}));
  STATIC_REQUIRE_FALSE(keeps<unsigned>(std::plus<int>{}));
  STATIC_REQUIRE_FALSE(keeps<int>(long_ones));
  STATIC_REQUIRE_FALSE(keeps<std::int8_t>(quiet));
}

TEST_CASE("operations: a promoted integer comes back, a wider float is rounded") {
  CHECK(folded<std::int8_t>(narrow, 3, 4) == 7);
  CHECK(folded<std::uint8_t>(std::plus<>{}, 200, 100) == 44);
  CHECK(folded<float>(in_double, 1.0F, 3.0F) == 2.5F);
  CHECK(folded<float>(std::plus<double>{}, 0.25F, 0.5F) == 0.75F);
}
