// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <optional>

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
