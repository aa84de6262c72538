// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/rondo.hpp>
#include <rondo/testing/messages_only.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using rondo::schedule::collective;

constexpr collective every[] = {
    collective::all_reduce, collective::reduce_scatter, collective::all_gather,
    collective::all_to_all, collective::reduce,         collective::broadcast,
    collective::gather,     collective::scatter,        collective::barrier};

/// One call of `What` with the algorithm left open; the larger buffer has `bytes` bytes.
template <collective What, class Comm>
void call(Comm& comm, std::size_t bytes) {
  std::vector<float> whole(bytes / sizeof(float));
  std::vector<float> other(whole.size());
  std::vector<float> part(whole.size() / static_cast<std::size_t>(comm.size()));
  if constexpr (What == collective::all_reduce) {
    rondo::all_reduce(comm, whole);
  } else if constexpr (What == collective::reduce_scatter) {
    rondo::reduce_scatter(comm, whole, part);
  } else if constexpr (What == collective::all_gather) {
    rondo::all_gather(comm, part, whole);
  } else if constexpr (What == collective::all_to_all) {
    rondo::all_to_all(comm, whole, other);
  } else if constexpr (What == collective::reduce) {
    rondo::reduce(comm, whole, other);
  } else if constexpr (What == collective::broadcast) {
    rondo::broadcast(comm, whole);
  } else if constexpr (What == collective::gather) {
    rondo::gather(comm, part, whole);
  } else if constexpr (What == collective::scatter) {
    rondo::scatter(comm, whole, part);
  } else {
    rondo::barrier(comm);
  }
}

/// The algorithms whose program for `What` the communicator has kept, that is: that have run.
template <collective What, class Comm>
std::vector<std::string_view> algorithms_run(Comm& comm) {
  std::vector<std::string_view> found;
  rondo::detail::for_each_candidate<What>([&]<class Algorithm>(Algorithm algorithm) {
    bool ran = true;
    static_cast<void>(comm.kept().template get<rondo::schedule::program>(
        rondo::detail::program_key<Algorithm>{algorithm, What, 0}, [&] {
          ran = false;
          return rondo::schedule::program{};
        }));
    if (ran) {
      found.push_back(algorithm.name);
    }
  });
  return found;
}

/// Ranks of one node that meet by messages alone.
struct messages_of_one_node {
  int ranks;
  [[nodiscard]] int size() const { return ranks; }
  [[nodiscard]] static bool on_one_node() { return true; }
};

template <collective What>
std::string_view picked_on_one_node(int ranks, std::size_t bytes, bool equal = true) {
  std::string_view picked;
  rondo::detail::choose_algorithm<What>(messages_of_one_node{ranks}, rondo::detail::payload{bytes},
                                        equal,
                                        [&](const auto& algorithm) { picked = algorithm.name; });
  return picked;
}

}  // namespace

TEST_CASE("automatic: on one node it takes what was measured to be the fastest over messages") {
  constexpr std::size_t kib = 1024;
  for (const int ranks : {4, 8}) {  // bench/results/mpi.md
    CHECK(picked_on_one_node<collective::all_gather>(ranks, 8 * kib) == "one_shot");
    for (const std::size_t bytes : {32 * kib, 128 * kib, 512 * kib, 2048 * kib}) {
      CHECK(picked_on_one_node<collective::all_gather>(ranks, bytes) == "bruck");
      CHECK(picked_on_one_node<collective::all_gather>(ranks, bytes, false) == "one_shot");
    }
    CHECK(picked_on_one_node<collective::all_gather>(ranks, 8192 * kib) == "one_shot");
    CHECK(picked_on_one_node<collective::all_reduce>(ranks, 8) == "one_shot");
    CHECK(picked_on_one_node<collective::all_reduce>(ranks, 2 * kib) == "one_shot");
    CHECK(picked_on_one_node<collective::all_reduce>(ranks, 8 * kib) == "two_shot");
    CHECK(picked_on_one_node<collective::all_reduce>(ranks, 32 * kib) == "recursive_doubling");
    CHECK(picked_on_one_node<collective::all_reduce>(ranks, 128 * kib) == "recursive_doubling");
    CHECK(picked_on_one_node<collective::all_reduce>(ranks, 512 * kib) == "two_shot");
    CHECK(picked_on_one_node<collective::all_reduce>(ranks, 2048 * kib) == "two_shot");
  }
  CHECK(picked_on_one_node<collective::all_reduce>(2, 2 * kib) == "recursive_doubling");
  CHECK(picked_on_one_node<collective::all_reduce>(3, 128) == "one_shot");
  CHECK(picked_on_one_node<collective::all_reduce>(3, 512) == "recursive_doubling");
  CHECK(picked_on_one_node<collective::all_reduce>(9, 8) == "recursive_doubling");
}

TEST_CASE("explain: what it says is what runs over messages, for every collective") {
  for (const int ranks : {2, 4, 9}) {
    for (const std::size_t count : {36u, 4u * 36u, 36u * 36u, 36u * 1024u, 36u * 36u * 1024u}) {
      for (const auto what : every) {
        std::vector<std::string> wrong(static_cast<std::size_t>(ranks));
        rondo::threads::run(ranks, [&](auto& inner) {
          rondo::testing::messages_only comm{inner};
          rondo::detail::with_collective(what, [&]<collective What>(rondo::schedule::make<What>) {
            const std::size_t bytes = count * sizeof(float);
            const auto said = rondo::explain(What, comm, bytes);
            call<What>(comm, bytes);
            const auto ran = algorithms_run<What>(comm);
            if (ran.size() != 1 || ran[0] != said.picked.algorithm) {
              wrong[static_cast<std::size_t>(comm.rank())] = said.text;
            }
          });
        });
        CHECK(wrong == std::vector<std::string>(static_cast<std::size_t>(ranks)));
      }
    }
  }
}

TEST_CASE("explain: every collective is predicted to take longer for more bytes") {
  rondo::threads::run(4, [](auto& inner) {
    if (inner.rank() != 0) {
      return;  // Catch is for one thread at a time
    }
    const auto sane = [](const auto& comm) {
      for (const auto what : every) {
        const auto few = rondo::explain(what, comm, 1024);
        const auto many = rondo::explain(what, comm, 16 << 20);
        CHECK(few.picked.seconds > 0);
        CHECK((many.picked.seconds > few.picked.seconds) == (what != collective::barrier));
        CHECK(few.text.find(rondo::schedule::name_of(what)) == 0);
      }
    };
    sane(inner);
    sane(rondo::testing::messages_only{inner});
  });
}

/// What the busiest of `ranks` ranks gets by the schedule: messages' rounds, and parts of a buffer.
template <collective What, class Algorithm>
std::pair<double, double> rounds_and_share(const Algorithm& algorithm, int ranks) {
  double rounds = 0;
  double share = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto program =
        generate(algorithm, rondo::schedule::make<What>{}, rondo::schedule::place{rank, ranks, 0});
    std::set<int> of;
    int chunks = 0;
    for (const auto& one : program.steps) {
      if (one.what == rondo::schedule::verb::receive ||
          one.what == rondo::schedule::verb::receive_fold) {
        of.insert(one.round);
        chunks += one.into.count;
      }
    }
    rounds = std::max(rounds, static_cast<double>(of.size()));
    share = std::max(share, static_cast<double>(chunks) / program.chunks);
  }
  return {rounds, share};
}

template <collective What>
void check_predictions(int ranks) {
  // A round costs 1 in one model and nothing in the other, a byte likewise.
  const rondo::message_cost of_rounds{.short_message = 1,
                                      .long_message = 1,
                                      .next_message = 0,
                                      .byte = 0,
                                      .ranks = ranks,
                                      .processors = ranks};
  const rondo::message_cost of_bytes{.short_message = 0,
                                     .long_message = 0,
                                     .next_message = 0,
                                     .byte = 1,
                                     .ranks = ranks,
                                     .processors = ranks};
  rondo::detail::for_each_candidate<What>([&]<class Algorithm>(const Algorithm& algorithm) {
    const auto [rounds, share] = rounds_and_share<What>(algorithm, ranks);
    INFO(rondo::schedule::name_of(What) << ", " << algorithm.name << ", " << ranks << " ranks");
    using rondo::detail::message_seconds;
    CHECK(message_seconds<What, Algorithm>(of_rounds, 1024) == Approx(rounds));
    CHECK(message_seconds<What, Algorithm>(of_bytes, 1024) == Approx(1024 * share));
  });
}

TEST_CASE("explain: rounds and bytes of its predictions are those of the schedules") {
  for (const int ranks : {2, 4, 8}) {
    check_predictions<collective::all_reduce>(ranks);
    check_predictions<collective::reduce_scatter>(ranks);
    check_predictions<collective::all_gather>(ranks);
    check_predictions<collective::all_to_all>(ranks);
  }
}

TEST_CASE("explain: the direct forms move the bytes that their collective reads and writes") {
  struct moved {
    collective what;
    double read;  ///< buffers of all ranks together, in sizes of the larger one
    double written;
  };
  for (const int ranks : {1, 2, 3, 8}) {
    const double n = ranks;
    for (const auto& [what, read, written] :
         {moved{collective::all_reduce, n, n}, moved{collective::reduce_scatter, n, 1},
          moved{collective::reduce, n, 1}, moved{collective::broadcast, n - 1, n - 1},
          moved{collective::all_gather, n, n}, moved{collective::all_to_all, n, n},
          moved{collective::gather, 1, 1}, moved{collective::scatter, 1, 1},
          moved{collective::barrier, 0, 0}}) {
      INFO(rondo::schedule::name_of(what) << ", " << ranks << " ranks");
      CHECK(rondo::detail::direct_work_of(what, ranks).share == Approx((read + written) / (2 * n)));
    }
  }
}

TEST_CASE("explain: few bytes take one phase where ranks share memory, and roots' own take two") {
  rondo::threads::run(2, [](auto& comm) {
    if (comm.rank() != 0) {
      return;  // Catch is for one thread at a time
    }
    for (const auto what : every) {
      const auto said = rondo::explain(what, comm, 0);
      const bool once =
          what != collective::reduce && what != collective::gather && what != collective::scatter;
      rondo::shared_memory_cost cost;
      cost.processors = comm.processors();
      INFO(said.text);
      CHECK(said.picked.seconds == cost.phase() + (once ? 0 : cost.second_phase()));
    }
    const auto seconds = [&](std::size_t bytes) {
      return rondo::explain(collective::all_gather, comm, bytes).picked.seconds;
    };
    CHECK(seconds(64 * 1024) - seconds(8) > rondo::shared_memory_cost{}.second_phase());
  });
}

namespace {

/// Ranks of MPI on one node, as far as a prediction asks.
struct on_a_node {
  int ranks;
  int processors;
  bool shared;
  [[nodiscard]] int size() const { return ranks; }
  [[nodiscard]] int processors_in_all() const { return processors; }
  [[nodiscard]] bool shares_memory() const { return shared; }
  [[nodiscard]] bool on_one_node() const { return true; }
};

}  // namespace

TEST_CASE("explain: where MPI ranks share processors, calls are predicted to take turns") {
  const double turn = rondo::shared_memory_cost{}.turn;
  for (const auto what : every) {
    const auto predicted = [&](int processors, bool shared) {
      return rondo::explain(what, on_a_node{3, processors, shared}, 8);
    };
    const auto alone = predicted(3, true).picked;
    const auto crowded = predicted(2, true).picked;
    CHECK(crowded.algorithm == alone.algorithm);
    CHECK(crowded.seconds >= alone.seconds + turn * 0.999);
    CHECK(predicted(2, false).picked.seconds > predicted(3, false).picked.seconds);
  }
}

TEST_CASE("explain: partial results count where they travel") {
  rondo::threads::run(4, [](auto& inner) {
    if (inner.rank() != 0) {
      return;  // Catch is for one thread at a time
    }
    const rondo::testing::messages_only comm{inner};
    const std::size_t count = 8 * 1024;
    const rondo::op::reproducible_sum exact;
    CHECK(rondo::explain<float>(collective::all_reduce, comm, count, exact).picked.algorithm !=
          rondo::explain<float>(collective::all_reduce, comm, count, rondo::op::sum{})
              .picked.algorithm);
    CHECK(rondo::explain<float>(collective::all_reduce, comm, count, exact)
              .why.find("partial results would be 393216 bytes") != std::string::npos);
    CHECK(rondo::explain<float>(collective::all_reduce, comm, count, rondo::op::sum{})
              .why.find("partial results") == std::string::npos);
    CHECK(rondo::explain<float>(collective::all_reduce, inner, count, exact).text ==
          rondo::explain(collective::all_reduce, inner, count * sizeof(float)).text);
  });
}

TEST_CASE("explain: the pick is the cheaper one of its own predictions, but near the crossover") {
  rondo::threads::run(4, [](auto& comm) {
    if (comm.rank() != 0) {
      return;
    }
    for (std::size_t bytes = 8; bytes <= std::size_t{1} << 30; bytes *= 2) {
      const auto said = rondo::explain(rondo::schedule::collective::all_reduce, comm, bytes);
      REQUIRE(said.alternatives.size() == 1);
      CHECK(said.picked.seconds <= said.alternatives[0].seconds * 1.05);
      CHECK(said.text.find(std::string{said.picked.algorithm}) != std::string::npos);
    }
  });
}

TEST_CASE("cost: ranks that share processors meet later, and do each other's shares") {
  rondo::shared_memory_cost alone;
  rondo::shared_memory_cost shared;
  shared.ranks = 8;
  CHECK(alone.crossover() >= 512);
  CHECK(shared.crossover() >= 512);
  CHECK(shared.phase() > alone.phase());
  CHECK(shared.second_phase() > alone.second_phase());
  CHECK(shared.second_phase() < shared.phase() / 4);
}
