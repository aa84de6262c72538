// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/elastic/sample_order.hpp>

#include <cstdint>
#include <set>
#include <vector>

using rondo::elastic::sample_order;

namespace {

std::vector<std::uint64_t> listed(const sample_order& order) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 0; i < order.samples; ++i) {
    all.push_back(order(i));
  }
  return all;
}

}  // namespace

TEST_CASE("sample_order: every sample once, whatever the seed, the epoch and their number") {
  for (const std::uint64_t samples : {1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
        std::vector<int> seen(samples);
        for (const auto sample : listed({seed, epoch, samples})) {
          REQUIRE(sample < samples);
          ++seen[sample];
        }
        REQUIRE(seen == std::vector<int>(samples, 1));
      }
    }
  }
}

TEST_CASE("sample_order: seeds and epochs have orders of their own, the same each time") {
  static_assert(sample_order{1, 2, 1000}(3) == sample_order{1, 2, 1000}(3));
  CHECK(listed({1, 0, 100}) == listed({1, 0, 100}));
  CHECK(listed({1, 0, 100}) != listed({2, 0, 100}));
  CHECK(listed({1, 0, 100}) != listed({1, 1, 100}));
  const std::uint64_t huge = ~std::uint64_t{0};
  CHECK(sample_order{1, 0, huge}(5) < huge);
}

TEST_CASE("sample_order: where a sample goes, and two samples' distance, depend on the seed") {
  // 1024 samples, halves of five bits. One round of a Feistel network moves the lower half up as it
  // is, two keep the difference of two upper halves; over 200 seeds both are to be anything.
  std::set<std::uint64_t> upper, differences;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const sample_order order{seed, 0, 1024};
    upper.insert(order(5) / 32);
    differences.insert((order(5) / 32) ^ (order(5 + 32) / 32));
  }
  CHECK(upper.size() > 28);
  CHECK(differences.size() > 28);
}

TEST_CASE("sample_order: shuffled, not only moved") {
  // A random permutation keeps neighbours with probability 2/n and has one fixed point on average.
  constexpr std::uint64_t samples = 1000;
  double fixed = 0, neighbours = 0, early = 0;
  constexpr int orders = 50;
  for (std::uint64_t seed = 0; seed < orders; ++seed) {
    const auto order = listed({seed, 7, samples});
    for (std::uint64_t i = 0; i < samples; ++i) {
      fixed += order[i] == i ? 1 : 0;
      neighbours += i > 0 && (order[i] == order[i - 1] + 1 || order[i] + 1 == order[i - 1]) ? 1 : 0;
      early += i < samples / 2 && order[i] < samples / 2 ? 1 : 0;
    }
  }
  CHECK(fixed / orders < 2);
  CHECK(neighbours / orders < 4);
  CHECK(early / orders == Approx(250).margin(10));
}

TEST_CASE("sample_order: a position that is none is refused, and not looked for without end") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(refusals::argument_refusal([] { return sample_order{}(0); }),
             ContainsSubstring("position 0 in an order of 0 samples"));
  CHECK_THAT(refusals::argument_refusal([] {
               return sample_order{1, 0, 10}(10);
             }),
             ContainsSubstring("position 10"));
  CHECK_THAT(refusals::argument_refusal([] {
               return sample_order{1, 0, 10}(~std::uint64_t{0});
             }),
             ContainsSubstring("in an order of 10 samples"));
}
