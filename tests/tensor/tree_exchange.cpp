// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/tensor/tree_exchange.hpp>

#include "catch.hpp"
#include "tensor/loops.hpp"

#include <rondo/tensor/context.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads.hpp>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace {

using loops::owned;
using rondo::cut;
using rondo::matrix;
using rondo::testing::expect;

template <class T>
using whole = rondo::replicated<T, "tensor">;
template <class T>
using rows_of = rondo::sharded<T, 0, "tensor">;

/// Element i of leaf `leaf`: magnitudes differ so much that every other order has other bits.
template <class T>
T term(std::size_t leaf, std::size_t i) {
  const double drawn = loops::number(3, leaf, i);
  return static_cast<T>(std::ldexp(drawn, static_cast<int>((leaf * 7 + i) % 23)));
}

/// The definition: a node is the sum of its halves, or of the one half that has leaves.
template <class T>
T tree(std::size_t level, std::size_t index, std::size_t leaves, std::size_t i) {
  if (level == 0) {
    return term<T>(index, i);
  }
  const T left = tree<T>(level - 1, 2 * index, leaves, i);
  const bool more = (2 * index + 1) << (level - 1) < leaves;
  return more ? static_cast<T>(left + tree<T>(level - 1, 2 * index + 1, leaves, i)) : left;
}
template <class T>
std::vector<T> oracle(std::size_t leaves, std::size_t elements) {
  std::size_t level = 0;
  while (std::size_t{1} << level < leaves) {
    ++level;
  }
  std::vector<T> sums(elements);
  for (std::size_t i = 0; i < elements && leaves != 0; ++i) {
    sums[i] = tree<T>(level, 0, leaves, i);
  }
  return sums;
}

template <class T>
rondo::tree_sum<T> terms_of(const cut& leaves, int rank, std::size_t elements) {
  rondo::tree_sum<T> sums{elements};
  for (const std::size_t leaf : loops::held(leaves, rank)) {
    const auto room = sums.room();
    for (std::size_t i = 0; i < elements; ++i) {
      room[i] = term<T>(leaf, i);
    }
    sums.put(leaf);
  }
  return sums;
}

template <class T>
void expect_bits(const T& got, const T& right, const char* what) {
  expect(std::memcmp(&got, &right, sizeof(T)) == 0, what);
}

/// Every kind of result, on the calling rank.
template <class T, class Comm>
void check(Comm& comm, const cut& leaves, std::size_t rows, std::size_t columns) {
  const auto team = rondo::along<"tensor">(comm);
  const auto right = oracle<T>(leaves.extent(), rows * columns);
  const auto sums = terms_of<T>(leaves, comm.rank(), rows * columns);
  rondo::tree_exchange exchange{leaves};
  for (int repeat = 0; repeat < 2; ++repeat) {
    owned<T> all(rows, columns, T(7));
    exchange.reduce(team, sums, whole<T>{all.view()});
    for (std::size_t i = 0; i < right.size(); ++i) {
      expect_bits(all.memory[i], right[i], "the whole sum");
    }
    owned<T> gaps(rows, columns + 2, T(7));
    exchange.reduce(team, sums, whole<T>{{gaps.memory.data(), rows, columns, columns + 2}});
    for (const cut& by : {cut::even(rows, comm.size()), rondo::zigzag(rows, comm.size())}) {
      owned<T> own(by.width(comm.rank()), columns);
      exchange.reduce(team, sums, rows_of<T>{own.view(), by});
      for (std::size_t r = 0; r < own.rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          expect_bits(own(r, c), right[by.global(comm.rank(), r) * columns + c], "a shard");
        }
      }
    }
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns + 2; ++c) {
        expect_bits(gaps(r, c), c < columns ? right[r * columns + c] : T(7), "rows with gaps");
      }
    }
  }
}

}  // namespace

TEST_CASE("tree_exchange: the bits are the tree's, whoever holds which leaves") {
  for (const int ranks : {1, 2, 3, 4, 5, 8}) {
    for (const std::size_t count : {0, 1, 5, 8, 13, 32}) {
      for (const cut& leaves : {cut::even(count, ranks), rondo::zigzag(count, ranks)}) {
        INFO(ranks << " ranks, " << count << " leaves");
        rondo::threads::run(ranks, [&](auto& comm) {
          rondo::testing::messages_only apart{comm};
          check<float>(comm, leaves, 5, 3);  // staged
          check<double>(comm, leaves, 1, 1);
          check<float>(apart, leaves, 5, 3);
        });
      }
    }
  }
}

TEST_CASE("tree_exchange: sums that do not fit a staging area are folded where they lie") {
  for (const int ranks : {1, 2, 3, 4, 7}) {
    for (const std::size_t count : {std::size_t{7}, std::size_t{16}}) {
      INFO(ranks << " ranks, " << count << " leaves");
      rondo::threads::run(ranks, [&](auto& comm) {
        rondo::testing::messages_only apart{comm};
        check<float>(comm, cut::even(count, ranks), 131, 307);
        check<float>(apart, rondo::zigzag(count, ranks), 131, 307);
      });
    }
  }
}

TEST_CASE("tree_exchange: a plan names one collective and the arrays that it folds") {
  const rondo::tree_exchange exchange{cut::even(8, 3)};  // 3, 3 and 2 leaves
  CHECK(exchange.nodes(0) == 2);
  CHECK(exchange.nodes(1) == 2);
  CHECK(exchange.nodes(2) == 1);
  CHECK(exchange.arrays() == 3);  // of rank 1: leaves 3 and 4, and room for 5
  const auto all = exchange.planned(rondo::conversion::all_reduce, 300, 4, "tensor");
  CHECK(all.describe() == "all_reduce 300 x 4 B of 5 nodes over tensor (3 ranks)");
  CHECK(all.moved_elements() == 5 * 200 + 2 * 300);
  const auto shards = exchange.planned(rondo::conversion::reduce_scatter, 300, 4, "tensor");
  CHECK(shards.moved_elements() == 5 * 200);
  // One node a rank: as much as a plain all_reduce.
  const auto even = rondo::tree_exchange{cut::even(8, 4)}.planned(rondo::conversion::all_reduce,
                                                                  400, 4, "tensor");
  CHECK(even.moved_elements() ==
        rondo::planned_collective{rondo::schedule::collective::all_reduce, 400, 4, "tensor", 4}
            .moved_elements());
  rondo::threads::run(3, [&](auto& comm) {
    rondo::testing::recording seen{comm};
    const cut leaves = cut::even(8, 3);
    const auto sums = terms_of<float>(leaves, comm.rank(), 300);
    expect(sums.bytes() <= exchange.arrays() * 300 * sizeof(float), "memory of the sum");
    expect(comm.rank() != 1 || sums.bytes() == exchange.arrays() * 300 * sizeof(float), "the most");
    std::vector<float> out(300);
    rondo::tree_exchange{leaves}.reduce(rondo::along<"tensor">(seen), sums,
                                        whole<float>{{out.data(), 1, 300}});
    expect(seen.made() ==
               std::vector<rondo::testing::recorded>{{"all_reduce", 300, sizeof(float), 5}},
           "what ran");
  });
}

TEST_CASE("tree_exchange: ranks that disagree, or bring other leaves, are told") {
  std::string said;
  rondo::threads::run(2, [&](auto& comm) {
    const cut leaves = cut::even(4, 2);
    const auto sums = terms_of<float>(leaves, 0, 10);  // on rank 1: not its own
    std::vector<float> out(10);
    try {
      rondo::tree_exchange{leaves}.reduce(rondo::along<"tensor">(comm), sums,
                                          whole<float>{{out.data(), 1, 10}});
    } catch (const rondo::error& refused) {
      if (comm.rank() == 1) {
        said = refused.what();
      }
    }
  });
  CHECK(said.find("put exactly the leaves that the cut gives this rank") != std::string::npos);
  said.clear();
  rondo::threads::run(2, [&](auto& comm) {
    const std::vector<std::size_t> other{1, 3};
    const cut leaves = comm.rank() == 0 ? cut::even(4, 2) : cut::widths(other);
    const auto sums = terms_of<float>(leaves, comm.rank(), 10);
    std::vector<float> out(10);
    try {
      rondo::tree_exchange{leaves}.reduce(rondo::along<"tensor">(comm), sums,
                                          whole<float>{{out.data(), 1, 10}});
    } catch (const rondo::error& refused) {
      if (comm.rank() == 1) {
        said = refused.what();
      }
    }
  });
  CHECK(said.find("sum by the tree of its leaves") != std::string::npos);
}

TEST_CASE("tree_sum: arrays grow to the largest sum and stay") {
  rondo::tree_sum<float> sums{100};
  static_cast<void>(sums.room());
  sums.put(0);
  CHECK(sums.bytes() == 400);
  sums.restart(10);
  const float* const first = sums.room().data();
  CHECK(sums.room().size() == 10);
  sums.put(0);
  CHECK(sums.bytes() == 400);
  sums.restart(100);
  CHECK(sums.room().data() == first);
  sums.restart(101);
  CHECK(sums.bytes() == 0);
}
