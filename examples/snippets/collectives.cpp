// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/rondo.hpp>

#ifdef __linux__
#include <sched.h>
#endif

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <thread>
#include <vector>

namespace {

struct box {
  float low;
  float high;
};

template <class Comm>
void folding(Comm& comm) {
  std::vector<float> values(8, 1.0f);
  const std::vector<float> in(8, 1.0f);
  std::vector<float> out(8);
  std::vector<box> boxes(3, box{static_cast<float>(comm.rank()), 9});
  std::vector<float> part(2);

  // begin: all_reduce
  rondo::all_reduce(comm, values);                                 // in place, sum
  rondo::all_reduce(comm, in, out, rondo::op::max{});              // out of place
  rondo::all_reduce(comm, in, out, rondo::tree{}, std::plus<>{});  // policies in any order
  rondo::all_reduce(comm, boxes, [](box a, box b) {                // own type, own operation
    return box{(std::min)(a.low, b.low), (std::max)(a.high, b.high)};
  });
  // end: all_reduce
  check(values[7] == 4 && out[0] == 4 && boxes[0].low == 0, "all_reduce");

  // begin: explain
  const auto said = rondo::explain(rondo::schedule::collective::all_reduce, comm, 8192);
  if (comm.rank() == 0) {
    std::puts(said.text.c_str());
  }
  // end: explain
  check(said.picked.seconds > 0, "explain");

  // begin: reduce_scatter
  rondo::reduce_scatter(comm, in, part);  // in: 4 x 2 elements, part: 2
  // end: reduce_scatter
  check(part[0] == 4, "reduce_scatter");

  // begin: reduce
  rondo::reduce(comm, in, out, rondo::op::sum{}, rondo::root{2});  // only rank 2's `out` is written
  // end: reduce
}

template <class Comm>
void moving(Comm& comm) {
  const std::vector<int> mine(2, comm.rank());
  std::vector<int> all(8);
  std::vector<int> values(5, comm.rank());
  std::vector<int> turned(8);
  std::vector<int> back(2);

  // begin: all_gather
  rondo::all_gather(comm, mine, all);  // mine: 2 elements, all: 4 x 2
  // end: all_gather
  check(all[7] == 3, "all_gather");

  // begin: all_to_all
  rondo::all_to_all(comm, all, turned);  // chunk d goes to rank d
  // end: all_to_all

  // begin: rooted
  rondo::broadcast(comm, values, rondo::root{2});
  rondo::gather(comm, mine, all, rondo::root{0});
  rondo::scatter(comm, all, back, rondo::root{0});
  // end: rooted
  check(values[0] == 2 && back == mine, "rooted");

  // begin: counts
  const std::vector<std::size_t> per_rank{1, 0, 5, 2};  // the same on all ranks
  const std::vector<int> some(per_rank[static_cast<std::size_t>(comm.rank())], comm.rank());
  std::vector<int> gathered(8);
  rondo::all_gather(comm, some, gathered, rondo::counts{per_rank});
  // end: counts
  check(gathered[1] == 2, "counts");
}

template <class Comm>
void messages(Comm& comm) {
  std::vector<float> values(100, static_cast<float>(comm.rank()));
  // begin: send
  if (comm.rank() == 0) {
    rondo::send(comm, values, rondo::to{1}, rondo::tag{7});
  } else if (comm.rank() == 1) {
    rondo::receive(comm, values, rondo::from{0}, rondo::tag{7});
  }
  // end: send
  check(comm.rank() != 1 || values[99] == 0, "a message");

  // begin: async
  auto pending = rondo::all_reduce(comm, values, rondo::async{});
  // ... the caller's own work; `values` belongs to the call ...
  pending.wait();
  // end: async

  // begin: split
  auto team = comm.split(comm.rank() % 2);  // ranks of equal color, in the old order
  rondo::all_reduce(team, values);
  rondo::barrier(comm);
  // end: split
  check(team.size() == 2, "split");
}

template <class Comm>
void pin([[maybe_unused]] Comm& comm) {
#ifdef __linux__
  // begin: pin
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(comm.rank()) % std::thread::hardware_concurrency(), &one);
  sched_setaffinity(0, sizeof one, &one);  // 0: the calling thread
  // end: pin
#endif
}

}  // namespace

int main() {
  // begin: run
  rondo::threads::run(4,
                      [](auto& comm) {
                        pin(comm);
                        folding(comm);
                        moving(comm);
                        messages(comm);
                      },
                      {.deadline = std::chrono::seconds{5}});
  // end: run
}
