// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/rondo.hpp>

#include "catch.hpp"

#include <cstddef>
#include <string>

TEST_CASE("explain: the pick is the cheaper one of its own predictions, but near the crossover") {
  rondo::threads::run(4, [](auto& comm) {
    for (std::size_t bytes = 8; bytes <= std::size_t{1} << 30; bytes *= 2) {
      const auto said = rondo::explain(rondo::schedule::collective::all_reduce, comm, bytes);
      REQUIRE(said.alternatives.size() == 1);
      CHECK(said.picked.seconds <= said.alternatives[0].seconds * 1.05);
      CHECK(said.text.find(std::string{said.picked.algorithm}) != std::string::npos);
    }
  });
}

TEST_CASE("cost: ranks that share processors stay longer with one phase") {
  rondo::shared_memory_cost alone;
  rondo::shared_memory_cost shared;
  shared.ranks = 8;
  CHECK(alone.crossover() >= 512);
  CHECK(shared.crossover() > alone.crossover());
  CHECK(shared.phase() > alone.phase());
}

TEST_CASE("explain: a collective without a model is refused by name") {
  rondo::threads::run(1, [](auto& comm) {
    CHECK_THROWS_AS(rondo::explain(rondo::schedule::collective::gather, comm, 8), rondo::error);
  });
}
