// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/allocations.hpp"

#include <rondo/rondo.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define INTERPOSES 0
#else
#define INTERPOSES 1
#include <dlfcn.h>
#include <pthread.h>
#endif

// After the first call of a shape: no allocation and no lock, on any thread of the process.
namespace {

using counted::allocations;
std::atomic<long> locks{0};

}  // namespace

#if INTERPOSES
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) {
  using lock = int (*)(pthread_mutex_t*);
  static const lock real = reinterpret_cast<lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  ++locks;
  return real(mutex);
}
extern "C" int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) noexcept {
  using allocate = int (*)(void**, std::size_t, std::size_t);
  static const allocate real = reinterpret_cast<allocate>(dlsym(RTLD_NEXT, "posix_memalign"));
  ++allocations;
  return real(memory, alignment, bytes);
}
#endif

namespace {

struct cost {
  long allocated = -1;
  long locked = -1;
};

/// What 20 calls cost after the first one.
template <class Call>
cost cost_of(const Call& call, int ranks) {
  cost found;
  rondo::threads::run(ranks, [&](auto& comm) {
    auto prepared = call(comm);
    prepared();
    rondo::barrier(comm);
    const long allocations_before = allocations;
    const long locks_before = locks;
    rondo::barrier(comm);
    for (int round = 0; round < 20; ++round) {
      prepared();
    }
    rondo::barrier(comm);
    if (comm.rank() == 0) {
      found = {allocations - allocations_before, locks - locks_before};
    }
    rondo::barrier(comm);
  });
  return found;
}

/// A machine that has other work may disturb a call: of a few attempts one must cost nothing.
template <class Call>
void check_shape(const std::string& name, const Call& call, int ranks = 3) {
  cost seen = cost_of(call, ranks);
  for (int attempt = 0; attempt < 20 && seen.allocated + seen.locked != 0; ++attempt) {
    seen = cost_of(call, ranks);
  }
  INFO(name);
  CHECK(seen.allocated == 0);
  CHECK(seen.locked == 0);
}

template <class... Algorithms>
void check_all_reduce() {
  for (const std::size_t count : {1u, 500u, 20000u}) {
    (check_shape(std::string{Algorithms::name} + " of " + std::to_string(count),
                 [count](auto& comm) {
                   return [&comm, values = std::vector<float>(count, 0.5f)]() mutable {
                     rondo::all_reduce(comm, values, Algorithms{}, rondo::op::average{});
                   };
                 }),
     ...);
  }
}

struct alignas(64) line {
  float values[16];
};

struct box {
  float low;
  float high;
};

}  // namespace

TEST_CASE("hot path: the counters of this test count") {
  const long allocations_before = allocations;
  const long locks_before = locks;
  std::vector<int> values(10);
  std::vector<line> lines(10);
  void* page = nullptr;
  const int refused = posix_memalign(&page, 4096, 4096);
  std::free(page);
  std::mutex mutex;
  const std::scoped_lock hold{mutex};
  const cost seen{allocations - allocations_before, locks - locks_before};
  CHECK(refused == 0);
  CHECK(seen.allocated == 2 + INTERPOSES);
  CHECK(seen.locked == INTERPOSES);
}

TEST_CASE("hot path: all_reduce allocates and locks nothing after the first call of a shape") {
  check_all_reduce<rondo::automatic, rondo::ring, rondo::tree, rondo::recursive_doubling,
                   rondo::halving_doubling, rondo::bruck, rondo::two_shot, rondo::one_shot>();
  const auto on_two_levels = [](auto algorithm) {
    for (const std::size_t count : {1u, 500u, 20000u}) {
      check_shape(
          "hierarchical of " + std::to_string(count),
          [=](auto& comm) {
            return [=, &comm, values = std::vector<float>(count, 0.5f)]() mutable {
              rondo::all_reduce(comm, values, algorithm);
            };
          },
          4);
    }
  };
  on_two_levels(rondo::hierarchical{rondo::ring{}, rondo::ring{}, 2});
  on_two_levels(rondo::hierarchical{rondo::two_shot{}, rondo::tree{}, 2});
  for (const std::size_t count : {1u, 500u, 20000u}) {
    check_shape("reproducible_sum of " + std::to_string(count), [count](auto& comm) {
      return [&comm, values = std::vector<float>(count, 0.1f)]() mutable {
        rondo::all_reduce(comm, values, rondo::op::reproducible_sum{});
        rondo::all_reduce(comm, values, rondo::op::reproducible_sum{}, rondo::ring{});
      };
    });
    check_shape("own type and operation of " + std::to_string(count), [count](auto& comm) {
      return [&comm, boxes = std::vector<box>(count, box{1, 2})]() mutable {
        const auto unite = [](box a, box b) {
          return box{(std::min)(a.low, b.low), (std::max)(a.high, b.high)};
        };
        rondo::all_reduce(comm, boxes, unite);
        rondo::all_reduce(comm, boxes, unite, rondo::tree{});
      };
    });
  }
  check_shape("bfloat16 over messages", [](auto& comm) {
    return [&comm, values = std::vector<rondo::bfloat16>(999)]() mutable {
      rondo::all_reduce(comm, values, rondo::ring{});
    };
  });
}

TEST_CASE("hot path: other collectives and messages allocate and lock nothing either") {
  const std::vector<std::size_t> counts{5, 0, 1200};
  check_shape("reduce_scatter", [](auto& comm) {
    return [&comm, in = std::vector<int>(3000), out = std::vector<int>(1000)]() mutable {
      rondo::reduce_scatter(comm, in, out);
      rondo::reduce_scatter(comm, in, out, rondo::ring{});
    };
  });
  check_shape("all_gather with counts", [&](auto& comm) {
    const auto mine = counts[static_cast<std::size_t>(comm.rank())];
    return [&comm, &counts, in = std::vector<int>(mine), out = std::vector<int>(1205)]() mutable {
      rondo::all_gather(comm, in, out, rondo::counts{counts});
      rondo::all_gather(comm, in, out, rondo::counts{counts}, rondo::ring{});
    };
  });
  check_shape("all_to_all with counts", [&](auto& comm) {
    const auto mine = counts[static_cast<std::size_t>(comm.rank())];
    return [&comm, &counts, sent = std::vector<std::size_t>(3, mine),
            in = std::vector<int>(3 * mine), out = std::vector<int>(1205)]() mutable {
      rondo::all_to_all(comm, in, out, rondo::counts{sent, counts});
      rondo::all_to_all(comm, in, out, rondo::counts{sent, counts}, rondo::one_shot{});
    };
  });
  check_shape("rooted", [](auto& comm) {
    return [&comm, in = std::vector<int>(700), out = std::vector<int>(2100)]() mutable {
      rondo::broadcast(comm, in, rondo::root{1});
      rondo::broadcast(comm, in, rondo::root{1}, rondo::tree{});
      rondo::reduce(comm, in, in, rondo::root{2});
      rondo::reduce(comm, in, in, rondo::root{2}, rondo::tree{});
      rondo::gather(comm, in, out, rondo::root{0});
      rondo::scatter(comm, out, in, rondo::root{0}, rondo::tree{});
    };
  });
  check_shape("messages", [](auto& comm) {
    return [&comm, few = std::vector<int>(10), many = std::vector<int>(5000)]() mutable {
      if (comm.rank() == 0) {
        rondo::send(comm, few, rondo::to{1}, rondo::tag{3});
        rondo::send(comm, many, rondo::to{1});
      } else if (comm.rank() == 1) {
        rondo::receive(comm, many, rondo::from{0});
        rondo::receive(comm, few, rondo::from{0}, rondo::tag{3});
      }
    };
  });
  check_shape("asynchronous", [](auto& comm) {
    return [&comm, values = std::vector<float>(5000)]() mutable {
      auto first = rondo::all_reduce(comm, values, rondo::async{});
      auto second = rondo::broadcast(comm, values, rondo::tree{}, rondo::async{});
      second.wait();
    };
  });
}
