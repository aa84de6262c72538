// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "exchange_only.hpp"

#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

using collective_test::exchange_only;
using rondo::testing::expect;

// Over messages, folds whose partial results are larger than values: one_shot and two_shot send
// values, and fold them in the order of ranks, once, with one rounding at the end.
namespace {

/// A sum of integers that is kept wide, and tells the order of its terms: 31 a + b.
struct in_order {};

template <class T>
struct bits_of {
  static auto of(const std::vector<T>& values) {
    std::vector<std::uint64_t> made;
    for (const T& value : values) {
      made.push_back(std::bit_cast<std::uint32_t>(static_cast<float>(value)));
    }
    return made;
  }
};

}  // namespace

template <>
struct rondo::reduction<in_order, std::uint16_t> {
  using partial = std::uint64_t;
  static constexpr bool commutes = false;
  in_order operation;
  int ranks;
  static constexpr partial lift(std::uint16_t value) { return value; }
  constexpr partial fold(partial a, partial b) const { return 31 * a + b; }
  constexpr std::uint16_t lower(partial folded) const {
    return static_cast<std::uint16_t>(folded ^ folded >> 16 ^ folded >> 32 ^ folded >> 48);
  }
};

namespace {

template <class T>
std::vector<T> brought(int rank, std::size_t count) {
  std::vector<T> values;
  for (std::size_t i = 0; i < count; ++i) {
    const auto seed = static_cast<unsigned>((i * 7919 + static_cast<std::size_t>(rank) * 104729));
    if constexpr (std::is_integral_v<T>) {
      values.push_back(static_cast<T>(seed));
    } else {
      values.push_back(
          T(std::ldexp(static_cast<float>(seed % 255) - 127, static_cast<int>(seed / 255 % 9))));
    }
  }
  return values;
}

/// What all ranks brought, folded in the order of ranks by a loop of its own: sums begin as
/// `Wide(first)`, `add(sum, value)` goes on, `end(sum)` is the result.
template <class T, class Wide, class Add, class End>
std::vector<T> by_a_loop(int ranks, std::size_t count, const Add& add, const End& end) {
  std::vector<Wide> sums;
  for (const T value : brought<T>(0, count)) {
    sums.push_back(static_cast<Wide>(value));
  }
  for (int rank = 1; rank < ranks; ++rank) {
    const auto values = brought<T>(rank, count);
    for (std::size_t i = 0; i < count; ++i) {
      sums[i] = add(sums[i], static_cast<Wide>(values[i]));
    }
  }
  std::vector<T> made;
  for (const Wide sum : sums) {
    made.push_back(end(sum));
  }
  return made;
}
template <class T>
std::vector<T> folded(const rondo::op::sum&, int ranks, std::size_t count) {
  return by_a_loop<T, float>(
      ranks, count, [](float a, float b) { return a + b; }, [](float sum) { return T(sum); });
}
template <class T>  // float: few enough bits that a double is exact
std::vector<T> folded(const rondo::op::reproducible_sum&, int ranks, std::size_t count) {
  return by_a_loop<T, double>(
      ranks, count, [](double a, double b) { return a + b; },
      [](double sum) { return T(static_cast<float>(sum)); });
}
template <class T>
std::vector<T> folded(const in_order&, int ranks, std::size_t count) {
  return by_a_loop<T, std::uint64_t>(
      ranks, count, [](std::uint64_t a, std::uint64_t b) { return a * 31 + b; },
      [](std::uint64_t all) { return static_cast<T>(all ^ all >> 16 ^ all >> 32 ^ all >> 48); });
}

template <class T, class Comm, class Operation, class Algorithm>
void check(Comm& inner, const Operation& operation, const Algorithm& algorithm, std::size_t count) {
  exchange_only<Comm> comm{inner};
  const int n = comm.size();
  const auto self = static_cast<std::size_t>(comm.rank());
  const auto ranks = static_cast<std::size_t>(n);
  const auto in = brought<T>(comm.rank(), count);
  const auto wanted = bits_of<T>::of(folded<T>(operation, n, count));
  constexpr bool named = !std::is_same_v<Algorithm, rondo::automatic>;
  const bool one = std::is_same_v<Algorithm, rondo::one_shot>;

  std::vector<T> out(count);
  rondo::all_reduce(comm, in, out, operation, algorithm);
  expect(bits_of<T>::of(out) == wanted, "all_reduce");
  if (named) {
    const std::size_t own = rondo::chunking::even(count, n).count(comm.rank());
    const std::size_t values = one ? (ranks - 1) * count : (count - own) + (ranks - 1) * own;
    expect(comm.sent == values * sizeof(T), "all_reduce sends values");
  }
  auto in_place = in;
  rondo::all_reduce(comm, in_place, operation, algorithm);
  expect(bits_of<T>::of(in_place) == wanted, "all_reduce in place");

  for (const int root : {0, n - 1}) {
    out.assign(count, T{});
    rondo::reduce(comm, in, out, operation, algorithm, rondo::root{root});
    expect(bits_of<T>::of(out) ==
               (comm.rank() == root ? wanted : bits_of<T>::of(std::vector<T>(count))),
           "reduce");
    auto same = in;
    rondo::reduce(comm, same, same, operation, algorithm, rondo::root{root});
    expect(bits_of<T>::of(same) == (comm.rank() == root ? wanted : bits_of<T>::of(in)),
           "reduce in place");
  }

  std::vector<std::size_t> each;
  std::size_t whole = 0;
  std::size_t before = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    each.push_back(rank % 3 == 1 ? 0 : count + rank);
    before += rank < self ? each.back() : 0;
    whole += each.back();
  }
  const auto all = bits_of<T>::of(folded<T>(operation, n, whole));
  auto parts = brought<T>(comm.rank(), whole);
  comm.sent = 0;
  std::vector<T> part(each[self]);
  rondo::reduce_scatter(comm, parts, part, operation, algorithm, rondo::counts{each});
  const auto got = bits_of<T>::of(part);
  expect(std::equal(got.begin(), got.end(), all.begin() + static_cast<std::ptrdiff_t>(before)),
         "reduce_scatter");
  if (named) {
    expect(comm.sent == (whole - each[self]) * sizeof(T), "reduce_scatter sends values");
  }
  const std::span<T> own{parts.data() + before, each[self]};
  rondo::reduce_scatter(comm, parts, own, operation, algorithm, rondo::counts{each});
  expect(bits_of<T>::of({own.begin(), own.end()}) == got, "reduce_scatter in place");
}

}  // namespace

TEST_CASE("messages: values travel where partial results are larger, in the order of ranks") {
  for (const int ranks : {1, 2, 3, 5, 8}) {
    rondo::threads::run(ranks, [](auto& comm) {
      const auto with_each = [&](const auto& algorithm) {
        for (const std::size_t count : {0U, 1U, 7U, 300U}) {
          check<rondo::bfloat16>(comm, rondo::op::sum{}, algorithm, count);
          check<rondo::half>(comm, rondo::op::sum{}, algorithm, count);
          check<float>(comm, rondo::op::reproducible_sum{}, algorithm, count);
          check<std::uint16_t>(comm, in_order{}, algorithm, count);
        }
      };
      with_each(rondo::one_shot{});
      with_each(rondo::two_shot{});
    });
  }
}

TEST_CASE("messages: automatic moves values of many bytes, and says so") {
  rondo::threads::run(3, [](auto& inner) {
    exchange_only comm{inner};
    const std::vector<float> in(20'000, 1.0F);
    std::vector<float> out(in.size());
    rondo::all_reduce(comm, in, out, rondo::op::reproducible_sum{});
    expect(out == std::vector<float>(in.size(), 3.0F), "the sum");
    expect(comm.sent < 2 * in.size() * sizeof(float), "values travel");
    const auto said = rondo::explain<float>(rondo::schedule::collective::all_reduce, comm,
                                            in.size(), rondo::op::reproducible_sum{});
    expect(said.picked.algorithm == rondo::two_shot::name, "explain");
    // A few values: partial results, by fewer messages.
    const auto few = rondo::explain<float>(rondo::schedule::collective::all_reduce, comm, 2,
                                           rondo::op::reproducible_sum{});
    expect(few.picked.algorithm == rondo::recursive_doubling::name, "explain of a few");
  });
}
