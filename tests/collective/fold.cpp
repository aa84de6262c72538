// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/fold.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

using rondo::protocol::store;

// In a constant expression, so that an overflow in between does not compile.
static_assert(rondo::op::product{}(std::uint16_t{65535}, std::uint16_t{65535}) == 1);
static_assert(rondo::op::product{}(std::uint8_t{255}, std::uint8_t{255}) == 1);
static_assert(rondo::op::product{}(~std::uint64_t{0}, ~std::uint64_t{0}) == 1);

/// Elements that differ from a plain loop's, in range or around it.
template <class T>
std::size_t wrong_elements(int ranks, std::size_t count, std::size_t offset, store how,
                           bool in_place) {
  constexpr std::size_t margin = 2;
  const std::size_t whole = count + offset + 2 * margin;
  std::vector<std::vector<T>> in(static_cast<std::size_t>(ranks), std::vector<T>(whole));
  auto out = in;
  for (std::size_t rank = 0; rank < in.size(); ++rank) {
    for (std::size_t i = 0; i < whole; ++i) {
      in[rank][i] = T(static_cast<float>((i * 7 + rank) % 5));
      out[rank][i] = T(-1.0f);
    }
  }
  const auto before = in;
  auto& results = in_place ? in : out;
  rondo::protocol::one_thread alone;
  const rondo::reduction<rondo::op::sum, T> with{};
  rondo::protocol::fold_each(
      alone,
      [&](int rank) -> const T* { return in[static_cast<std::size_t>(rank)].data() + offset; },
      ranks, [&](int rank) { return results[static_cast<std::size_t>(rank)].data() + offset; },
      ranks, margin, margin + count, with, how);

  std::size_t wrong = 0;
  for (std::size_t rank = 0; rank < in.size(); ++rank) {
    for (std::size_t i = 0; i < whole; ++i) {
      float expected = in_place ? static_cast<float>(before[rank][i]) : -1.0f;
      if (i >= offset + margin && i < offset + margin + count) {
        expected = 0;
        for (const auto& one : before) {
          expected += static_cast<float>(one[i]);
        }
      }
      wrong += static_cast<float>(results[rank][i]) != expected;
    }
  }
  return wrong;
}

TEMPLATE_TEST_CASE("fold: any number of sources, any size and alignment, every way to store", "",
                   float, double, rondo::bfloat16, rondo::half) {
  for (const int ranks : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17}) {
    for (const std::size_t count : {0, 1, 15, 31, 33, 64, 1000, 5000, 17001}) {
      for (const std::size_t offset : {0, 1, 4, 12}) {
        for (const store how : {store::cached, store::copied, store::streamed}) {
          CAPTURE(ranks, count, offset, static_cast<int>(how));
          CHECK(wrong_elements<TestType>(ranks, count, offset, how, false) == 0);
          CHECK(wrong_elements<TestType>(ranks, count, offset, how, true) == 0);
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("fold: as processors without AVX2 do it", "", float, rondo::bfloat16,
                   rondo::half) {
  using sum = rondo::reduction<rondo::op::sum, TestType>;
  using lines = rondo::protocol::fold_lines<TestType, sum>;
  for (const std::size_t sources : {1, 2, 3, 8}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{37}, lines::block}) {
      std::vector<std::vector<TestType>> values(sources, std::vector<TestType>(count + 1));
      std::vector<float> expected(count);
      for (std::size_t s = 0; s < sources; ++s) {
        for (std::size_t i = 0; i < count; ++i) {
          values[s][i] = TestType(static_cast<float>((i * 7 + s) % 5));
          expected[i] += static_cast<float>((i * 7 + s) % 5);
        }
        values[s][count] = TestType(-1.0f);
      }
      std::vector<TestType*> to;
      for (auto& one : values) {
        to.push_back(one.data());
      }
      const sum with{};
      lines{with, count}.one_after_another(
          [&](int s) -> const TestType* { return to[static_cast<std::size_t>(s)]; },
          static_cast<int>(sources), to.data(), static_cast<int>(sources));
      for (const auto& one : values) {
        CHECK(std::equal(expected.begin(), expected.end(), one.begin(),
                         [](float a, TestType b) { return a == static_cast<float>(b); }));
        CHECK(static_cast<float>(one[count]) == -1.0f);
      }
    }
  }
}

namespace {
/// Elements whose bits are not those of one fold after another, of values of all kinds.
template <class Operation>
std::size_t wrong_halves(int ranks, std::size_t count, std::size_t offset) {
  std::mt19937 bits{static_cast<unsigned>(count * 31 + offset)};
  const auto size = static_cast<std::size_t>(ranks);
  std::vector<std::vector<rondo::half>> in(size, std::vector<rondo::half>(count + offset));
  for (auto& one : in) {
    for (auto& value : one) {
      value = rondo::half::from_bits(static_cast<std::uint16_t>(bits()));
    }
  }
  auto out = in;
  rondo::protocol::one_thread alone;
  const rondo::reduction<Operation, rondo::half> with{.operation = {}, .ranks = ranks};
  rondo::protocol::fold_each(
      alone, [&](int rank) { return std::as_const(in[static_cast<std::size_t>(rank)]).data(); },
      ranks, [&](int rank) { return out[static_cast<std::size_t>(rank)].data(); }, ranks, offset,
      offset + count, with, store::cached);
  std::size_t wrong = 0;
  for (std::size_t i = offset; i < offset + count; ++i) {
    float folded = in[0][i];
    for (std::size_t rank = 1; rank < size; ++rank) {
      folded = with.fold(folded, in[rank][i]);
    }
    for (const auto& one : out) {
      wrong += one[i].bits != with.lower(folded).bits;
    }
  }
  return wrong;
}

struct difference {
  template <class T>
  T operator()(T a, T b) const {
    return a - b;
  }
};
}  // namespace

TEMPLATE_TEST_CASE("fold: halves have the same bits wherever they lie", "", rondo::op::sum,
                   rondo::op::average, rondo::op::min, rondo::op::product, difference) {
  for (const int ranks : {1, 2, 3, 5, 8}) {
    for (const std::size_t count : {1, 7, 8, 9, 100, 5000}) {
      for (std::size_t offset = 0; offset < 9; ++offset) {
        CAPTURE(ranks, count, offset);
        CHECK(wrong_halves<TestType>(ranks, count, offset) == 0);
      }
    }
  }
}

/// Does not commute.
struct digits {
  float operator()(float a, float b) const { return 10 * a + b; }
};

/// Elements that differ from a plain loop's, in range or around it; into the left source, the right
/// one, or neither.
template <class T, class Operation>
std::size_t wrong_of_two(std::size_t count, std::size_t offset, int into) {
  constexpr std::size_t margin = 2;
  const std::size_t whole = count + offset + 2 * margin;
  std::array<std::vector<T>, 3> memory;
  for (std::size_t which = 0; which < memory.size(); ++which) {
    for (std::size_t i = 0; i < whole; ++i) {
      memory[which].push_back(T(static_cast<float>((i * 7 + which) % 5)));
    }
  }
  const auto before = memory;
  const auto at = [&](std::size_t which) { return memory[which].data() + offset + margin; };
  auto& results = memory[static_cast<std::size_t>(into)];
  rondo::protocol::fold_both(static_cast<const T*>(at(0)), static_cast<const T*>(at(1)),
                             at(static_cast<std::size_t>(into)), count,
                             rondo::reduction<Operation, T>{});
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < whole; ++i) {
    auto expected = static_cast<float>(before[static_cast<std::size_t>(into)][i]);
    if (i >= offset + margin && i < offset + margin + count) {
      expected = Operation{}(static_cast<float>(before[0][i]), static_cast<float>(before[1][i]));
    }
    wrong += static_cast<float>(results[i]) != expected;
  }
  return wrong;
}

TEST_CASE("fold: left and right into one of them or elsewhere, any size and alignment") {
  for (const std::size_t count : {0, 1, 15, 31, 33, 64, 1000, 5000, 17001}) {
    for (const std::size_t offset : {0, 1, 4, 12}) {
      for (const int into : {0, 1, 2}) {
        CAPTURE(count, offset, into);
        CHECK(wrong_of_two<float, digits>(count, offset, into) == 0);
        CHECK(wrong_of_two<rondo::bfloat16, rondo::op::sum>(count, offset, into) == 0);
      }
    }
  }
}

TEST_CASE("fold: copies of any size and alignment, in every way to store") {
  std::vector<unsigned char> from(3 * 256 + 64);
  for (std::size_t i = 0; i < from.size(); ++i) {
    from[i] = static_cast<unsigned char>(i * 7 + 1);
  }
  for (const store how : {store::cached, store::copied, store::streamed}) {
    for (const std::size_t source : {0, 1, 16}) {
      for (std::size_t target = 0; target < 64; target += 5) {
        for (std::size_t count = 0; count < 3 * 256; count += count < 200 ? 1 : 61) {
          std::vector<unsigned char> to(from.size() + 64, 0);
          rondo::protocol::copy_elements(to.data() + target, from.data() + source, count, how);
          auto expected = std::vector<unsigned char>(to.size(), 0);
          for (std::size_t i = 0; i < count; ++i) {
            expected[target + i] = from[source + i];
          }
          CAPTURE(static_cast<int>(how), source, target, count);
          REQUIRE(to == expected);
        }
      }
    }
  }
}

TEST_CASE("fold: copies to a little further into a page than they come from") {
  constexpr std::size_t page = 4096;
  alignas(page) static std::array<unsigned char, 3 * page> from;
  alignas(page) static std::array<unsigned char, 3 * page> to;
  for (std::size_t i = 0; i < from.size(); ++i) {
    from[i] = static_cast<unsigned char>(i * 7 + i / 256 + 1);
  }
  for (const std::size_t source : {0, 16, 4080}) {
    for (const std::size_t further : {0, 1, 16, 31, 32}) {
      for (const std::size_t count : {1, 1023, 1024, 1025, 2048, 4096, 5000}) {
        to.fill(0);
        auto expected = to;
        for (std::size_t i = 0; i < count; ++i) {
          expected[source + further + i] = from[source + i];
        }
        rondo::protocol::copy_elements(to.data() + source + further, from.data() + source, count);
        CAPTURE(source, further, count);
        REQUIRE(to == expected);
      }
    }
  }
}

namespace {
/// The number that most ranks brought, by counts of all: so many bytes that two are not kept.
struct most_frequent {};
}  // namespace

template <>
struct rondo::reduction<most_frequent, std::uint16_t> {
  using partial = std::array<std::uint16_t, 300>;
  most_frequent operation{};
  static partial lift(std::uint16_t value) {
    partial counts{};
    counts[value] = 1;
    return counts;
  }
  static partial fold(const partial& a, const partial& b) {
    partial counts{};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] = static_cast<std::uint16_t>(a[i] + b[i]);
    }
    return counts;
  }
  static std::uint16_t lower(const partial& counts) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      most = counts[i] > counts[most] ? i : most;
    }
    return static_cast<std::uint16_t>(most);
  }
};

TEST_CASE("fold: short values whose partial results are long, from any number of sources") {
  for (std::size_t sources = 2; sources <= 9; ++sources) {
    for (const std::size_t count : {1, 2, 5, 60}) {
      std::vector<std::vector<std::uint16_t>> in(sources);
      std::vector<std::uint16_t> expected;
      for (std::size_t i = 0; i < count; ++i) {  // the first two agree, the others with nobody
        expected.push_back(static_cast<std::uint16_t>((i * 37) % 290));
        for (std::size_t source = 0; source < sources; ++source) {
          in[source].push_back(
              static_cast<std::uint16_t>(expected.back() + (source < 2 ? 0 : source)));
        }
      }
      std::vector<std::uint16_t> out(count, 999);
      rondo::protocol::one_thread alone;
      rondo::protocol::fold_each(
          alone, [&](int source) { return in[static_cast<std::size_t>(source)].data(); },
          static_cast<int>(sources), [&](int) { return out.data(); }, 1, 0, count,
          rondo::reduction<most_frequent, std::uint16_t>{});
      CAPTURE(sources, count);
      CHECK(out == expected);
    }
  }
}

template <class T>
void check_average() {
  std::mt19937_64 random{7};
  const rondo::op::average average;
  std::size_t wrong = 0;
  const auto check = [&](T value, int ranks) {
    wrong += average.finish(value, ranks) !=
             static_cast<T>(static_cast<long long>(value) / static_cast<long long>(ranks));
  };
  using limits = std::numeric_limits<T>;
  for (int ranks = 1; ranks < 3000; ++ranks) {
    for (int near = -1; near <= 1; ++near) {  // around multiples
      const auto times = static_cast<long long>(random() % 100'000) - 50'000;
      check(static_cast<T>(times * ranks + near), ranks);
    }
    check(static_cast<T>(random()), ranks);
    check(static_cast<T>(random()), static_cast<int>(random() % 0x7fffffff) + 1);
    check((limits::min)(), ranks);
    check((limits::max)(), ranks);
  }
  CHECK(wrong == 0);
}

TEST_CASE("fold: averages of integers are cut off towards zero, as integers divide") {
  check_average<std::int8_t>();
  check_average<std::uint8_t>();
  check_average<std::int16_t>();
  check_average<std::uint16_t>();
  check_average<std::int32_t>();
  check_average<std::uint32_t>();
  check_average<std::int64_t>();
  check_average<bool>();
}

namespace {
/// A product by a table, as in Galois fields, that tells where it is called.
struct tabled {
  std::array<std::uint8_t, 65536> table;
  const tabled** called;
  template <class T>
  T operator()(T a, T b) const {
    *called = this;
    return static_cast<T>(a + b);
  }
};

template <class T>
bool calls_the_one_given() {
  static const tabled* called = nullptr;
  static const rondo::reduction<tabled, T> with{{{}, &called}, 2};
  const std::vector<T> in(300, T(1.0F));
  std::vector<T> out(in.size());
  rondo::protocol::one_thread alone;
  rondo::protocol::fold_each(
      alone, [&](int) { return in.data(); }, 2, [&](int) { return out.data(); }, 1, 0, in.size(),
      with);
  return called == &with.operation && static_cast<float>(out.back()) == 2;
}

/// What is done to each element, with a table of its own.
struct each_of_many_bytes {
  std::array<std::uint8_t, 65536> table;
  const each_of_many_bytes** called;
  void operator()(std::size_t) const { *called = this; }
};
}  // namespace

TEST_CASE("fold: an operation of many bytes is not copied for each block") {
  CHECK(calls_the_one_given<float>());
  CHECK(calls_the_one_given<rondo::bfloat16>());
}

TEST_CASE("fold: nor for a pass over elements between messages") {
  static const each_of_many_bytes* called = nullptr;
  static const each_of_many_bytes body{{}, &called};
  rondo::detail::host_turn here;
  rondo::detail::for_each_element(here, 3, body);
  CHECK(called == &body);
}
