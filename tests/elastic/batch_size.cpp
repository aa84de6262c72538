// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/elastic/batch_size.hpp>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using rondo::elastic::batch_request;
using rondo::elastic::batch_size;
using rondo::elastic::find_batch_size;

namespace {

std::size_t divisors(std::uint64_t of) {
  std::size_t count = 0;
  for (std::uint64_t d = 1; d * d <= of; ++d) {
    count += of % d == 0 ? (d * d == of ? 1 : 2) : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("batch_size: DeepSpeed's example") {
  // deepspeed tests/unit/elasticity: max 10000, micro-batches 8, 12, 16, 17, 32 .. 1500 GPUs.
  const auto found = find_batch_size({10000, {8, 12, 16, 17}, 32, 1500});
  CHECK(found.samples == 9792);
  CHECK(found.ranks == std::vector<int>{32,  34,  36,  48,  51,  64,  68,  72,  96,  102, 136, 144,
                                        153, 192, 204, 272, 288, 306, 408, 576, 612, 816, 1224});
  CHECK(found.micro_batch(64) == 17);
  CHECK_THAT(refusals::argument_refusal([&] { return found.micro_batch(128); }),
             ContainsSubstring("9792 does not part over 128 ranks; the nearest numbers that are "
                               "allowed are 102 and 136"));
  CHECK_THAT(refusals::argument_refusal([&] { return found.micro_batch(31); }),
             ContainsSubstring("are 32 and 32"));
  CHECK_THAT(refusals::argument_refusal([&] { return found.micro_batch(9792); }),
             ContainsSubstring("are 1224 and 1224"));
}

TEST_CASE("batch_size: highly composite numbers are those with more divisors than any before") {
  std::vector<std::uint32_t> records;
  std::size_t most = 0;
  for (std::uint32_t n = 1; n <= 60'000; ++n) {
    if (const auto d = divisors(n); d > most) {
      most = d;
      records.push_back(n);
    }
  }
  CHECK(std::equal(records.begin(), records.end(), std::begin(rondo::elastic::highly_composite)));
  for (std::size_t i = records.size(); i < std::size(rondo::elastic::highly_composite); ++i) {
    CHECK(divisors(rondo::elastic::highly_composite[i]) >
          divisors(rondo::elastic::highly_composite[i - 1]));
  }
}

TEST_CASE("batch_size: every allowed number of ranks shares the batch, and no other") {
  std::mt19937 random{5};
  for (int trial = 0; trial < 40; ++trial) {
    batch_request asked{100 + random() % 3000, {}, 1 + static_cast<int>(random() % 3), 200};
    for (unsigned i = 0; i < 1 + random() % 3; ++i) {
      asked.micro_batches.push_back(1 + random() % 20);
    }
    const auto found = find_batch_size(asked);
    CHECK(found.samples <= asked.most_samples);
    const std::set<int> allowed(found.ranks.begin(), found.ranks.end());
    for (int ranks = 1; ranks <= 220; ++ranks) {
      std::uint64_t largest = 0;
      for (const auto micro : asked.micro_batches) {
        for (std::uint64_t steps = 1; steps * micro <= found.samples; ++steps) {
          if (steps * micro * static_cast<std::uint64_t>(ranks) == found.samples) {
            largest = std::max(largest, micro);
          }
        }
      }
      const bool asked_for = ranks >= asked.least_ranks && ranks <= asked.most_ranks;
      CHECK(allowed.count(ranks) == (largest > 0 && asked_for ? 1U : 0U));
      if (allowed.count(ranks) == 1) {
        CHECK(found.micro_batch(ranks) == largest);
      }
    }
  }
}

TEST_CASE("batch_size: of two batches that as many numbers of ranks share, the larger") {
  // 8 = 2 x 4 for 1, 2 and 4 ranks; 6 = 3 x 2 and 6 x 1 for 1, 2 and 3.
  const auto found = find_batch_size({10, {2, 3}});
  CHECK(found.samples == 8);
  CHECK(found.ranks == std::vector<int>{1, 2, 4});
}

TEST_CASE("batch_size: what cannot be is refused in words") {
  CHECK_THAT(refusals::argument_refusal([] {
               return find_batch_size({100, {}});
             }),
             ContainsSubstring("0 sizes"));
  CHECK_THAT(refusals::argument_refusal([] {
               return find_batch_size({100, {8, 0}});
             }),
             ContainsSubstring("a micro-batch of 0 for batches of at most 100"));
  CHECK_THAT(refusals::argument_refusal([] {
               return find_batch_size({100, {101}});
             }),
             ContainsSubstring("a micro-batch of 101"));
  CHECK_THAT(refusals::argument_refusal([] {
               return find_batch_size({100, {1}, 0});
             }),
             ContainsSubstring("for 0 ranks or more"));
  CHECK_THAT(refusals::argument_refusal([] {
               return find_batch_size({100, {50}, 3, 9});
             }),
             ContainsSubstring("no batch of at most 100 parts over 3 .. 9 ranks"));
  // No limit of ranks, and more samples than an int counts.
  CHECK(find_batch_size({std::uint64_t{1} << 32, {1U << 31}, 1, INT_MAX}).ranks ==
        std::vector<int>{1, 2});
  // A common multiple that no 64 bits hold is not tried.
  const std::uint64_t huge = std::uint64_t{1} << 40;
  CHECK(find_batch_size({huge, {huge - 1, huge - 3}, 1, 8}).samples <= huge);
}

TEST_CASE("batch_size: one put together by hand is refused where it has no answer") {
  CHECK_THAT(refusals::argument_refusal([] { return batch_size{}.micro_batch(1); }),
             ContainsSubstring("allows no number of ranks"));
  CHECK_THAT(refusals::argument_refusal([] {
               return batch_size{8, {4}, {1, 3}}.micro_batch(3);
             }),
             ContainsSubstring("parts 2 samples of each of 3 ranks"));
  CHECK_THAT(refusals::argument_refusal([] {
               return batch_size{8, {0}, {0, 1}}.micro_batch(1);
             }),
             ContainsSubstring("none of the micro-batches"));
  CHECK_THAT(refusals::argument_refusal([] {
               return batch_size{8, {0}, {0, 1}}.micro_batch(0);
             }),
             ContainsSubstring("none of the micro-batches"));
}

TEST_CASE("batch_size: no more divisors are tried than ranks are allowed") {
  // 2^62 samples have divisors up to 2^31 to try.
  const std::uint64_t half = std::uint64_t{1} << 61;
  const auto found = find_batch_size({2 * half, {1, half}, 1, 8});
  CHECK(found.samples == 720720);
  CHECK(found.ranks == std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8});
}
