// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/core/float16.hpp>
#include <rondo/core/reproducible.hpp>
#include <rondo/protocol/fold.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace {

/// The sum as a list of long doubles that do not overlap (Shewchuk, 1997): exact, and by no means
/// the code under test. Exponents of long double reach far past those of double.
class expansion {
 public:
  void add(long double value) {
    std::size_t kept = 0;
    for (long double part : parts_) {
      if (std::fabs(value) < std::fabs(part)) {
        std::swap(value, part);
      }
      const long double high = value + part;
      const long double low = part - (high - value);
      if (low != 0) {
        parts_[kept++] = low;
      }
      value = high;
    }
    parts_.resize(kept);
    if (value != 0) {
      parts_.push_back(value);
    }
  }
  [[nodiscard]] int sign() const { return parts_.empty() ? 0 : parts_.back() < 0 ? -1 : 1; }

 private:
  std::vector<long double> parts_;
};

/// The value that T's format would have behind `value`, were there no end to its exponents.
template <class T>
long double neighbour(T value, T towards) {
  const T next = std::nextafter(value, towards);
  return std::isinf(next) ? 2 * static_cast<long double>(value) -
                                static_cast<long double>(std::nextafter(value, -towards))
                          : static_cast<long double>(next);
}

/// True if `rounded` is the sum of `values`, rounded to nearest, ties to even.
template <class T>
bool is_nearest(const std::vector<T>& values, T rounded) {
  constexpr T most = std::numeric_limits<T>::max();
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const T finite = std::isinf(rounded) ? std::copysign(most, rounded) : rounded;
  const auto against_middle = [&](T towards) {
    expansion doubled;  // 2 sum - rounded - neighbour
    for (const T value : values) {
      doubled.add(2 * static_cast<long double>(value));
    }
    doubled.add(-static_cast<long double>(finite));
    doubled.add(-neighbour(finite, towards));
    return doubled.sign();
  };
  const int above = against_middle(infinity);
  const int below = against_middle(-infinity);
  if (std::isinf(rounded)) {
    return rounded > 0 ? above >= 0 : below <= 0;
  }
  using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const bool even = (rondo::bit_cast<word>(rounded) & 1u) == 0;
  return above <= 0 && below >= 0 && (even || (above != 0 && below != 0));
}

template <class T>
using random_values = std::vector<T> (*)(std::mt19937_64&, std::size_t);

template <class T>
std::vector<T> ordinary(std::mt19937_64& random, std::size_t count) {
  std::normal_distribution<T> normal;
  std::vector<T> values(count);
  std::generate(values.begin(), values.end(), [&] { return normal(random); });
  return values;
}

/// Every finite bit pattern alike: all exponents, subnormals, both signs.
template <class T>
std::vector<T> any_bits(std::mt19937_64& random, std::size_t count) {
  using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::vector<T> values(count);
  for (T& value : values) {
    do {
      value = rondo::bit_cast<T>(static_cast<word>(random()));
    } while (!std::isfinite(value));
  }
  return values;
}

template <class T>
std::vector<T> subnormal(std::mt19937_64& random, std::size_t count) {
  auto values = ordinary<T>(random, count);
  for (T& value : values) {
    value *= std::numeric_limits<T>::min() / 4;
  }
  return values;
}

/// Large values and their negatives, shuffled, around a few small ones.
template <class T>
std::vector<T> cancelling(std::mt19937_64& random, std::size_t count) {
  auto values = any_bits<T>(random, count / 2);
  for (std::size_t i = count / 2; i > 0; --i) {
    values.push_back(-values[i - 1]);
  }
  for (const T value : ordinary<T>(random, 3)) {
    values.push_back(value);
  }
  std::shuffle(values.begin(), values.end(), random);
  return values;
}

/// Sums that lie on the middle between two values, or just beside it.
template <class T>
std::vector<T> near_ties(std::mt19937_64& random, std::size_t) {
  auto values = ordinary<T>(random, 1);
  const T half_step = (std::nextafter(values[0], T{100}) - values[0]) / 2;
  values.push_back(half_step);
  if (random() % 2 == 0) {
    values.push_back((random() % 2 == 0 ? 1 : -1) * std::numeric_limits<T>::denorm_min());
  }
  return values;
}

/// Sums that round to the largest value or to infinity.
template <class T>
std::vector<T> at_the_top(std::mt19937_64& random, std::size_t) {
  constexpr T most = std::numeric_limits<T>::max();
  const T half_step = (most - std::nextafter(most, T{0})) / 2;
  std::vector<T> values{most, random() % 2 == 0 ? half_step : std::nextafter(half_step, T{0})};
  if (random() % 2 == 0) {
    values.push_back(-std::numeric_limits<T>::denorm_min());
  }
  if (random() % 2 == 0) {
    for (T& value : values) {
      value = -value;
    }
  }
  return values;
}

template <class T>
rondo::reproducible<T> folded(const std::vector<T>& values) {
  rondo::reproducible<T> total;
  for (const T value : values) {
    total += value;
  }
  return total;
}

template <class T>
constexpr random_values<T> all_kinds[] = {ordinary<T>,   any_bits<T>,  subnormal<T>,
                                          cancelling<T>, near_ties<T>, at_the_top<T>};

}  // namespace

TEMPLATE_TEST_CASE("reproducible: the sum is the exact one, rounded to nearest", "", float,
                   double) {
  std::mt19937_64 random{1};
  for (const auto make : all_kinds<TestType>) {
    int wrong = 0;
    for (int round = 0; round < 300; ++round) {
      const auto values = make(random, 1 + random() % 60);
      wrong += !is_nearest(values, static_cast<TestType>(folded(values)));
    }
    CHECK(wrong == 0);
  }
}

TEMPLATE_TEST_CASE("reproducible: order and grouping do not change a bit of the state", "", float,
                   double) {
  std::mt19937_64 random{2};
  for (const auto make : all_kinds<TestType>) {
    auto values = make(random, 500);
    const auto expected = folded(values);
    for (int round = 0; round < 20; ++round) {
      std::shuffle(values.begin(), values.end(), random);
      std::vector<rondo::reproducible<TestType>> groups(1 + random() % 16);
      for (const TestType value : values) {
        groups[random() % groups.size()] += value;
      }
      while (groups.size() > 1) {  // a random tree
        std::shuffle(groups.begin(), groups.end(), random);
        const auto last = groups.back();
        groups.pop_back();
        groups.front() = last + groups.front();
      }
      REQUIRE(groups.front() == expected);
    }
  }
}

TEMPLATE_TEST_CASE("reproducible: a block of sums has the bits of the integers", "", float, double,
                   rondo::bfloat16, rondo::half) {
  using folds = rondo::reduction<rondo::op::reproducible_sum, TestType>;
  using wide = typename folds::wide;
  std::mt19937_64 random{3};
  rondo::protocol::one_thread alone;
  constexpr std::size_t count = 100;  // some blocks and a rest
  for (const auto make : all_kinds<wide>) {
    for (int sources = 1; sources <= 17; ++sources) {
      std::vector<std::vector<TestType>> all(static_cast<std::size_t>(sources));
      std::vector<rondo::reproducible<wide>> expected(count);
      for (auto& one : all) {
        while (one.size() < count) {
          for (const wide value : make(random, count)) {
            one.push_back(static_cast<TestType>(value));
          }
        }
        for (std::size_t i = 0; i < count; ++i) {
          expected[i] += static_cast<wide>(one[i]);
        }
      }
      std::vector<TestType> result(count);
      rondo::protocol::fold_each(
          alone, [&](int s) { return all[static_cast<std::size_t>(s)].data(); }, sources,
          [&](int) { return result.data(); }, 1, 0, count, folds{{}, sources});
      int wrong = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const TestType exact = folds{{}, sources}.lower(expected[i]);
        wrong += std::memcmp(&result[i], &exact, sizeof exact) != 0;
      }
      REQUIRE(wrong == 0);
    }
  }
}

TEMPLATE_TEST_CASE("reproducible: NaN and infinities do as IEEE 754 sums do, in any order", "",
                   float, double) {
  using limits = std::numeric_limits<TestType>;
  const TestType infinity = limits::infinity();
  const auto sum = [](std::vector<TestType> values) {
    return static_cast<TestType>(folded(values));
  };
  CHECK(sum({1, infinity, -5}) == infinity);
  CHECK(sum({-infinity, 3, limits::max()}) == -infinity);
  CHECK(std::isnan(sum({infinity, 1, -infinity})));
  CHECK(std::isnan(sum({1, limits::quiet_NaN(), infinity})));
  CHECK(std::isnan(sum({-limits::quiet_NaN()})));
  CHECK(sum({limits::max(), limits::max(), -limits::max()}) == limits::max());
  CHECK(sum({limits::max(), limits::max()}) == infinity);
}

TEMPLATE_TEST_CASE("reproducible: a sum of zero is +0", "", float, double) {
  const auto zero = [](auto... values) {
    const auto sum = static_cast<TestType>(folded(std::vector<TestType>{values...}));
    return sum == 0 && !std::signbit(sum);
  };
  CHECK(zero(TestType{0}));
  CHECK(zero(-TestType{0}, -TestType{0}));
  CHECK(zero(TestType{3}, TestType{-3}));
  CHECK(static_cast<TestType>(rondo::reproducible<TestType>{}) == 0);
}

TEMPLATE_TEST_CASE("reproducible: 2^42 additions of the largest value fit", "", float, double) {
  for (const TestType sign : {TestType{1}, TestType{-1}}) {
    rondo::reproducible<TestType> many{sign * std::numeric_limits<TestType>::max()};
    rondo::reproducible<TestType> back{-sign * std::numeric_limits<TestType>::max()};
    for (int doubled = 0; doubled < 42; ++doubled) {
      many += rondo::reproducible<TestType>{many};
      back += rondo::reproducible<TestType>{back};
    }
    CHECK(static_cast<TestType>(many) == sign * std::numeric_limits<TestType>::infinity());
    many += TestType{1.5};
    CHECK(static_cast<TestType>(many + back) == TestType{1.5});
  }
}

TEST_CASE("reproducible: a constant expression, and trivially copyable") {
  using rondo::reproducible;
  static_assert(std::is_trivially_copyable_v<reproducible<float>>);
  static_assert(sizeof(reproducible<float>) == 48 && sizeof(reproducible<double>) == 280);
  constexpr float sum = static_cast<float>(reproducible<float>{1e30f} + reproducible<float>{1.0f} +
                                           reproducible<float>{-1e30f});
  static_assert(sum == 1.0f);
  using folds = rondo::reduction<rondo::op::reproducible_sum, reproducible<float>>;
  static_assert(std::is_same_v<folds::partial, reproducible<float>>);
  static_assert(std::is_same_v<rondo::reduction<rondo::op::reproducible_sum, int>::partial, int>);
  CHECK(sum == 1.0f);
}
