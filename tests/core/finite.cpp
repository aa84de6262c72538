// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/core/bit_cast.hpp>
#include <rondo/core/finite.hpp>

#include <cstdint>

// Built with -ffast-math, under which `x - x == 0` and std::isfinite are true of everything.
TEST_CASE("is_finite: infinities and NaN of either sign are not, whatever the compiler assumes") {
  for (const std::uint32_t sign : {0u, 1u << 31}) {
    const auto from = [&](std::uint32_t bits) { return rondo::bit_cast<float>(bits | sign); };
    for (const std::uint32_t bits : {0u, 1u, 0x007fffffu, 0x3f800000u, 0x7f7fffffu}) {
      CHECK(rondo::is_finite(from(bits)));
    }
    for (const std::uint32_t bits : {0x7f800000u, 0x7f800001u, 0x7fc00000u, 0x7fffffffu}) {
      CHECK_FALSE(rondo::is_finite(from(bits)));
    }
  }
  for (const std::uint64_t sign : {std::uint64_t{0}, std::uint64_t{1} << 63}) {
    const auto from = [&](std::uint64_t bits) { return rondo::bit_cast<double>(bits | sign); };
    for (const std::uint64_t bits :
         {0ul, 1ul, 0x3ff0000000000000ul, 0x47f0000000000000ul, 0x7feffffffffffffful}) {
      CHECK(rondo::is_finite(from(bits)));
    }
    for (const std::uint64_t bits :
         {0x7ff0000000000000ul, 0x7ff0000000000001ul, 0x7ff8000000000000ul}) {
      CHECK_FALSE(rondo::is_finite(from(bits)));
    }
  }
  static_assert(rondo::is_finite(1.0) && rondo::is_finite(-1.0f));
}

TEST_CASE("nearest_whole: halves go away from 0, and what no whole number holds is the largest") {
  static_assert(rondo::nearest_whole(2.4) == 2 && rondo::nearest_whole(2.5) == 3);
  static_assert(rondo::nearest_whole(-2.4) == -2 && rondo::nearest_whole(-2.5) == -3);
  static_assert(rondo::nearest_whole(0.49999999999999994) == 0);
  static_assert(rondo::nearest_whole(0x1p52 + 1) == (1LL << 52) + 1);
  static_assert(rondo::nearest_whole(-0x1p53 + 1) == 1 - (1LL << 53));
  constexpr long long most = 9'000'000'000'000'000'000;
  CHECK(rondo::nearest_whole(1e30) == most);
  CHECK(rondo::nearest_whole(-1e30) == -most);
}
