// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"
#include "tensor/tree_case.hpp"

#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

using namespace tree_case;
using refusals::contains;
using refusals::refusal;

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

TEST_CASE("tree_exchange: sums of many blocks, in the cache and around it") {
  // Five nodes, six in two ways, seven, and one that no other has beside it; blocks are 64 KiB.
  struct held {
    int ranks;
    std::size_t leaves;
  };
  for (const held by : {held{3, 8}, {6, 8}, {5, 6}, {7, 8}, {3, 16}, {3, 11}}) {
    INFO(by.ranks << " ranks, " << by.leaves << " leaves");
    rondo::threads::run(by.ranks, [&](auto& comm) {
      check<float>(comm, cut::even(by.leaves, by.ranks), 337, 307);
    });
  }
  rondo::threads::run(3, [&](auto& comm) {  // 27 MiB are touched
    const cut leaves = cut::even(4, 3);
    const std::size_t elements = (std::size_t{9} << 16) + 5;
    const auto sums = terms_of<double>(leaves, comm.rank(), elements);
    std::vector<double> out(elements);
    rondo::tree_exchange{leaves}.reduce(rondo::along<"tensor">(comm), sums,
                                        whole<double>{{out.data(), 1, elements}});
    const auto right = oracle<double>(4, elements);
    expect(std::memcmp(out.data(), right.data(), elements * sizeof(double)) == 0, "streamed");
  });
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
    expect(
        seen.made() == std::vector<rondo::testing::recorded>{{"all_reduce", 300, sizeof(float), 5}},
        "what ran");
  });
}

TEST_CASE("tree_exchange: ranks that disagree, or bring other leaves, are told") {
  // What rank 1 is told when it folds by `leaves` what `brought` says.
  const auto told = [](const cut& leaves, const cut& brought, int brought_by) {
    std::string said;
    rondo::threads::run(2, [&](auto& comm) {
      const bool other = comm.rank() == 1;
      const cut mine = other ? leaves : cut::even(4, 2);
      const auto sums = other ? terms_of<float>(brought, brought_by, 10)
                              : terms_of<float>(cut::even(4, 2), 0, 10);
      std::vector<float> out(10);
      const auto refused = refusal([&] {
        rondo::tree_exchange{mine}.reduce(rondo::along<"tensor">(comm), sums,
                                          whole<float>{{out.data(), 1, 10}});
      });
      if (other) {
        said = refused;
      }
    });
    return said;
  };
  CHECK(contains(told(cut::even(4, 2), cut::even(4, 2), 0),
                 "put exactly the leaves that the cut gives this rank"));
  const std::vector<std::size_t> widths{1, 3};
  const cut uneven = cut::widths(widths);
  CHECK(contains(told(uneven, uneven, 1), "sum by the tree of its leaves"));
}

TEST_CASE("tree_sum: a sum is moved with its arrays, and never copied, for its nodes lie there") {
  using sum = rondo::tree_sum<float>;
  static_assert(!std::is_copy_constructible_v<sum> && !std::is_copy_assignable_v<sum>);
  static_assert(std::is_nothrow_move_constructible_v<sum> &&
                std::is_nothrow_move_assignable_v<sum>);
  std::vector<sum> kept;  // growing moves them
  for (std::size_t leaf = 0; leaf < 5; ++leaf) {
    kept.emplace_back(1);
    kept.back().room()[0] = static_cast<float>(leaf);
    kept.back().put(leaf);
  }
  for (std::size_t leaf = 0; leaf < 5; ++leaf) {
    CHECK(kept[leaf].nodes().front().value[0] == static_cast<float>(leaf));
  }
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
  CHECK(sums.bytes() == 400);  // until an array is needed
  std::vector<float> lent(101);
  sums.restart(101, lent.data());
  CHECK(sums.room().data() == lent.data());
  sums.put(0);
  sums.put(1);
  CHECK(sums.nodes().front().value == lent.data());
  CHECK(sums.bytes() == 404);
  sums.restart(101);
  CHECK(sums.room().data() != lent.data());
}
