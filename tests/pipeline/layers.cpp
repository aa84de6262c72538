// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/pipeline/layers.hpp>

#include <numeric>
#include <random>

namespace pipeline = rondo::pipeline;

TEST_CASE("a split of layers must be complete and disjoint") {
  const auto says = [](const char* part) { return Catch::Matchers::ContainsSubstring(part); };
  CHECK_NOTHROW(pipeline::check_split({{0, 3}, {3, 3}, {3, 5}}, 5));
  CHECK_THROWS_WITH(pipeline::check_split({{0, 3}, {4, 5}}, 5), says("layer 3 is on no stage"));
  CHECK_THROWS_WITH(pipeline::check_split({{0, 3}, {2, 5}}, 5), says("layer 2 is on two stages"));
  CHECK_THROWS_WITH(pipeline::check_split({{0, 7}, {7, 28}}, 30),
                    says("layer 28 is on no stage; the split covers 28 of 30 layers"));
  CHECK_THROWS_WITH(pipeline::check_split({{0, 6}}, 5), says("0 .. 6 of a model of 5"));
}

TEST_CASE("an even split differs by one layer at most") {
  const auto split = pipeline::split_evenly(30, 4);
  pipeline::check_split(split, 30);
  CHECK(split == std::vector<pipeline::layer_range>{{0, 8}, {8, 16}, {16, 23}, {23, 30}});
}

TEST_CASE("a split by cost refuses costs that it cannot add up") {
  const auto says = [](const char* part) { return Catch::Matchers::ContainsSubstring(part); };
  constexpr std::int64_t half = std::int64_t{1} << 62;
  CHECK_THROWS_WITH(pipeline::split_layers({5, 5, -10}, 1), says("a layer that costs -10"));
  CHECK_THROWS_WITH(pipeline::split_layers({half, half, half}, 2), says("a sum below 2^63"));
  CHECK(pipeline::split_layers({half, half - 1}, 2) ==
        std::vector<pipeline::layer_range>{{0, 1}, {1, 2}});
}

TEST_CASE("a split by cost has the smallest dearest stage") {
  std::mt19937 random{7};
  const auto dearest = [](const std::vector<std::int64_t>& cost, const auto& split) {
    std::int64_t most = 0;
    for (const auto& each : split) {
      most = std::max(most, std::accumulate(cost.begin() + each.first, cost.begin() + each.last,
                                            std::int64_t{0}));
    }
    return most;
  };
  for (int round = 0; round < 200; ++round) {
    const int stages = std::uniform_int_distribution{1, 4}(random);
    const int layers = stages + std::uniform_int_distribution{0, 6}(random);
    std::vector<std::int64_t> cost(static_cast<std::size_t>(layers));
    for (auto& each : cost) {
      each = std::uniform_int_distribution{0, 9}(random);
    }
    const auto split = pipeline::split_layers(cost, stages);
    REQUIRE(static_cast<int>(split.size()) == stages);
    pipeline::check_split(split, layers);
    // Every other way to cut, by counting through all sets of cuts.
    std::int64_t best = dearest(cost, split);
    for (unsigned cuts = 0; cuts < 1u << (layers - 1); ++cuts) {
      std::vector<pipeline::layer_range> other;
      int first = 0;
      for (int layer = 1; layer <= layers; ++layer) {
        if (layer == layers || (cuts >> (layer - 1) & 1u)) {
          other.push_back({first, layer});
          first = layer;
        }
      }
      if (static_cast<int>(other.size()) == stages) {
        best = std::min(best, dearest(cost, other));
      }
    }
    REQUIRE(dearest(cost, split) == best);
  }
  CHECK_THROWS_WITH(pipeline::split_layers({1, 2}, 3),
                    Catch::Matchers::ContainsSubstring("at least one layer per stage"));
}
