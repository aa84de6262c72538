// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <rondo/collective/offer.hpp>

#include <deque>
#include <optional>
#include <vector>

using namespace sweep;
using namespace ranks;

TEST_CASE("mpi: messages of one tag come in order, those of other tags may overtake") {
  on_both([](auto& comm) {
    // Short ones travel with their header, long ones behind it.
    for (const std::size_t count : {0u, 1u, 500u, 1001u, 300000u}) {
      const auto first = samples<int>(3, count);
      if (comm.rank() == 0) {
        auto a = rondo::send(comm, first[0], rondo::to{1}, rondo::tag{7}, rondo::async{});
        auto b = rondo::send(comm, first[1], rondo::to{1}, rondo::tag{7}, rondo::async{});
        if (count < 1000) {
          auto c = rondo::send(comm, first[2], rondo::to{1}, rondo::async{});
        }
        a.wait();
        b.wait();
      } else if (comm.rank() == 1) {
        auto a = blank<int>(count);
        auto b = blank<int>(count);
        auto c = blank<int>(count);
        if (count < 1000) {
          rondo::receive(comm, c, rondo::from{0});
          CHECK(c == first[2]);
        }
        rondo::receive(comm, a, rondo::from{0}, rondo::tag{7});
        rondo::receive(comm, b, rondo::from{0}, rondo::tag{7});
        CHECK(a == first[0]);
        CHECK(b == first[1]);
      }
      rondo::barrier(comm);
    }
  });
}

TEST_CASE(
    "mpi: a short message to oneself waits for nobody, and keeps its place behind a long one") {
  on_both([](auto& comm) {
    const int self = comm.rank();
    for (const std::size_t count : {0u, 1u, 200u, 240u, 1000u}) {  // 4000 bytes are the last
      const auto short_ones = samples<int>(2, count);
      const auto long_one = samples<int>(1, 300000)[0];
      rondo::send(comm, short_ones[0], rondo::to{self}, rondo::tag{5});
      const auto made = rondo::offer(comm, long_one, rondo::to{self}, rondo::tag{7});
      rondo::send(comm, short_ones[1], rondo::to{self}, rondo::tag{7});
      auto first = blank<int>(long_one.size());
      rondo::receive(comm, first, rondo::from{self}, rondo::tag{7});
      CHECK(first == long_one);
      auto second = blank<int>(count);
      rondo::receive(comm, second, rondo::from{self}, rondo::tag{7});
      CHECK(second == short_ones[1]);
      rondo::receive(comm, second, rondo::from{self}, rondo::tag{5});
      CHECK(second == short_ones[0]);
      while (!rondo::is_taken(comm, made)) {
      }
    }
  });
}

TEST_CASE("mpi: messages and collectives do not meet, nor do the user's own of MPI") {
  on_both([](auto& comm) {
    const int next = (comm.rank() + 1) % comm.size();
    const int before = (comm.rank() - 1 + comm.size()) % comm.size();
    const std::vector<int> mine{comm.rank()};
    int raw = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Irecv(&raw, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &request);
    rondo::send(comm, mine, rondo::to{next});
    std::vector<int> sum{comm.rank()};
    rondo::all_reduce(comm, sum, rondo::ring{});
    std::vector<int> theirs{-1};
    rondo::receive(comm, theirs, rondo::from{before});
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    CHECK(done == 0);
    CHECK(theirs[0] == before);
    CHECK(sum[0] == comm.size() * (comm.size() - 1) / 2);
    rondo::barrier(comm);
    MPI_Send(mine.data(), 1, MPI_INT, next, 0, MPI_COMM_WORLD);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    CHECK(raw == before);
  });
}

TEST_CASE("mpi: asynchronous calls run in order of issue and may be dropped or waited for twice") {
  on_both([](auto& comm) {
    std::vector<std::vector<float>> buckets(5, std::vector<float>(5000, 1.0f));
    const auto n = static_cast<float>(comm.size());
    {
      std::vector<rondo::pending> begun;
      for (auto& bucket : buckets) {
        begun.push_back(rondo::all_reduce(comm, bucket, rondo::async{}));
      }
      auto dropped = rondo::all_reduce(comm, buckets[0], rondo::ring{}, rondo::async{});
      begun[3].wait();
      begun[3].wait();
      CHECK(begun[2].done());
      CHECK(buckets[3][4999] == n);
    }
    std::vector<float> after(3, 1.0f);
    rondo::all_reduce(comm, after);
    CHECK(after[2] == n);
    CHECK(buckets[0][0] == n * n);
  });
}

TEST_CASE("mpi: a communicator may be moved, and calls begun before it dies are finished") {
  std::vector<float> values(100, 1.0f);
  rondo::pending begun;
  {
    auto first = in_shared_memory();
    auto second = std::move(first);
    rondo::all_reduce(second, values);
    begun = rondo::barrier(second, rondo::async{});
  }
  begun.wait();
  CHECK(values[99] == static_cast<float>(world_size()));
}

TEST_CASE("mpi: a handle that is moved waits for the calls that it has begun") {
  on_both([](auto& comm) {
    const auto sum = static_cast<float>(comm.size());
    std::vector<float> values(300000, 1.0f);
    auto first = comm.split(0);
    auto begun = rondo::all_reduce(first, values, rondo::async{});
    auto second = std::move(first);
    begun.wait();
    CHECK(values[299999] == sum);

    auto third = comm.split(0);
    std::vector<float> more(300000, 1.0f);
    auto left = rondo::all_reduce(second, values, rondo::async{});
    auto right = rondo::all_reduce(third, more, rondo::async{});
    second = std::move(third);
    left.wait();
    right.wait();
    CHECK(values[299999] == sum * sum);
    CHECK(more[299999] == sum);
    rondo::barrier(second);
  });
}

TEST_CASE("mpi: an assigned handle has the deadline of the one it was assigned") {
  using std::chrono::milliseconds;
  auto comm = in_shared_memory(milliseconds{200});
  comm = in_shared_memory();
  CHECK(comm.split(0).deadline() == std::chrono::seconds{60});
}

// MPI moves messages only while both ends are inside MPI, and a wait in shared memory is not.
TEST_CASE("mpi: a rank that waits in shared memory lets messages go on") {
  auto comm = in_shared_memory();
  REQUIRE(comm.shares_memory());
  const int self = comm.rank();
  for (const std::size_t count : {2000u, 100000u, 2000000u}) {
    const std::vector<int> values(self == 0 ? count : 0, 7);
    rondo::offered made{};
    if (self == 0) {
      made = rondo::offer(comm, values, rondo::to{1});
    } else if (self == 1) {
      std::vector<int> got(count);
      rondo::receive(comm, got, rondo::from{0});
      CHECK(got == std::vector<int>(count, 7));
    }
    rondo::barrier(comm);  // rank 0 may be here before its message has gone
    while (!rondo::is_taken(comm, made)) {
    }
  }

  // And a receiver may have to tell the sender, who hears of it only then.
  constexpr int messages = 300;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::vector<int>> values;
    std::vector<rondo::offered> made;
    for (int m = 0; m < messages && self < 2; ++m) {
      values.emplace_back(static_cast<std::size_t>(1 + 37 * m), self == 0 ? m : -1);
    }
    for (int m = 0; m < messages && self == 0; ++m) {
      made.push_back(
          rondo::offer(comm, values[static_cast<std::size_t>(m)], rondo::to{1}, rondo::tag{m}));
    }
    for (int m = messages - 1; m >= 0 && self == 1; --m) {
      auto& got = values[static_cast<std::size_t>(m)];
      rondo::receive(comm, got, rondo::from{0}, rondo::tag{m});
      CHECK(got.back() == m);
    }
    for (const rondo::offered& one : made) {
      while (!rondo::is_taken(comm, one)) {
      }
    }
    rondo::barrier(comm);
  }
}

TEST_CASE("mpi: what nobody took of a communicator that is gone is no message of a later one") {
  // Some MPI libraries give the later one the context of the first, and with it such messages.
  static std::deque<std::vector<int>> offered;  // for MPI to read until the end
  for (const bool shared : {true, false}) {
    for (const std::size_t count : {10u, 1000u, 1500u}) {
      CAPTURE(shared, count);
      for (int life = 0; life < 4; ++life) {
        auto comm = shared ? in_shared_memory() : by_messages();
        const std::vector<int> values(count, life);
        const bool taken = life % 2 != 0;
        if (comm.rank() == 0) {
          offered.push_back(values);
          static_cast<void>(rondo::offer(comm, offered.back(), rondo::to{1}, rondo::tag{9}));
        } else if (taken && comm.rank() == 1) {
          std::vector<int> got(count, -1);
          rondo::receive(comm, got, rondo::from{0}, rondo::tag{9});
          CHECK(got == values);
        }
        if (taken || (comm.rank() == 0 && count <= 1000)) {  // a root waits for nobody
          std::vector<int> told(count, comm.rank() == 0 ? life : -1);
          rondo::broadcast(comm, told, rondo::tree{});
          CHECK(told == values);
        }
        MPI_Barrier(MPI_COMM_WORLD);
      }
    }
  }
}
