// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

using rondo::testing::expect;

// What a user may write, in one place: if this file compiles and passes, call sites in the wild do.
namespace {

struct box {
  float low;
  float high;
};
box unite(box a, box b) { return {(std::min)(a.low, b.low), (std::max)(a.high, b.high)}; }

template <class T>
bool all_equal(const T& values, typename T::value_type expected) {
  return std::all_of(values.begin(), values.end(), [&](auto v) { return v == expected; });
}

}  // namespace

TEST_CASE("call sites: all_reduce takes any contiguous range, policies in any order") {
  rondo::threads::run(4, [](auto& comm) {
    expect(comm.rank() >= 0 && comm.rank() < comm.size() && comm.size() == 4, "rank and size");
    const float mine = static_cast<float>(comm.rank() + 1);

    std::vector<float> values(100, mine);
    rondo::all_reduce(comm, values);
    expect(all_equal(values, 10), "a vector in place");

    std::array<double, 7> few;
    few.fill(mine);
    rondo::all_reduce(comm, few, rondo::op::max{});
    expect(all_equal(few, 4), "an array, the largest");

    int plain[3] = {comm.rank(), comm.rank(), comm.rank()};
    rondo::all_reduce(comm, plain);
    expect(plain[2] == 6, "a plain array");

    values.assign(100, mine);
    rondo::all_reduce(comm, std::span{values}.subspan(10, 50), rondo::ring{});
    expect(values[10] == 10 && values[9] == mine && values[60] == mine, "a part of a vector");

    const std::vector<float> in(50, mine);
    std::vector<float> out(50);
    rondo::all_reduce(comm, in, out, rondo::op::max{}, rondo::tree{});
    expect(all_equal(out, 4), "out of place");
    rondo::all_reduce(comm, in, out, rondo::tree{.segments = 2}, rondo::op::min{});
    expect(all_equal(out, 1), "policies the other way round");
    rondo::all_reduce(comm, in, out, rondo::op::product{}, rondo::recursive_doubling{});
    expect(all_equal(out, 24), "a product");
    rondo::all_reduce(comm, in, out, rondo::halving_doubling{}, rondo::op::average{});
    expect(all_equal(out, 2.5f), "an average");
    rondo::all_reduce(comm, in, out, rondo::bruck{});
    rondo::all_reduce(comm, in, out, rondo::one_shot{});
    rondo::all_reduce(comm, in, out, rondo::two_shot{});
    rondo::all_reduce(comm, in, out, rondo::hierarchical{rondo::ring{}, rondo::tree{}, 2});
    rondo::all_reduce(comm, in, out, rondo::automatic{}, std::plus<>{});
    expect(all_equal(out, 10), "std::plus<>");
    rondo::all_reduce(comm, in, out, std::multiplies<float>{});
    expect(all_equal(out, 24), "std::multiplies");

    std::vector<box> boxes(20, box{mine, mine + 1});
    rondo::all_reduce(comm, boxes, [](box a, box b) { return unite(a, b); });
    expect(boxes[19].low == 1 && boxes[19].high == 5, "a user's type and operation");
    values.assign(10, mine);
    rondo::all_reduce(comm, values, rondo::op::reproducible_sum{});
    expect(all_equal(values, 10), "a reproducible sum");
    float limit = 3;
    values.assign(10, mine);
    rondo::all_reduce(
        comm, values, [limit](float a, float b) { return (std::min)(limit, a + b); },
        rondo::ring{});
    expect(all_equal(values, 3), "an operation with state");
  });
}

TEST_CASE("call sites: the other collectives") {
  rondo::threads::run(4, [](auto& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    std::vector<int> eight(8);
    std::iota(eight.begin(), eight.end(), 100 * comm.rank());
    std::vector<int> two(2);
    std::vector<int> all(32);

    rondo::reduce_scatter(comm, eight, two);
    expect(two[1] == 600 + 4 * (2 * comm.rank() + 1), "reduce_scatter");
    rondo::reduce_scatter(comm, eight, two, rondo::op::max{}, rondo::ring{});
    expect(two[0] == 300 + 2 * comm.rank(), "reduce_scatter with an operation");

    rondo::all_gather(comm, eight, all);
    expect(all[8] == 100 && all[31] == 307, "all_gather");

    std::vector<int> turned(8);
    rondo::all_to_all(comm, eight, turned);
    expect(turned[6] == 300 + 2 * comm.rank(), "all_to_all");

    std::vector<int> sums(8);
    rondo::reduce(comm, eight, sums, rondo::root{2});
    expect(comm.rank() == 2 ? sums[1] == 604 : sums[1] == 0, "reduce");

    std::vector<int> told(5, comm.rank());
    rondo::broadcast(comm, told, rondo::root{2});
    expect(told[4] == 2, "broadcast");

    rondo::gather(comm, eight, all, rondo::root{0});
    rondo::scatter(comm, all, eight, rondo::root{0});
    expect(eight[0] == 100 * comm.rank(), "gather and scatter");

    const std::vector<std::size_t> per_rank{1, 0, 5, 2};
    const std::vector<int> mine(per_rank[rank], comm.rank());
    std::vector<int> gathered(8);
    rondo::all_gather(comm, mine, gathered, rondo::counts{per_rank});
    expect(gathered == std::vector<int>{0, 2, 2, 2, 2, 2, 3, 3}, "uneven all_gather");
    std::vector<int> part(per_rank[rank]);
    rondo::reduce_scatter(comm, gathered, part, rondo::counts{per_rank});
    expect(part == std::vector<int>(per_rank[rank], 4 * comm.rank()), "uneven reduce_scatter");
    rondo::gather(comm, mine, gathered, rondo::root{1}, rondo::counts{per_rank});
    rondo::scatter(comm, gathered, part, rondo::counts{per_rank}, rondo::root{1});
    expect(part == mine, "uneven gather and scatter");
    const std::vector<std::size_t> one_each{1, 1, 1, 1};
    std::vector<int> four(4, comm.rank());
    std::vector<int> from_all(4);
    rondo::all_to_all(comm, four, from_all, rondo::counts{one_each, one_each});
    expect(from_all == std::vector<int>{0, 1, 2, 3}, "all_to_all with counts");

    rondo::barrier(comm);
    rondo::barrier(comm, rondo::tree{});
  });
}

TEST_CASE("call sites: messages, asynchronous calls, teams, options") {
  rondo::threads::run(
      4,
      [](auto& comm) {
        std::vector<double> values(300, comm.rank());
        if (comm.rank() == 0) {
          rondo::send(comm, values, rondo::to{1}, rondo::tag{7});
        } else if (comm.rank() == 1) {
          rondo::receive(comm, values, rondo::from{0}, rondo::tag{7});
          expect(all_equal(values, 0), "a message");
        }

        std::vector<float> bucket(1000, 1);
        std::vector<float> other(1000, 2);
        auto pending = rondo::all_reduce(comm, bucket, rondo::async{});
        auto second = rondo::all_reduce(comm, other, rondo::async{}, rondo::op::max{});
        static_assert(std::is_same_v<decltype(pending), rondo::pending>);
        pending.wait();
        second.wait();
        expect(all_equal(bucket, 4) && all_equal(other, 2), "asynchronous calls");
        rondo::barrier(comm, rondo::async{}).wait();

        auto team = comm.split(comm.rank() % 2, -comm.rank());
        expect(team.size() == 2 && team.rank() == (comm.rank() < 2 ? 1 : 0), "a team by key");
        std::vector<int> ours(3, comm.rank());
        rondo::all_reduce(team, ours);
        expect(all_equal(ours, comm.rank() % 2 == 0 ? 2 : 4), "a sum within a team");
      },
      {.deadline = std::chrono::seconds{5}});
}

TEST_CASE("call sites: a failure is rethrown with its rank named and its cause inside") {
  struct own_error : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  bool seen = false;
  try {
    rondo::threads::run(3, [](auto& comm) {
      if (comm.rank() == 1) {
        throw own_error("disk full");
      }
      rondo::barrier(comm);
    });
  } catch (const rondo::rank_failure& failure) {
    CHECK(failure.rank() == 1);
    CHECK(failure.code() == rondo::error_code::rank_failed);
    CHECK(std::string{failure.what()} == "rondo: rank 1: disk full");
    CHECK_THROWS_AS(std::rethrow_if_nested(failure), own_error);
    seen = true;
  }
  CHECK(seen);
  CHECK_THROWS_AS(rondo::threads::run(0, [](auto&) {}), rondo::error);
}
