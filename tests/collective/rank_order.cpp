// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/rondo.hpp>
#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/reference.hpp>

#include <cstddef>
#include <functional>
#include <vector>

using rondo::testing::expect;

// f after g, of x -> a x + b modulo 2^32: associative, and far from commutative.
namespace {

struct affine {
  unsigned a = 1;
  unsigned b = 0;
  friend bool operator==(const affine&, const affine&) = default;
};
const auto then = [](affine f, affine g) { return affine{f.a * g.a, f.b * g.a + g.b}; };

affine of(int rank, std::size_t i) {
  const unsigned seed = static_cast<unsigned>(rank) * 7919U + static_cast<unsigned>(i) * 104729U;
  return {2U * seed + 1U, seed + 5U};
}
std::vector<affine> brought(int rank, std::size_t count) {
  std::vector<affine> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(of(rank, i));
  }
  return values;
}
std::vector<affine> in_order(int ranks, std::size_t count) {
  auto values = brought(0, count);
  for (int rank = 1; rank < ranks; ++rank) {
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = then(values[i], of(rank, i));
    }
  }
  return values;
}

/// Every fold of `comm`, with what `automatic` takes.
template <class Comm, class Operation = decltype(then)>
void check_order(Comm& comm, std::size_t count, const Operation& operation = then) {
  const int n = comm.size();
  const auto wanted = in_order(n, count);
  auto all = brought(comm.rank(), count);
  rondo::all_reduce(comm, all, operation);
  expect(all == wanted, "all_reduce");
  for (int root = 0; root<n; root += n> 4 ? n - 2 : 1) {
    std::vector<affine> out(count);
    rondo::reduce(comm, brought(comm.rank(), count), out, operation, rondo::root{root});
    expect(comm.rank() != root || out == wanted, "reduce");
  }
  const auto ranks = static_cast<std::size_t>(n);
  std::vector<affine> part(count);
  rondo::reduce_scatter(comm, brought(comm.rank(), ranks * count), part, operation);
  const auto whole = in_order(n, ranks * count);
  const auto first = static_cast<std::size_t>(comm.rank()) * count;
  for (std::size_t i = 0; i < count; ++i) {
    expect(part[i] == whole[first + i], "reduce_scatter");
  }
}

struct either {
  static constexpr bool commutes = true;
  int operator()(int a, int b) const { return a ^ b; }
};

}  // namespace

TEST_CASE("automatic: an operation that does not commute is folded in the order of ranks") {
  for (const int ranks : {2, 3, 5, 8, 9, 11}) {
    rondo::threads::run(ranks, [](auto& comm) {
      rondo::testing::messages_only apart{comm};
      for (const std::size_t count : {1U, 7U, 500U, 20000U}) {
        check_order(comm, count);
        check_order(apart, count);
      }
    });
  }
  rondo::threads::run(3, [](auto& comm) {
    rondo::testing::messages_only apart{comm};
    check_order(apart, 300000);
  });
}

TEST_CASE("automatic: an operation inside a std::function keeps the order of ranks, too") {
  rondo::threads::run(5, [](auto& comm) {
    rondo::testing::messages_only apart{comm};
    for (const std::size_t count : {7U, 20000U}) {
      check_order(apart, count, std::function<affine(affine, affine)>{then});
    }
  });
}

TEST_CASE("commutes: named operations do, a callable says so itself") {
  STATIC_REQUIRE(rondo::commutes<rondo::op::sum>);
  STATIC_REQUIRE(rondo::commutes<rondo::op::reproducible_sum>);
  STATIC_REQUIRE(rondo::commutes<std::plus<>>);
  STATIC_REQUIRE(rondo::commutes<std::multiplies<double>>);
  STATIC_REQUIRE(rondo::commutes<rondo::op::product, float>);
  STATIC_REQUIRE(!rondo::commutes<rondo::op::product, affine>);
  STATIC_REQUIRE(!rondo::commutes<std::multiplies<>, affine>);
  STATIC_REQUIRE(rondo::commutes<rondo::op::sum, affine>);
  STATIC_REQUIRE(rondo::commutes<std::bit_and<>>);
  STATIC_REQUIRE(rondo::commutes<std::bit_or<unsigned>>);
  STATIC_REQUIRE(rondo::commutes<std::bit_xor<>>);
  STATIC_REQUIRE(rondo::commutes<std::logical_and<>>);
  STATIC_REQUIRE(rondo::commutes<std::logical_or<bool>>);
  STATIC_REQUIRE(rondo::commutes<either>);
  STATIC_REQUIRE(!rondo::commutes<decltype(then)>);
  STATIC_REQUIRE(!rondo::commutes<std::minus<>>);
  STATIC_REQUIRE(!rondo::commutes<std::divides<double>>);
  STATIC_REQUIRE(!rondo::commutes<std::function<int(int, int)>>);
  STATIC_REQUIRE(!rondo::commutes<std::function<int(std::plus<>)>>);
}
