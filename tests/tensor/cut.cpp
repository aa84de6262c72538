// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/cut.hpp>

#include <array>
#include <limits>
#include <vector>

using rondo::cut;
using rondo::part;
using widths = std::vector<std::size_t>;

TEST_CASE("cut: even widths differ by one, the larger first") {
  CHECK(cut::even(10, 4).widths() == widths{3, 3, 2, 2});
  CHECK(cut::even(5, 4).widths() == widths{2, 1, 1, 1});
  CHECK(cut::even(2, 4).widths() == widths{1, 1, 0, 0});
  CHECK(cut::even(0, 3).widths() == widths{0, 0, 0});
  CHECK(cut::even(10, 4, 2).widths() == widths{4, 2, 2, 2});
  CHECK(cut::even(10, 3).contiguous());
}

TEST_CASE("cut: a fused weight keeps its parts apart on every rank") {
  const std::array parts{cut::even(8, 2), cut::even(4, 2), cut::even(4, 2)};  // query, key, value
  const cut fused = cut::fused(parts);
  CHECK(fused.extent() == 16);
  CHECK(fused.widths() == widths{8, 8});
  CHECK(std::vector<part>(fused.runs(0).begin(), fused.runs(0).end()) ==
        std::vector<part>{{0, 4}, {8, 2}, {12, 2}});
  CHECK(std::vector<part>(fused.runs(1).begin(), fused.runs(1).end()) ==
        std::vector<part>{{4, 4}, {10, 2}, {14, 2}});
  CHECK(fused.global(1, 0) == 4);
  CHECK(fused.global(1, 5) == 11);
  CHECK_FALSE(fused.contiguous());
}

TEST_CASE("cut: a gated weight is cut as Megatron-LM cuts it, with a stride of two") {
  // core/tensor_parallel/layers.py, _initialize_affine_weight_cpu: of 2t equal pieces, rank i gets
  // weight_list[i::t].
  constexpr std::size_t width = 3;
  for (std::size_t t = 1; t <= 8; ++t) {
    const std::array halves{cut::even(width * t, static_cast<int>(t)),
                            cut::even(width * t, static_cast<int>(t))};
    const cut fused = cut::fused(halves);
    for (std::size_t i = 0; i < t; ++i) {
      std::vector<part> strided;
      for (std::size_t piece = i; piece < 2 * t; piece += t) {
        strided.push_back({piece * width, width});
      }
      const auto held = fused.runs(static_cast<int>(i));
      CHECK(std::vector<part>(held.begin(), held.end()) == strided);
    }
  }
}

TEST_CASE("cut: a vocabulary's ranges are those of Megatron-LM") {
  // core/tensor_parallel/utils.py, VocabUtility: rank i holds [i V/t, (i+1) V/t); GPT-2's, padded.
  constexpr std::size_t padded[] = {50304, 50432, 50688, 51200};
  constexpr std::size_t held[] = {50304, 25216, 12672, 6400};
  for (std::size_t power = 0; power < 4; ++power) {
    const cut words = cut::even(padded[power], 1 << power);
    for (int rank = 0; rank < words.ranks(); ++rank) {
      REQUIRE(words.runs(rank).size() == 1);
      CHECK(words.runs(rank)[0] == part{static_cast<std::size_t>(rank) * held[power], held[power]});
    }
  }
}

TEST_CASE("cut: heads become columns") {
  CHECK(cut::even(3, 2).scaled(64).widths() == widths{128, 64});
  CHECK(cut::even(3, 2).scaled(64).extent() == 192);
}

TEST_CASE("cut: what is not held, or beyond the end, is refused") {
  CHECK_THROWS_WITH((cut{4, {{{0, 2}}, {{3, 1}}}}),
                    Catch::Matchers::ContainsSubstring("no rank holds index 2 of 4"));
  CHECK_THROWS_WITH((cut{4, {{{0, 3}}, {{3, 2}}}}),
                    Catch::Matchers::ContainsSubstring("3 to 5 of a dimension of 4"));
  CHECK_THROWS_WITH((cut{4, {}}), Catch::Matchers::ContainsSubstring("no rank holds index 0"));
  CHECK_THROWS_WITH(cut::whole(10, -1), Catch::Matchers::ContainsSubstring("cut: for -1 ranks"));
  CHECK_THROWS_WITH(cut::even(0, 0), Catch::Matchers::ContainsSubstring("cut: for 0 ranks"));
  CHECK_NOTHROW(cut{4, {{{0, 4}}, {{1, 2}}}});  // held by two ranks
  const auto says = [](const char* part) { return Catch::Matchers::ContainsSubstring(part); };
  CHECK_THROWS_WITH((cut{4, {{}, {{0, 4}, {1, 1}}}}), says("rank 1 holds index 1 twice"));
  // Nor where a run of nothing stands between the two.
  CHECK_THROWS_WITH((cut{4, {{{0, 4}, {2, 0}, {3, 1}}}}), says("rank 0 holds index 3 twice"));
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK_THROWS_WITH(cut::even(10, 3, 0), says("a granule of 0"));
  CHECK_THROWS_WITH(cut::even(10, 3, most), says("more indices than a number has"));
  CHECK_THROWS_WITH(cut::even(most, 3, 7), says("more indices than a number has"));
  CHECK_THROWS_WITH(cut::even(std::size_t{1} << 40, 3).scaled(std::size_t{1} << 40),
                    says("more indices than a number has"));
  CHECK_THROWS_WITH(cut::widths(std::array{most, std::size_t{2}}),
                    says("more indices than a number has"));
  CHECK_THROWS_WITH(cut::even(10, 3).runs(3), says("runs of rank 3 of 3 ranks"));
  CHECK_THROWS_WITH(cut::even(10, 3).width(-1), says("runs of rank -1 of 3 ranks"));
  CHECK_THROWS_WITH(rondo::zigzag(10, 0), says("cut: for 0 ranks"));
  CHECK_THROWS_WITH(rondo::zigzag(10, -1), says("cut: for -1 ranks"));
  CHECK_THROWS_WITH(rondo::zigzag(10, 2, 0), says("a granule of 0"));
  const std::array unlike{cut::even(4, 2), cut::even(4, 3)};
  CHECK_THROWS_WITH(cut::fused(unlike), Catch::Matchers::ContainsSubstring("2 and 3 ranks"));
}

TEST_CASE("cut: what several ranks hold has one first holder") {
  const auto runs_of = [](const cut& by, int rank) {
    return std::vector<part>(by.runs(rank).begin(), by.runs(rank).end());
  };
  const cut shared{6, {{{0, 2}, {4, 1}}, {{1, 4}}, {{0, 6}}, {{5, 1}}}};
  CHECK_FALSE(shared.disjoint());
  const cut once = shared.first_holders();
  CHECK(once.disjoint());
  CHECK(runs_of(once, 0) == std::vector<part>{{0, 2}, {4, 1}});
  CHECK(runs_of(once, 1) == std::vector<part>{{2, 2}});
  CHECK(runs_of(once, 2) == std::vector<part>{{5, 1}});
  CHECK(runs_of(once, 3).empty());
  CHECK(cut::even(7, 3).first_holders() == cut::even(7, 3));
  CHECK(cut::whole(4, 2).first_holders().widths() == widths{4, 0});
}
