// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/core/error.hpp>
#include <rondo/pipeline/recompute.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace rondo::pipeline;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The fewest steps by trying every first place to keep: what the formula is checked against.
std::int64_t tried(int layers, int slot_count, std::vector<std::vector<std::int64_t>>& known) {
  auto& result = known[static_cast<std::size_t>(slot_count)][static_cast<std::size_t>(layers)];
  if (result == 0) {
    result = std::int64_t{layers} * (layers + 1) / 2;
    for (int kept = 1; slot_count > 0 && kept < layers; ++kept) {
      result = std::min(result, kept + tried(layers - kept, slot_count - 1, known) +
                                    tried(kept, slot_count, known));
    }
  }
  return result;
}

/// A chain whose layers double and add their number: notes steps, and checks what is where.
struct chain {
  int layers;
  std::vector<std::int64_t> slot_count;
  std::int64_t steps = 0;
  int next;  ///< layer whose backward is due

  chain(int of_layers, int with_slots)
      : layers{of_layers},
        slot_count(static_cast<std::size_t>(with_slots) + 1, -1),
        next{of_layers - 1} {
    slot_count[0] = 0;
  }

  static std::int64_t input_of(int layer) { return std::int64_t{layer} * (layer + 1) / 2; }
  void go(int first, int layer, int from) {
    REQUIRE(slot_count.at(static_cast<std::size_t>(from)) == input_of(first));
    REQUIRE(first <= layer);
    steps += layer - first;
  }
  void keep(int first, int layer, int from, int to) {
    go(first, layer, from);
    REQUIRE(first < layer);
    REQUIRE(to > 0);
    slot_count.at(static_cast<std::size_t>(to)) = input_of(layer);
  }
  void backward(int first, int layer, int from) {
    go(first, layer, from);
    ++steps;
    REQUIRE(layer == next--);
  }
};

}  // namespace

TEST_CASE("recompute: revolve's steps, by formula and by trying all") {
  // Griewank and Walther 2000. 0 .. 4 slots besides the input.
  constexpr std::int64_t of_10[] = {55, 30, 25, 24, 23}, of_16[] = {136, 61, 49, 43, 41};
  for (int slot_count = 0; slot_count < 5; ++slot_count) {
    CHECK(recompute_steps(10, slot_count) == of_10[slot_count]);
    CHECK(recompute_steps(16, slot_count) == of_16[slot_count]);
  }
  std::vector<std::vector<std::int64_t>> known(8, std::vector<std::int64_t>(65));
  for (int layers = 1; layers <= 64; ++layers) {
    for (int slot_count = 0; slot_count < 8; ++slot_count) {
      INFO(layers << " layers, " << slot_count << " slots");
      CHECK(recompute_steps(layers, slot_count) == tried(layers, slot_count, known));
    }
  }
  static_assert(recompute_steps(1, 0) == 1);
  static_assert(recompute_steps(10, 1000) == 19);  // every input is kept: twice, but for the last
  CHECK(recompute_steps(std::numeric_limits<int>::max(), 1) > 0);
}

TEST_CASE("recompute: the calls take so many steps, and every input is where they say") {
  for (int layers = 1; layers <= 40; ++layers) {
    for (int slot_count = 0; slot_count <= 8; ++slot_count) {
      INFO(layers << " layers, " << slot_count << " slots");
      chain run{layers, slot_count};
      recompute(layers, slot_count, run);
      CHECK(run.next == -1);
      CHECK(run.steps == recompute_steps(layers, slot_count));
    }
  }
}

TEST_CASE("recompute: gradients are those of a chain that kept everything, bit by bit") {
  // y = sin(a y + b) by layer; the backward pass needs each layer's input.
  struct network {
    static double forward(int layer, double x) { return std::sin(1.5 * x + layer); }
    static double slope(int layer, double x) { return 1.5 * std::cos(1.5 * x + layer); }
    std::vector<double> slot_count;
    double gradient = 1;
    double at(int first, int layer, int from) {
      double x = slot_count[static_cast<std::size_t>(from)];
      for (int i = first; i < layer; ++i) {
        x = forward(i, x);
      }
      return x;
    }
    void keep(int first, int layer, int from, int to) {
      slot_count[static_cast<std::size_t>(to)] = at(first, layer, from);
    }
    void backward(int first, int layer, int from) {
      gradient *= slope(layer, at(first, layer, from));
    }
  };
  constexpr int layers = 12;
  std::vector<double> inputs{0.25};
  for (int layer = 0; layer + 1 < layers; ++layer) {
    inputs.push_back(network::forward(layer, inputs.back()));
  }
  double expected = 1;
  for (int layer = layers; layer-- > 0;) {
    expected *= network::slope(layer, inputs[static_cast<std::size_t>(layer)]);
  }
  for (int slot_count = 0; slot_count < layers; ++slot_count) {
    network net{std::vector<double>(static_cast<std::size_t>(slot_count) + 1, 0.25)};
    recompute(layers, slot_count, net);
    CHECK(net.gradient == expected);
  }
}

TEST_CASE("recompute: equal parts, near the square root of layers times inner by input") {
  // Chen et al. 2016: c A_in + (L / c) A_inner is least at c = sqrt(L A_inner / A_in).
  CHECK(best_segments(64, 1, 4) == 16);
  CHECK(best_segments(64, 1, 1) == 8);
  CHECK(best_segments(100, 4, 1) == 5);
  CHECK(best_segments(36, 2, 32) == 18);  // sqrt(576) is 24, but 18 parts of two layers cost less
  CHECK(segmented_bytes(64, 16, 1, 4) == 32);
  for (int layers = 1; layers < 60; ++layers) {
    for (const std::int64_t inner : {1, 3, 17}) {
      const int found = best_segments(layers, 2, inner);
      for (int segments = 1; segments <= layers; ++segments) {
        const std::int64_t part = (layers - 1) / segments + 1;
        CHECK(segmented_bytes(layers, found, 2, inner) <= segments * 2 + part * inner);
      }
    }
  }
}

TEST_CASE("recompute: chains without layers and negative sizes are refused") {
  CHECK_THAT(refusals::refusal([] { return recompute_steps(0, 1); }),
             ContainsSubstring("0 layers"));
  CHECK_THAT(refusals::refusal([] { return recompute_steps(3, -1); }),
             ContainsSubstring("-1 slots"));
  CHECK_FALSE(refusals::refusal([] {
                chain none{1, 0};
                recompute(0, 0, none);
                return 0;
              }).empty());
  CHECK_THAT(refusals::refusal([] { return best_segments(0, 1, 1); }),
             ContainsSubstring("0 layers"));
  CHECK_FALSE(refusals::refusal([] { return best_segments(1, -1, 1); }).empty());
  CHECK_FALSE(refusals::refusal([] { return best_segments(1, 1, -1); }).empty());
  CHECK_THAT(refusals::refusal([] { return segmented_bytes(3, 0, 1, 1); }),
             ContainsSubstring("3 layers in 0 segments"));
  constexpr int most = (std::numeric_limits<int>::max)();
  CHECK(segmented_bytes(most, 2, 1, 1) == 2 + (std::int64_t{1} << 30));
}
