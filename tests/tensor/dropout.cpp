// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/layers/dropout.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using rondo::cut;
using rondo::dropout;
using rondo::part;

namespace {

constexpr std::size_t tokens = 37;
constexpr std::size_t features = 29;

std::vector<float> whole(const dropout& drop) {
  std::vector<float> mask;
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      mask.push_back(drop.factor(i, j));
    }
  }
  return mask;
}

/// Share of elements that two masks treat alike.
double alike(const dropout& a, const dropout& b) {
  const auto first = whole(a);
  const auto second = whole(b);
  double same = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    same += first[i] == second[i] ? 1 : 0;
  }
  return same / static_cast<double>(first.size());
}

}  // namespace

TEST_CASE("dropout: shards of any mesh have the mask of the whole") {
  const dropout drop{7, 3, 0.25};
  const auto expected = whole(drop);
  for (int over_tokens = 1; over_tokens <= 4; ++over_tokens) {
    for (int over_features = 1; over_features <= 8; ++over_features) {
      const cut rows = cut::even(tokens, over_tokens);
      const cut columns = cut::even(features, over_features);
      std::vector<float> met(expected.size(), -1);
      for (int a = 0; a < over_tokens; ++a) {
        for (int b = 0; b < over_features; ++b) {
          const part r = rows.runs(a)[0];
          const part c = columns.runs(b)[0];
          for (std::size_t i = 0; i < r.count; ++i) {
            for (std::size_t j = 0; j < c.count; ++j) {
              met[(r.first + i) * features + c.first + j] = drop.factor(r.first + i, c.first + j);
            }
          }
        }
      }
      CHECK(met == expected);
    }
  }
}

TEST_CASE("dropout: drops the share that was asked for, and keeps the mean") {
  for (const double rate : {0.0, 0.1, 0.5, 0.9}) {
    const dropout drop{11, 1, rate};
    double dropped = 0;
    double sum = 0;
    constexpr int side = 512;
    for (std::uint64_t i = 0; i < side; ++i) {
      for (std::uint64_t j = 0; j < side; ++j) {
        dropped += drop.keeps(i, j) ? 0 : 1;
        sum += static_cast<double>(drop.factor(i, j));
      }
    }
    constexpr double count = double{side} * side;
    INFO("rate " << rate);
    CHECK(std::abs(dropped / count - rate) <= 5 * std::sqrt(rate * (1 - rate) / count));
    CHECK(std::abs(sum / count - 1) <= 5 * std::sqrt(rate / (1 - rate) / count) + 1e-6);
  }
}

TEST_CASE("dropout: seeds, layers, rows and columns are strangers to each other") {
  const double stranger = 0.5;  // of masks of rate 1/2
  const dropout one{1, 1, 0.5};
  CHECK(alike(one, {1, 1, 0.5}) == 1);
  for (const dropout& other : {dropout{2, 1, 0.5}, dropout{1, 2, 0.5}, dropout{2, 2, 0.5}}) {
    CHECK(std::abs(alike(one, other) - stranger) < 0.08);
  }
  int same_turned = 0;
  int same_next = 0;
  for (std::uint64_t i = 0; i < 64; ++i) {
    for (std::uint64_t j = 0; j < 64; ++j) {
      same_turned += one.keeps(i, j) == one.keeps(j + 100, i) ? 1 : 0;
      same_next += one.keeps(i, j) == one.keeps(i + 1, j) ? 1 : 0;
    }
  }
  CHECK(std::abs(same_turned / 4096.0 - stranger) < 0.05);
  CHECK(std::abs(same_next / 4096.0 - stranger) < 0.05);
}

TEST_CASE("dropout: masks are what they are documented to be, in every version") {
  // splitmix64's finaliser, written again: chained over seed, layer, row and column.
  const auto mixed = [](std::uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  };
  const dropout drop{21, 4, 0.25};
  int wrong = 0;
  for (std::uint64_t row = 0; row < 50; ++row) {
    for (std::uint64_t column = 0; column < 50; ++column) {
      const std::uint64_t hash = mixed(mixed(mixed(mixed(21) ^ 4) ^ row) ^ column);
      wrong +=
          drop.keeps(row, column) == (static_cast<double>(hash >> 32) >= 0.25 * 0x1p32) ? 0 : 1;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("dropout: a rate that is none is refused") {
  for (const double rate : {-0.1, 1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_WITH((dropout{1, 1, rate}),
                      Catch::Matchers::ContainsSubstring("expected 0 to below 1"));
  }
}
