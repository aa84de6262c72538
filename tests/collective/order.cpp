// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "sweep.hpp"

using namespace sweep;

// Types, operations, and the order in which direct schedules fold.
namespace {

/// Does not commute, but associates: any order but rank order shows.
struct matrix {
  std::uint32_t a, b, c, d;
  friend bool operator==(const matrix&, const matrix&) = default;
};
matrix times(const matrix& x, const matrix& y) {
  return {x.a * y.a + x.b * y.c, x.a * y.b + x.b * y.d, x.c * y.a + x.d * y.c,
          x.c * y.b + x.d * y.d};
}
matrix matrix_of(int rank, std::size_t i) {
  const auto h = mixed(static_cast<std::uint64_t>(rank) * 977 + i);
  return {static_cast<std::uint32_t>(h), static_cast<std::uint32_t>(h >> 16),
          static_cast<std::uint32_t>(h >> 32), static_cast<std::uint32_t>(h >> 40)};
}

/// At most 16 letters, one behind the other.
struct word {
  std::uint8_t length = 0;
  char letters[16] = {};
  friend bool operator==(const word&, const word&) = default;
};
word joined(word first, const word& second) {
  for (int i = 0; i < second.length; ++i) {
    first.letters[first.length++] = second.letters[i];
  }
  return first;
}

constexpr std::size_t order_counts[] = {1, 3, 60, 600, 5000};

template <class T, class Operation>
void check_values(const char* name, const Operation& operation, int ranks) {
  const auto inputs = samples<T>(ranks, 700);
  const auto expected = rondo::testing::folded(inputs, operation);
  per_rank<T> direct(inputs.size());
  per_rank<T> ringed(inputs.size());
  rondo::threads::run(ranks, [&](auto& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    direct[rank] = inputs[rank];
    rondo::all_reduce(comm, direct[rank], operation);
    ringed[rank] = inputs[rank];
    rondo::all_reduce(comm, ringed[rank], operation, rondo::ring{});
  });
  for (std::size_t rank = 0; rank < inputs.size(); ++rank) {
    INFO(name << ", " << rondo::type_name<T>() << ", " << ranks << " ranks, on rank " << rank);
    CHECK(first_wrong<T>(direct[rank], expected, ranks) == -1);
    CHECK(first_wrong<T>(ringed[rank], expected, ranks) == -1);
    CHECK(same_bits<T>(direct[rank], direct[0]));
    CHECK(same_bits<T>(ringed[rank], ringed[0]));
  }
}

/// What the loops of a collective do with an element. The loops themselves take a second or two to
/// compile for a type and an operation.
template <class T, class Operation>
void check_fold(const char* name, const Operation& operation, int ranks) {
  const auto inputs = samples<T>(ranks, 700);
  const auto expected = rondo::testing::folded(inputs, operation);
  const rondo::reduction<Operation, T> with{operation, ranks};
  std::vector<T> values;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    auto partial = with.lift(inputs[0][i]);
    for (std::size_t rank = 1; rank < inputs.size(); ++rank) {
      partial = with.fold(partial, with.lift(inputs[rank][i]));
    }
    values.push_back(with.lower(partial));
  }
  INFO(name << ", " << rondo::type_name<T>() << ", " << ranks << " ranks");
  CHECK(first_wrong<T>(values, expected, ranks) == -1);
}

/// Calls check(name, operation, ranks).
template <class T, class Check>
void for_each_operation(const Check& check) {
  for (const int ranks : {2, 3, 8}) {
    check("sum", rondo::op::sum{}, ranks);
    check("min", rondo::op::min{}, ranks);
    check("max", rondo::op::max{}, ranks);
    if constexpr (!std::is_unsigned_v<T>) {
      check("product", rondo::op::product{}, ranks);
    }
    check("average", rondo::op::average{}, ranks);
  }
}

/// Every operation in collectives.
template <class T>
void check_type() {
  for_each_operation<T>([](auto... given) { check_values<T>(given...); });
}

/// Every operation, element by element; one of them in collectives.
template <class T>
void check_similar_type() {
  for_each_operation<T>([](auto... given) { check_fold<T>(given...); });
  for (const int ranks : {2, 3, 8}) {
    check_values<T>("average", rondo::op::average{}, ranks);
  }
}

}  // namespace

TEST_CASE("types: integers from 8 to 64 bits") {
  check_similar_type<std::int8_t>();
  check_similar_type<std::uint8_t>();
  check_similar_type<std::int16_t>();
  check_similar_type<std::int64_t>();
}

TEST_CASE("types: float, double and the 16-bit floats, which fold in fp32") {
  check_type<float>();
  check_similar_type<double>();
  check_similar_type<rondo::bfloat16>();
  check_similar_type<rondo::half>();
  // 256 + 1 + ... + 1: lost one by one in eight bits of precision, kept in fp32.
  rondo::threads::run(9, [](auto& comm) {
    const auto check = [&](const auto&... algorithm) {
      std::vector<rondo::bfloat16> values(3, rondo::bfloat16{comm.rank() == 0 ? 256.f : 1.f});
      rondo::all_reduce(comm, values, algorithm...);
      rondo::testing::expect(static_cast<float>(values[2]) == 264.f, "a sum in fp32");
    };
    check();
    check(rondo::two_shot{});
    check(rondo::ring{});
    check(rondo::recursive_doubling{});
  });
}

TEST_CASE("types: one that cannot be made from nothing") {
  const auto add = [](const no_default& a, const no_default& b) {
    return no_default{a.value + b.value};
  };
  check_values<no_default>("add", add, 3);
  rondo::threads::run(3, [](auto& comm) {
    std::vector<no_default> mine(500, no_default{comm.rank()});
    std::vector<no_default> all(1500, no_default{-1});
    rondo::all_gather(comm, mine, all);
    rondo::testing::expect(all[1499].value == 2, "all_gather");
    rondo::broadcast(comm, mine, rondo::root{1});
    rondo::testing::expect(mine[0].value == 1, "broadcast");
  });
}

TEST_CASE("operations: a NaN on any rank wins against min and max") {
  rondo::threads::run(4, [](auto& comm) {
    for (int whose = 0; whose < 4; ++whose) {
      const float mine = comm.rank() == whose ? std::numeric_limits<float>::quiet_NaN() : 1.f;
      std::vector<float> low(300, mine);
      std::vector<float> high(300, mine);
      rondo::all_reduce(comm, low, rondo::op::min{});
      rondo::all_reduce(comm, high, rondo::op::max{}, rondo::ring{});
      rondo::testing::expect(low[7] != low[7] && high[299] != high[299], "a NaN");
    }
  });
}

TEST_CASE("order: direct schedules fold in rank order, whatever the operation commutes with") {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    rondo::threads::run(ranks, [&](auto& comm) {
      for (const auto count : order_counts) {
        std::vector<matrix> mine;
        std::vector<matrix> expected;
        for (std::size_t i = 0; i < count; ++i) {
          mine.push_back(matrix_of(comm.rank(), i));
          expected.push_back(matrix_of(0, i));
          for (int rank = 1; rank < ranks; ++rank) {
            expected.back() = times(expected.back(), matrix_of(rank, i));
          }
        }
        const auto multiply = [](const matrix& x, const matrix& y) { return times(x, y); };
        const auto in_order = [&](const auto& algorithm) {
          auto values = mine;
          rondo::all_reduce(comm, values, multiply, algorithm);
          rondo::testing::expect(values == expected, "a product in rank order");
        };
        in_order(rondo::automatic{});
        in_order(rondo::one_shot{});
        in_order(rondo::two_shot{});
        std::vector<matrix> folded(count);
        rondo::reduce(comm, mine, folded, multiply, rondo::root{ranks - 1});
        rondo::testing::expect(comm.rank() != ranks - 1 || folded == expected,
                               "a reduce in rank order");
      }
      std::vector<word> letters(20);
      for (auto& one : letters) {
        one.length = 1;
        one.letters[0] = static_cast<char>('a' + comm.rank());
      }
      rondo::all_reduce(comm, letters, [](const word& a, const word& b) { return joined(a, b); });
      const std::string alphabet = "abcdefghi";
      rondo::testing::expect(std::string(letters[19].letters, letters[19].length) ==
                                 alphabet.substr(0, static_cast<std::size_t>(ranks)),
                             "letters in rank order");
    });
  }
}

TEST_CASE("order: direct sums of floats are the sums from rank 0 to n-1, bit for bit") {
  const auto inputs = samples<float>(7, 3000);
  auto expected = inputs[0];
  for (std::size_t rank = 1; rank < 7; ++rank) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] += inputs[rank][i];
    }
  }
  rondo::threads::run(7, [&](auto& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    for (const std::size_t count : {3u, 200u, 3000u}) {
      std::vector<float> values(inputs[rank].begin(),
                                inputs[rank].begin() + static_cast<std::ptrdiff_t>(count));
      rondo::all_reduce(comm, values);
      rondo::testing::expect(same_bits<float>(values, std::span{expected}.first(count)), "bits");
    }
    std::vector<float> part(300);
    rondo::reduce_scatter(comm, std::span{inputs[rank]}.first(2100), part);
    rondo::testing::expect(same_bits<float>(part, std::span{expected}.subspan(300 * rank, 300)),
                           "bits of a part");
  });
}
