// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/transport/detail/landing.hpp>
#include <rondo/transport/turn.hpp>

#include <cstddef>
#include <vector>

TEST_CASE("landing: messages without memory lie side by side, aligned, in the bytes counted") {
  constexpr std::size_t alignment = 64;
  std::byte own{};
  const std::vector<rondo::incoming> in{{1, nullptr, 1},  {2, &own, 1000},  {3, nullptr, 0},
                                        {4, nullptr, 64}, {5, nullptr, 65}, {6, nullptr, 7}};
  const std::size_t bytes = rondo::detail::landing_bytes(in, alignment);
  CHECK(bytes == 64 + 0 + 64 + 128 + 64);

  std::vector<std::byte> landing(bytes);
  std::size_t end = 0;
  std::size_t seen = 0;
  rondo::detail::each_landing(in, landing.data(), alignment,
                              [&](std::size_t which, const rondo::incoming& one, std::byte* into) {
                                CAPTURE(which);
                                REQUIRE(which == seen++);
                                REQUIRE(one.peer == in[which].peer);
                                if (which == 1) {
                                  CHECK(into == &own);
                                  return;
                                }
                                const auto at = static_cast<std::size_t>(into - landing.data());
                                CHECK(at % alignment == 0);
                                CHECK(at >= end);
                                CHECK(at + one.bytes <= bytes);
                                end = at + one.bytes;
                              });
  CHECK(seen == in.size());
}
