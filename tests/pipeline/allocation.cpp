// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// A program of its own, for it counts every allocation.

#include "catch.hpp"
#include "harness/allocations.hpp"

#include <rondo/pipeline.hpp>
#include <rondo/rondo.hpp>

#include <algorithm>

namespace pipeline = rondo::pipeline;
using counted::allocations;
using pipeline::channel;
using pipeline::shape;

namespace {

/// Fills and returns the buffers that it is given.
struct frugal_stages {
  using buffer = std::vector<float>;
  std::size_t count = 0;
  buffer forward(const pipeline::site&, buffer x) const {
    x.resize(count);
    return x;
  }
  buffer backward_input(const pipeline::site&, buffer g) const {
    g.resize(count);
    return g;
  }
  static void backward_weight(const pipeline::site&) {}
};

/// Allocations of 3 runs on 4 ranks, the fewest of 20 times. How many buffers are away at once
/// depends on who is faster, and the most there ever are may come late; but what is allocated for
/// every message, or every run, is allocated every time.
long allocated_by(const pipeline::plan& plan, channel carried, std::size_t count) {
  const auto safe = pipeline::prove(plan, carried);
  long fewest = -1;
  rondo::threads::run(4, [&](auto& comm) {
    frugal_stages stage{count};
    for (int time = 0; time < 21; ++time) {  // the first is to warm up
      rondo::barrier(comm);
      const long before = allocations;
      rondo::barrier(comm);
      for (int round = 0; round < 3; ++round) {
        pipeline::run(comm, safe, stage);
      }
      rondo::barrier(comm);
      if (const long all = allocations - before; comm.rank() == 0 && time > 0) {
        fewest = fewest < 0 ? all : std::min(fewest, all);
      }
    }
    rondo::barrier(comm);
  });
  return fewest;
}

}  // namespace

TEST_CASE("a run allocates nothing once one of its shape has been") {
  const shape asked{4, 12};
  const std::pair<const char*, pipeline::plan> plans[] = {
      {"gpipe", pipeline::gpipe{}(asked)},
      {"one_f_one_b", pipeline::one_f_one_b{}(asked)},
      {"interleaved_one_f_one_b", pipeline::interleaved_one_f_one_b{}(asked)},
      {"zero_bubble_h2", pipeline::zero_bubble_h2{}(asked)},
      {"zero_bubble_v", pipeline::zero_bubble_v{}(asked)},
      {"dual_pipe", pipeline::dual_pipe{}(asked)},
      {"forward_only", pipeline::forward_only{}(asked)}};
  for (const auto& [name, plan] : plans) {
    for (const channel carried : {channel::rendezvous, channel::mailbox}) {
      for (const std::size_t count : {200, 5000}) {  // the transport copies, or lends
        INFO(name << ", " << name_of(carried) << ", " << count << " floats");
        CHECK(allocated_by(plan, carried, count) == 0);
      }
    }
  }
}
