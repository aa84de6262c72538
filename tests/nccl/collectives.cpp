// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include "catch.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

// What rondo makes of calls on an NCCL communicator, with NCCL and the GPU emulated.
namespace {

using namespace ranks;
using rondo::device_span;
using rondo::on;
using names = std::vector<std::string>;

constexpr int sizes[] = {1, 2, 3, 4, 7};
cudaStream_t stream = nullptr;

/// Value i of rank r: small whole numbers, whose sums are exact in any order.
template <class T>
T value(int rank, std::size_t i) {
  return static_cast<T>(static_cast<float>((static_cast<std::size_t>(rank) * 7 + i * 3) % 11));
}
template <class T>
std::vector<T> values(int rank, std::size_t count) {
  std::vector<T> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i] = value<T>(rank, i);
  }
  return made;
}
template <class T>
T sum(int ranks, std::size_t i) {
  float total = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    total += static_cast<float>(value<T>(rank, i));
  }
  return static_cast<T>(total);
}

/// The calls that NCCL has seen since the last time.
template <class Comm>
names new_calls(Comm& comm, std::size_t& seen) {
  const auto all = nccl_on_threads::calls_of(comm.raw());
  const names fresh(all.begin() + static_cast<std::ptrdiff_t>(seen), all.end());
  seen = all.size();
  return fresh;
}

struct box {
  float low;
  float high;
  friend bool operator==(const box&, const box&) = default;
};
struct unite {
  RONDO_HOST_DEVICE box operator()(box a, box b) const {
    return {a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
  }
};

/// Not commutative: shows the order of folds.
struct keep_left {
  RONDO_HOST_DEVICE std::int32_t operator()(std::int32_t a, std::int32_t b) const {
    return a * 10 + b;
  }
};

template <class Algorithm>
void check_own_all_reduce(const Algorithm& algorithm) {
  for (const int size : sizes) {
    for (const std::size_t count : {0u, 1u, 6u, 1000u}) {
      const auto failure = run(size, [&](auto& comm) {
        auto mine = values<float>(comm.rank(), count);
        std::vector<box> boxes(count);
        for (std::size_t i = 0; i < count; ++i) {
          boxes[i] = {-mine[i], mine[i]};
        }
        rondo::all_reduce(comm, span_of(mine), algorithm, on{stream});
        rondo::all_reduce(comm, span_of(boxes), unite{}, algorithm, on{stream});
        for (std::size_t i = 0; i < count; ++i) {
          require(mine[i] == sum<float>(size, i), "sum");
          float high = 0;
          for (int rank = 0; rank < size; ++rank) {
            high = std::max(high, value<float>(rank, i));
          }
          require(boxes[i] == box{-high, high}, "union");
        }
        for (const auto& name : nccl_on_threads::calls_of(comm.raw())) {
          require(name == "ncclSend" || name == "ncclRecv", name);
        }
      });
      CAPTURE(size, count, failure);
      CHECK(failure.empty());
    }
  }
}

}  // namespace

TEST_CASE("nccl: what NCCL can do is one call of NCCL's") {
  for (const int size : sizes) {
    const auto failure = run(size, [&](auto& comm) {
      const std::size_t count = 6;
      const int self = comm.rank();
      const auto n = static_cast<std::size_t>(size);
      std::size_t seen = 0;
      const auto expect = [&](const char* name) {
        require(new_calls(comm, seen) == names{name}, std::string{"not one call of "} + name);
      };

      auto mine = values<float>(self, count);
      rondo::all_reduce(comm, span_of(mine), on{stream});
      expect("ncclAllReduce");
      for (std::size_t i = 0; i < count; ++i) {
        require(mine[i] == sum<float>(size, i), "all_reduce");
      }

      const auto whole = values<rondo::bfloat16>(self, count * n);
      std::vector<rondo::bfloat16> part(count);
      rondo::reduce_scatter(comm, span_of(whole), span_of(part), on{stream});
      expect("ncclReduceScatter");
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = static_cast<std::size_t>(self) * count + i;
        require(part[i] == sum<rondo::bfloat16>(size, at), "reduce_scatter");
      }

      const auto boxes = std::vector<box>(count, box{static_cast<float>(self), 1});
      std::vector<box> all(count * n);
      rondo::all_gather(comm, span_of(boxes), span_of(all), on{stream});
      expect("ncclAllGather");
      for (std::size_t i = 0; i < all.size(); ++i) {
        require(all[i] == box{static_cast<float>(i / count), 1}, "all_gather");
      }

      auto same = values<std::int64_t>(self, count);
      rondo::broadcast(comm, span_of(same), rondo::root{size - 1}, on{stream});
      expect("ncclBroadcast");
      require(same == values<std::int64_t>(size - 1, count), "broadcast");

      const auto given = values<std::int32_t>(self, count);
      std::vector<std::int32_t> largest(self == 0 ? count : 0);
      rondo::reduce(comm, span_of(given), span_of(largest), rondo::op::max{}, on{stream});
      expect("ncclReduce");
      for (std::size_t i = 0; i < largest.size(); ++i) {
        std::int32_t most = 0;
        for (int rank = 0; rank < size; ++rank) {
          most = std::max(most, value<std::int32_t>(rank, i));
        }
        require(largest[i] == most, "reduce");
      }

      std::vector<int> to_each(n * 2);
      std::vector<int> from_each(n * 2);
      std::iota(to_each.begin(), to_each.end(), self * 100);
      rondo::all_to_all(comm, span_of(to_each), span_of(from_each), on{stream});
      expect("ncclAlltoAll");
      for (int rank = 0; rank < size; ++rank) {
        require(from_each[static_cast<std::size_t>(rank) * 2 + 1] == rank * 100 + self * 2 + 1,
                "all_to_all");
      }

      const std::vector<int> one{self};
      std::vector<int> gathered(self == 0 ? n : 0);
      rondo::gather(comm, span_of(one), span_of(gathered), on{stream});
      expect("ncclGather");
      std::vector<int> back(1, -1);
      rondo::scatter(comm, span_of(gathered), span_of(back), on{stream});
      expect("ncclScatter");
      require(back == one, "gather and scatter");

      rondo::barrier(comm, on{stream});
      expect("ncclAllReduce");
    });
    CAPTURE(size, failure);
    CHECK(failure.empty());
  }
}

TEST_CASE("nccl: every operation and type that NCCL has is native, average included") {
  const auto failure = run(3, [&](auto& comm) {
    const auto check_type = [&]<class T>(T) {
      auto mine = values<T>(comm.rank(), 5);
      std::vector<T> out(5);
      rondo::all_reduce(comm, span_of(std::as_const(mine)), span_of(out), rondo::op::sum{},
                        on{stream});
      require(out[4] == sum<T>(3, 4), "sum");
      rondo::all_reduce(comm, span_of(std::as_const(mine)), span_of(out), rondo::op::product{},
                        on{stream});
      rondo::all_reduce(comm, span_of(std::as_const(mine)), span_of(out), rondo::op::average{},
                        on{stream});
    };
    check_type(std::int8_t{});
    check_type(std::uint8_t{});
    check_type(std::int32_t{});
    check_type(std::uint64_t{});
    check_type(1.0f);
    check_type(1.0);
    check_type(rondo::half{1.f});
    check_type(rondo::bfloat16{1.f});
    for (const auto& name : nccl_on_threads::calls_of(comm.raw())) {
      require(name == "ncclAllReduce", name);
    }
    std::vector<float> third{1.f + static_cast<float>(comm.rank())};
    rondo::all_reduce(comm, span_of(third), rondo::op::average{}, on{stream});
    require(third[0] == 2.f, "average");
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: scaled_sum multiplies each rank's values by its own factor, and is native") {
  const auto failure = run(3, [&](auto& comm) {
    const auto self = static_cast<float>(comm.rank());
    std::vector<float> mine(5, 10.f);
    rondo::all_reduce(comm, span_of(mine), rondo::nccl::scaled_sum<float>{self + 1}, on{stream});
    require(mine == std::vector<float>(5, 60.f), "10 + 20 + 30");
    require(nccl_on_threads::calls_of(comm.raw()) == names{"ncclAllReduce"}, "native");
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: types and operations that NCCL lacks go by schedule, in rank order") {
  for (const int size : sizes) {
    const auto failure = run(size, [&](auto& comm) {
      std::vector<std::int32_t> order(300, comm.rank() + 1);
      rondo::all_reduce(comm, span_of(order), keep_left{}, on{stream});
      std::int32_t expected = 0;
      for (int rank = 0; rank < size; ++rank) {
        expected = expected * 10 + rank + 1;
      }
      require(order == std::vector<std::int32_t>(300, expected), "rank order");

      auto shorts = values<std::int16_t>(comm.rank(), 5);
      rondo::all_reduce(comm, span_of(shorts), on{stream});
      require(shorts[4] == sum<std::int16_t>(size, 4), "int16");

      std::vector<float> exact{1e8f, comm.rank() == 0 ? 1.f : 0.f};
      exact[0] = comm.rank() == 0 ? 1e8f : comm.rank() == size - 1 ? -1e8f : 0.5f;
      rondo::all_reduce(comm, span_of(exact), rondo::op::reproducible_sum{}, on{stream});
      const float halves = size < 2 ? 1e8f : 0.5f * static_cast<float>(size - 2);
      require(exact[0] == halves && exact[1] == 1.f, "reproducible");
      for (const auto& name : nccl_on_threads::calls_of(comm.raw())) {
        require(name == "ncclSend" || name == "ncclRecv", name);
      }
    });
    CAPTURE(size, failure);
    CHECK(failure.empty());
  }
}

TEST_CASE("nccl: an algorithm asked for by name is that algorithm") {
  check_own_all_reduce(rondo::ring{});
  check_own_all_reduce(rondo::tree{});
  check_own_all_reduce(rondo::one_shot{});
  check_own_all_reduce(rondo::two_shot{});
  check_own_all_reduce(rondo::recursive_doubling{});
  check_own_all_reduce(rondo::halving_doubling{});
  const auto failure = run(4, [&](auto& comm) {
    auto mine = values<float>(comm.rank(), 40);
    rondo::all_reduce(comm, span_of(mine), rondo::hierarchical{rondo::ring{}, rondo::ring{}, 2},
                      on{stream});
    require(mine[39] == sum<float>(4, 39), "hierarchical");
    const auto one = values<int>(comm.rank(), 3);
    std::vector<int> all(12);
    rondo::all_gather(comm, span_of(one), span_of(all), rondo::bruck{}, on{stream});
    require(all[11] == value<int>(3, 2), "bruck");
    for (const auto& name : nccl_on_threads::calls_of(comm.raw())) {
      require(name == "ncclSend" || name == "ncclRecv", name);
    }
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: sums of 16-bit floats by a schedule are kept in float") {
  const auto failure = run(3, [&](auto& comm) {
    // 256 + 1 + 1: in bfloat16 each one is lost.
    std::vector<rondo::bfloat16> mine(10, rondo::bfloat16{comm.rank() == 0 ? 256.f : 1.f});
    rondo::all_reduce(comm, span_of(mine), rondo::two_shot{}, on{stream});
    require(static_cast<float>(mine[9]) == 258.f, "258");
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: a NaN wins the minimum and the maximum, unless NCCL's own are asked for") {
  const auto failure = run(2, [&](auto& comm) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> mine{comm.rank() == 0 ? nan : 1.f};
    std::size_t seen = 0;
    rondo::all_reduce(comm, span_of(mine), rondo::op::max{}, on{stream});
    require(std::isnan(mine[0]), "NaN");
    require(new_calls(comm, seen)[0] == "ncclSend", "by schedule");
    std::vector<std::int32_t> whole{comm.rank()};
    rondo::all_reduce(comm, span_of(whole), rondo::op::max{}, on{stream});
    rondo::all_reduce(comm, span_of(mine), rondo::op::min{}, rondo::native{}, on{stream});
    require(new_calls(comm, seen) == names{"ncclAllReduce", "ncclAllReduce"}, "native");
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: counts may differ between ranks") {
  for (const int size : sizes) {
    const auto failure = run(size, [&](auto& comm) {
      const auto n = static_cast<std::size_t>(size);
      const auto self = static_cast<std::size_t>(comm.rank());
      std::vector<std::size_t> each(n);
      std::iota(each.begin(), each.end(), 0u);
      const std::size_t total = n * (n - 1) / 2;
      const std::size_t first = self * (self - 1) / 2 * (self > 0);
      const rondo::counts cut{each};

      const std::vector<int> mine(self, comm.rank());
      std::vector<int> all(total);
      rondo::all_gather(comm, span_of(mine), span_of(all), cut, on{stream});
      for (std::size_t rank = 0, at = 0; rank < n; ++rank) {
        for (std::size_t i = 0; i < rank; ++i) {
          require(all[at++] == static_cast<int>(rank), "all_gather");
        }
      }
      const auto whole = values<float>(comm.rank(), total);
      std::vector<float> part(self);
      rondo::reduce_scatter(comm, span_of(whole), span_of(part), cut, on{stream});
      for (std::size_t i = 0; i < self; ++i) {
        require(part[i] == sum<float>(size, first + i), "reduce_scatter");
      }
      std::vector<int> gathered(self == 0 ? total : 0);
      rondo::gather(comm, span_of(mine), span_of(gathered), cut, on{stream});
      std::vector<int> back(self);
      rondo::scatter(comm, span_of(gathered), span_of(back), cut, on{stream});
      require(back == mine, "gather and scatter");

      // Rank r sends r + d elements to rank d.
      std::vector<std::size_t> sent(n);
      std::iota(sent.begin(), sent.end(), self);
      const std::size_t out_count = std::accumulate(sent.begin(), sent.end(), std::size_t{0});
      const std::vector<int> out(out_count, comm.rank());
      std::vector<int> in(out_count, -1);
      rondo::all_to_all(comm, span_of(out), span_of(in), rondo::counts{sent, sent}, on{stream});
      for (std::size_t rank = 0, at = 0; rank < n; ++rank) {
        for (std::size_t i = 0; i < rank + self; ++i) {
          require(in[at++] == static_cast<int>(rank), "all_to_all");
        }
      }
    });
    CAPTURE(size, failure);
    CHECK(failure.empty());
  }
}

TEST_CASE("nccl: sends and receives in a group find each other") {
  for (const int size : {2, 3, 5}) {
    const auto failure = run(size, [&](auto& comm) {
      const int next = (comm.rank() + 1) % size;
      const int before = (comm.rank() + size - 1) % size;
      std::vector<double> out(9, comm.rank());
      std::vector<double> in(9, -1);
      comm.group([&] {
        rondo::send(comm, span_of(out), rondo::to{next}, on{stream});
        rondo::receive(comm, span_of(in), rondo::from{before}, on{stream});
      });
      require(in == std::vector<double>(9, before), "ring of messages");
      // One way needs no group.
      if (comm.rank() == 0) {
        rondo::send(comm, span_of(out), rondo::to{1}, on{stream});
      } else if (comm.rank() == 1) {
        rondo::receive(comm, span_of(in), rondo::from{0}, on{stream});
      }
      comm.group([&] {
        rondo::all_reduce(comm, span_of(out), on{stream});
        rondo::all_reduce(comm, span_of(in), on{stream});
      });
    });
    CAPTURE(size, failure);
    CHECK(failure.empty());
  }
}

TEST_CASE("nccl: after a warm call on a stream nothing is allocated, and capture is no obstacle") {
  const auto failure = run(2, [&](auto& comm) {
    const auto cold = thrown_by([&] {
      nccl_on_threads::pretend_capture(true);
      std::vector<box> some(100);
      rondo::all_reduce(comm, span_of(some), unite{}, rondo::ring{}, on{stream});
    });
    nccl_on_threads::pretend_capture(false);
    require(cold.find("make the same call once before, on the same stream") != std::string::npos,
            "refuses to grow while captured: " + cold);
    std::vector<box> some(100);
    const auto call = [&] {
      rondo::all_reduce(comm, span_of(some), unite{}, rondo::ring{}, on{stream});
      rondo::barrier(comm, on{stream});
    };
    call();
    rondo::barrier(comm, on{stream});
    const int before = nccl_on_threads::blocks();
    nccl_on_threads::pretend_capture(true);
    call();
    nccl_on_threads::pretend_capture(false);
    const int after = nccl_on_threads::blocks();
    rondo::barrier(comm, on{stream});  // before either rank frees its own
    require(after == before, "allocates");
  });
  CHECK(failure == "");
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("nccl: a communicator with its stream takes calls without on{}") {
  const auto failure = run(2, [&](auto& comm) {
    auto mine = values<float>(comm.rank(), 4);
    rondo::all_reduce(comm.on(stream), span_of(mine));
    require(mine[3] == sum<float>(2, 3), "sum");
  });
  CHECK(failure == "");
}
