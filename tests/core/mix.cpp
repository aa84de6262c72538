// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/core/detail/mix.hpp>

TEST_CASE("mix: the numbers of splitmix64") {
  // As splitmix64.c (Vigna 2015, public domain) draws them from a state of 1234567.
  constexpr std::uint64_t state = 1234567;
  constexpr std::uint64_t step = 0x9e3779b97f4a7c15u;
  CHECK(rondo::detail::mixed(state) == 6457827717110365317u);
  CHECK(rondo::detail::mixed(state + step) == 3203168211198807973u);
  CHECK(rondo::detail::mixed(state + 2 * step) == 9817491932198370423u);
}
