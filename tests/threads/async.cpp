// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "outcomes.hpp"

#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>

#if defined(__linux__)
#include <sys/resource.h>
#endif

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using rondo::async;
using rondo::testing::expect;
using std::chrono::milliseconds;

TEST_CASE("async: a call ends while its caller does something else") {
  rondo::threads::run(3, [](auto& comm) {
    std::vector<float> values(50000, 1);
    const auto call = rondo::all_reduce(comm, values, async{});
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!call.done() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(milliseconds{1});
    }
    expect(call.done() && values[49999] == 3, "a call that nobody waits for");
  });
}

TEST_CASE("async: calls run in the order they were begun, synchronous ones behind them") {
  for (int round = 0; round < 20; ++round) {
    rondo::threads::run(3, [](auto& comm) {
      std::vector<int> values(1000, comm.rank());
      auto first = rondo::all_reduce(comm, values, async{});                         // 3
      auto second = rondo::all_reduce(comm, values, rondo::op::product{}, async{});  // 27
      auto third = rondo::broadcast(comm, values, rondo::root{1}, rondo::tree{}, async{});
      rondo::all_reduce(comm, values, rondo::ring{});  // 81
      expect(first.done() && second.done() && third.done(), "calls begun before");
      expect(values[0] == 81 && values[999] == 81, "the result of four calls in order");
      second.wait();
      first.wait();
      third.wait();
      third.wait();
    });
  }
}

TEST_CASE("async: more calls in flight than a worker holds, waited for in any order, or dropped") {
  rondo::threads::run(2, [](auto& comm) {
    std::deque<std::vector<int>> buffers;
    std::vector<rondo::pending> calls;
    for (int i = 0; i < 300; ++i) {
      buffers.emplace_back(100, i);
      calls.push_back(rondo::all_reduce(comm, buffers.back(), async{}));
    }
    for (int i = 299; i >= 0; i -= 2) {
      calls[static_cast<std::size_t>(i)].wait();
      expect(buffers[static_cast<std::size_t>(i)][99] == 2 * i, "a sum");
    }
    calls.clear();
    expect(buffers[0][0] == 0 && buffers[150][0] == 300, "sums of dropped calls");
  });
}

TEST_CASE("async: two communicators at once do not wait for each other") {
  rondo::threads::run(4, [](auto& comm) {
    auto other = comm.split(0, -comm.rank());
    std::vector<float> a(5000, 1);
    std::vector<float> b(5000, 2);
    // Begun in another order on every other rank: fine, for they are two communicators.
    std::optional<rondo::pending> first;
    std::optional<rondo::pending> second;
    if (comm.rank() % 2 == 0) {
      first = rondo::all_reduce(comm, a, async{});
      second = rondo::all_reduce(other, b, async{});
    } else {
      second = rondo::all_reduce(other, b, async{});
      first = rondo::all_reduce(comm, a, async{});
    }
    second->wait();
    first->wait();
    expect(a[4999] == 4 && b[0] == 8, "both sums");
  });
}

TEST_CASE("async: messages between neighbours") {
  rondo::threads::run(2, [](auto& comm) {
    std::vector<int> out(5000, comm.rank());
    std::vector<int> in(5000, -1);
    if (comm.rank() == 0) {
      auto sent = rondo::send(comm, out, rondo::to{1}, async{});
      auto got = rondo::receive(comm, in, rondo::from{1}, async{});
      got.wait();
      sent.wait();
    } else {
      auto got = rondo::receive(comm, in, rondo::from{0}, async{});
      auto sent = rondo::send(comm, out, rondo::to{0}, async{});
      sent.wait();
      got.wait();
    }
    expect(in[4999] == 1 - comm.rank(), "a message each way");
  });
}

TEST_CASE("async: wait() throws what its own call threw, as often as it is not a second wait") {
  const auto seen = outcomes(3, [](auto& comm) {
    std::vector<int> good(10, 1);
    std::vector<int> bad(comm.rank() == 1 ? 11 : 10);
    auto first = rondo::all_reduce(comm, good, async{});
    auto second = rondo::all_reduce(comm, bad, async{});
    auto third = rondo::barrier(comm, async{});
    first.wait();
    expect(good[0] == 3, "a call before the bad one");
    int errors = 0;
    for (auto* call : {&third, &second}) {
      try {
        call->wait();
      } catch (const rondo::mismatch&) {
        ++errors;
      }
      call->wait();
    }
    expect(errors == 2, "an error each");
    rondo::barrier(comm);
  });
  for (const auto& one : seen) {
    CAPTURE(one.what);
    CHECK(one.code == rondo::error_code::mismatch);
    CHECK(one.seconds < 2);
  }
}

TEST_CASE("async: the error of a dropped call is thrown by the next call, once") {
  rondo::threads::run(3, [](auto& comm) {
    std::vector<int> in(6, 1);
    std::vector<int> out(6);
    const std::vector<std::size_t> each{1, 2, 3};
    const auto begin = [&] {
      return rondo::all_to_all(comm, in, out, rondo::bruck{}, async{}, rondo::counts{each, each});
    };
    { const auto dropped = begin(); }
    int errors = 0;
    for (int call = 0; call < 2; ++call) {
      try {
        rondo::barrier(comm);
      } catch (const rondo::error& thrown) {
        errors += thrown.code() == rondo::error_code::invalid_argument ? 1 : 0;
      }
    }
    expect(errors == 1, "one error, once");
    auto again = begin();
    auto fine = rondo::barrier(comm, async{});
    fine.wait();
    bool threw = false;
    try {
      again.wait();
    } catch (const rondo::error&) {
      threw = true;
    }
    expect(threw, "the error of the call that was refused");
  });
}

TEST_CASE("async: the error of a dropped call that was a rank's last is thrown by run") {
  CHECK_THROWS_AS(rondo::threads::run(3,
                                      [](auto& comm) {
                                        const bool odd = comm.rank() == 1;
                                        std::vector<float> values(odd ? 99 : 100);
                                        const auto dropped =
                                            rondo::all_reduce(comm, values, async{});
                                      }),
                  rondo::mismatch);
}

TEST_CASE("async: run is quiet about calls that a caught error dropped") {
  int caught = 0;
  std::mutex lock;
  rondo::threads::run(3, [&](auto& comm) {
    std::vector<float> values(100);
    std::vector<float> others(comm.rank() == 1 ? 99 : 100);
    try {
      auto fails = rondo::all_reduce(comm, others, async{});
      const auto fails_too_and_is_dropped = rondo::all_reduce(comm, values, async{});
      fails.wait();
    } catch (const rondo::mismatch&) {
      const std::scoped_lock hold{lock};
      ++caught;
    }
  });
  CHECK(caught == 3);
}

TEST_CASE("async: an exception of the caller's own, with calls in flight, harms nobody's memory") {
  for (int round = 0; round < 50; ++round) {
    CHECK_THROWS_AS(rondo::threads::run(3,
                                        [&](auto& comm) {
                                          std::vector<float> values(20000, 1);
                                          auto call = rondo::all_reduce(comm, values, async{});
                                          if (comm.rank() == round % 3) {
                                            throw std::runtime_error("own");
                                          }
                                          call.wait();
                                          expect(values[0] == 3, "a sum");
                                          rondo::barrier(comm);
                                        }),
                    rondo::rank_failure);
  }
}

#if defined(__linux__)
TEST_CASE("async: a worker without calls sleeps, and wakes at once for the next") {
  const auto switches = [] {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return used.ru_nvcsw;
  };
  rondo::threads::run(2, [&](auto& comm) {
    std::vector<int> values(100, 1);
    rondo::all_reduce(comm, values, async{}).wait();
    std::this_thread::sleep_for(milliseconds{50});
    const auto before = switches();
    std::this_thread::sleep_for(milliseconds{400});
    expect(switches() - before < 200, "threads that sleep");  // of all: two workers, two ranks
    rondo::all_reduce(comm, values, async{}).wait();
    expect(values[99] == 4, "a call after a pause");
  });
}
#endif

TEST_CASE("async: a handle that is moved or destroyed waits for what it has begun") {
  rondo::threads::run(3, [](auto& comm) {
    std::vector<int> a(3000, 1);
    std::vector<int> b(3000, 1);
    rondo::pending outlives;
    {
      auto team = comm.split(0);
      outlives = rondo::all_reduce(team, a, async{});
    }
    outlives.wait();
    auto first = comm.split(0);
    auto call = rondo::all_reduce(first, b, async{});
    auto second = std::move(first);
    rondo::all_reduce(second, b);
    call.wait();
    expect(a[2999] == 3 && b[0] == 9, "sums");
    second = comm.split(1);
    rondo::barrier(second);
  });
}

TEST_CASE("async: a handle that is moved to itself stays what it is") {
  const auto seen = outcomes(3, [](auto& comm) {
    std::vector<int> good(3000, 1);
    std::vector<int> bad(comm.rank() == 1 ? 11 : 10);
    auto team = comm.split(0);
    auto& same = team;
    auto call = rondo::all_reduce(team, good, async{});
    team = std::move(same);
    rondo::all_reduce(team, good, rondo::ring{});
    call.wait();
    expect(good[2999] == 9, "sums");
    auto failing = rondo::all_reduce(team, bad, async{});
    auto& itself = failing;
    failing = std::move(itself);
    failing.wait();
  });
  for (const auto& one : seen) {
    CAPTURE(one.what);
    CHECK(one.code == rondo::error_code::mismatch);
  }
}
