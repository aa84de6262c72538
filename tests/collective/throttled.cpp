// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/testing/throttled.hpp>

#include <chrono>
#include <vector>

using rondo::testing::expect;

TEST_CASE("throttled: asynchronous calls and messages go over the link, too") {
  using namespace std::chrono_literals;
  const rondo::testing::link slow{2, 40e6};  // 40 kB in 1 ms
  rondo::threads::run(2, [&](auto& comm) {
    rondo::testing::throttled apart{comm, slow};
    const auto seconds_of = [&comm](const auto& body) {
      const auto begin = std::chrono::steady_clock::now();
      rondo::barrier(comm);  // nothing is sent before all ranks have looked at the clock
      body();
      return std::chrono::steady_clock::now() - begin;
    };
    std::vector<float> values(50000, 1.0F);  // 200 kB: 5 ms
    auto took = seconds_of([&] {
      auto pending = rondo::all_reduce(apart, values, rondo::two_shot{}, rondo::async{});
      pending.wait();
    });
    expect(values == std::vector<float>(50000, 2.0F), "an asynchronous sum");
    expect(took >= 5ms, "half of the bytes, twice");

    took = seconds_of([&] {
      apart.rank() == 0 ? rondo::send(apart, values, rondo::to{1})
                        : rondo::receive(apart, values, rondo::from{0});
    });
    expect(took >= 5ms, "all bytes, once");
    rondo::barrier(apart);
  });
}
