// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/rondo.hpp>

#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <random>
#include <span>
#include <vector>

namespace {

constexpr int contributions = 16;
constexpr std::size_t count = 1031;

/// What there is to sum: contribution c has `count` values, of sizes from 2^-30 to 2^30.
std::vector<float> contribution(int c) {
  std::mt19937_64 random{static_cast<unsigned>(c)};
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) {
    value = std::ldexp(normal(random), static_cast<int>(random() % 61) - 30);
  }
  return values;
}

std::vector<float> expected(int first_contributions = contributions) {
  std::vector<rondo::reproducible<float>> total(count);
  for (int c = 0; c < first_contributions; ++c) {
    const auto values = contribution(c);
    for (std::size_t i = 0; i < count; ++i) {
      total[i] += values[i];
    }
  }
  std::vector<float> sum(count);
  std::transform(total.begin(), total.end(), sum.begin(),
                 [](const auto& one) { return static_cast<float>(one); });
  return sum;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// Sums on `ranks` ranks whose values are cut into calls of `chunk` values; rank r gives
/// contribution r, or zeros.
template <class Algorithm>
bool agrees(int ranks, std::size_t chunk, Algorithm algorithm) {
  const auto sum = expected((std::min)(ranks, contributions));
  std::atomic<int> wrong{0};
  rondo::threads::run(ranks, [&](auto& comm) {
    auto values = contribution(comm.rank());
    for (std::size_t first = 0; first < count; first += chunk) {
      auto some = std::span{values}.subspan(first, (std::min)(chunk, count - first));
      rondo::all_reduce(comm, some, rondo::op::reproducible_sum{}, algorithm);
    }
    wrong += !same_bits(values, sum);
  });
  return wrong == 0;
}

}  // namespace

TEMPLATE_TEST_CASE("reproducible_sum: same bits for any algorithm, chunking and number of ranks",
                   "", rondo::automatic, rondo::one_shot, rondo::two_shot, rondo::ring) {
  for (int ranks = 1; ranks <= contributions; ++ranks) {
    CHECK(agrees(ranks, 257, TestType{}));
  }
  for (const std::size_t chunk : {std::size_t{97}, std::size_t{512}, count}) {
    CHECK(agrees(4, chunk, TestType{}));
  }
}

TEST_CASE("reproducible_sum: contributions may move between ranks") {
  const auto sum = expected();
  for (int ranks = 1; ranks <= contributions; ++ranks) {
    std::atomic<int> wrong{0};
    rondo::threads::run(ranks, [&](auto& comm) {
      std::vector<rondo::reproducible<float>> mine(count);
      for (int c = comm.rank(); c < contributions; c += comm.size()) {
        const auto values = contribution(c);
        for (std::size_t i = 0; i < count; ++i) {
          mine[i] += values[i];
        }
      }
      if (comm.size() % 2 == 0) {
        rondo::all_reduce(comm, mine, rondo::ring{});
      } else {
        rondo::all_reduce(comm, mine, rondo::op::reproducible_sum{});
      }
      std::vector<float> got(count);
      std::transform(mine.begin(), mine.end(), got.begin(),
                     [](const auto& one) { return static_cast<float>(one); });
      wrong += !same_bits(got, sum);
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("reproducible_sum: reduce and reduce_scatter give the same bits") {
  for (const int ranks : {1, 3, 4}) {
    const auto sum = expected(ranks);
    const std::size_t share = count / static_cast<std::size_t>(ranks);
    std::atomic<int> wrong{0};
    rondo::threads::run(ranks, [&](auto& comm) {
      const auto values = contribution(comm.rank());
      const auto check = [&](auto algorithm) {
        const rondo::op::reproducible_sum exactly{};
        std::vector<float> whole(count);
        rondo::reduce(comm, values, whole, exactly, rondo::root{ranks - 1}, algorithm);
        wrong += comm.rank() == ranks - 1 && !same_bits(whole, sum);

        std::vector<float> part(share);
        const auto all = std::span{values}.first(share * static_cast<std::size_t>(ranks));
        rondo::reduce_scatter(comm, all, part, exactly, algorithm);
        wrong += !same_bits(
            part, std::span{sum}.subspan(share * static_cast<std::size_t>(comm.rank()), share));
      };
      check(rondo::automatic{});
      check(rondo::ring{});
    });
    CHECK(wrong == 0);
  }
}

namespace {

/// The nearest value of T to an exact sum, of those beside where a cast lands; ties to even.
template <class T>
T nearest(double sum) {
  const auto near = static_cast<T>(static_cast<float>(sum));
  T best = near;
  for (const int step : {-1, 1}) {
    const auto other = T::from_bits(static_cast<std::uint16_t>(near.bits + step));
    const double here = std::abs(static_cast<double>(float{best}) - sum);
    const double there = std::abs(static_cast<double>(float{other}) - sum);
    if (there < here || (there == here && other.bits % 2 == 0)) {
      best = other;
    }
  }
  return best;
}

}  // namespace

TEMPLATE_TEST_CASE("reproducible_sum: 16-bit values are rounded once, not by way of float", "",
                   rondo::half, rondo::bfloat16) {
  // The first terms leave the sum on the midpoint of two values, the last one decides.
  constexpr bool is_half = std::is_same_v<TestType, rondo::half>;
  const float step = is_half ? 0x1p-11f : 0x1p-8f;
  const float last = is_half ? 0x1p-24f : 0x1p-30f;
  constexpr std::size_t each = 40;
  std::mt19937 random{7};
  std::atomic<int> wrong{0};
  for (const int ranks : {3, 4}) {
    std::vector<std::vector<TestType>> given(static_cast<std::size_t>(ranks));
    std::vector<TestType> sums;
    for (std::size_t i = 0; i < each; ++i) {
      const float one = 1 + static_cast<float>(random() % 64) * 2 * step;
      const float sign = i % 2 == 0 ? 1.0f : -1.0f;
      const float below = i % 3 == 0 ? last : i % 3 == 1 ? -last : 0.0f;
      double sum = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const float value = rank == 0 ? one : rank == 1 ? step : rank == 2 ? below : 0.0f;
        given[static_cast<std::size_t>(rank)].push_back(TestType{sign * value});
        sum += static_cast<double>(float{given[static_cast<std::size_t>(rank)].back()});
      }
      sums.push_back(nearest<TestType>(sum));
    }
    const auto check = [&](auto algorithm) {
      rondo::threads::run(ranks, [&](auto& comm) {
        auto values = given[static_cast<std::size_t>(comm.rank())];
        rondo::all_reduce(comm, values, rondo::op::reproducible_sum{}, algorithm);
        for (std::size_t i = 0; i < each; ++i) {
          wrong += values[i].bits != sums[i].bits ? 1 : 0;
        }
      });
    };
    check(rondo::one_shot{});
    check(rondo::two_shot{});
    check(rondo::ring{});
  }
  CHECK(wrong == 0);
}
