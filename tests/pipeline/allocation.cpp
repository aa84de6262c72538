// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// A program of its own, for it counts every allocation.

#include "catch.hpp"

#include <rondo/pipeline.hpp>
#include <rondo/rondo.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

namespace pipeline = rondo::pipeline;
using pipeline::channel;
using pipeline::shape;

namespace {

std::atomic<long> allocations{0};

}  // namespace

// Not inlined: GCC takes a new next to a free for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) {
    return memory;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

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

/// Allocations of the last `rounds` of some runs on 4 ranks.
long allocated_by(const pipeline::plan& plan, channel carried, std::size_t count, int warm_up,
                  int rounds) {
  const auto safe = pipeline::prove(plan, carried);
  long allocated = -1;
  rondo::threads::run(4, [&](auto& comm) {
    frugal_stages stage{count};
    for (int round = 0; round < warm_up; ++round) {
      pipeline::run(comm, safe, stage);
    }
    rondo::barrier(comm);
    const long before = allocations;
    rondo::barrier(comm);
    for (int round = 0; round < rounds; ++round) {
      pipeline::run(comm, safe, stage);
    }
    rondo::barrier(comm);
    if (comm.rank() == 0) {
      allocated = allocations - before;
    }
    rondo::barrier(comm);
  });
  return allocated;
}

}  // namespace

TEST_CASE("a run allocates nothing once one of its shape has been") {
  // As many micro-batches as the transport has room for, 200 floats long, which it copies: then no
  // buffer is away for longer in one run than in another.
  const shape asked{4, 8};
  const std::pair<const char*, pipeline::plan> plans[] = {
      {"gpipe", pipeline::gpipe{}(asked)},
      {"one_f_one_b", pipeline::one_f_one_b{}(asked)},
      {"interleaved_one_f_one_b", pipeline::interleaved_one_f_one_b{}(asked)},
      {"zero_bubble_h2", pipeline::zero_bubble_h2{}(asked)},
      {"zero_bubble_v", pipeline::zero_bubble_v{}(asked)},
      {"dual_pipe", pipeline::dual_pipe{}(asked)},
      {"forward_only", pipeline::forward_only{}(asked)}};
  for (const auto& [name, plan] : plans) {
    INFO(name);
    for (const channel carried : {channel::rendezvous, channel::mailbox}) {
      CHECK(allocated_by(plan, carried, 200, 1, 5) == 0);
    }
  }
}

TEST_CASE("long messages lie in their sender's buffers, which are used again") {
  // How many are under way at once depends on who is faster; so the most there ever are may come
  // late, but then no more.
  const auto plan = pipeline::one_f_one_b{}({4, 12});
  constexpr long messages = 50 * 2 * 3 * 12;
  CHECK(allocated_by(plan, channel::mailbox, 5000, 20, 50) < messages / 100);
}
