// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/collective/all_reduce.hpp>
#include <rondo/collective/broadcast.hpp>
#include <rondo/elastic/cursor.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using rondo::elastic::cursor;
using rondo::elastic::sampler;
using rondo::testing::expect;

namespace {

/// Training whose weights are how often each sample is in them: what no resize may change.
struct model {
  cursor at{};
  std::vector<int> weights;
};

/// One step on `comm`: whether all were ready, and with it the weights, moves.
template <class Comm>
bool step(Comm& comm, model& net, const sampler& from, bool ready = true) {
  std::vector<int> gradient(net.weights.size());
  for (const auto sample : from.stripe(net.at, comm.rank(), comm.size())) {
    ++gradient[sample];
  }
  rondo::all_reduce(comm, gradient);
  if (!rondo::elastic::commit(comm, net.at, from.after(net.at), ready)) {
    return false;
  }
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    net.weights[i] += gradient[i];
  }
  return true;
}

}  // namespace

TEST_CASE("cursor: AdaptDL's restarts, 100 samples in 2 x 10, 5 x 12 and 2 x 10") {
  // petuum/adaptdl, torch/data_test.py: 1 replica; 4 replicas of 3 samples each; 2 replicas of 5.
  model net{{.seed = 3}, std::vector<int>(100)};
  std::vector<std::uint64_t> committed;
  const auto run = [&](int ranks, int steps, std::uint64_t local) {
    const sampler from{100, local * static_cast<std::uint64_t>(ranks)};
    const model begin = net;
    rondo::threads::run(ranks, [&](auto& comm) {
      model own = begin;
      for (int i = 0; i < steps; ++i) {
        expect(from.stripe(own.at, comm.rank(), comm.size()).size() == local, "the local batch");
        expect(step(comm, own, from), "committed");
      }
      if (comm.rank() == 0) {
        net = own;
      }
    });
    committed.push_back(net.at.committed);
  };
  run(1, 2, 10);
  run(4, 5, 3);
  CHECK(committed == std::vector<std::uint64_t>{20, 80});
  CHECK(net.at.epoch == 0);
  run(2, 2, 5);
  CHECK(net.at == cursor{3, 1, 0});
  CHECK(net.weights == std::vector<int>(100, 1));
}

TEST_CASE("cursor: stripes part each batch, whatever the numbers") {
  for (const std::uint64_t samples : {1, 7, 100}) {
    for (const std::uint64_t batch : {1, 3, 10, 1000}) {
      for (const int ranks : {1, 3, 8}) {
        const sampler from{samples, batch};
        cursor at{1, 5, 0};
        std::vector<int> seen(samples);
        while (at.epoch == 5) {
          std::size_t most = 0, least = samples;
          for (int rank = 0; rank < ranks; ++rank) {
            const auto own = from.stripe(at, rank, ranks);
            most = std::max(most, own.size());
            least = std::min(least, own.size());
            for (const auto sample : own) {
              ++seen[sample];
            }
          }
          REQUIRE(most - least <= 1);
          const auto next = from.after(at);
          REQUIRE(next > at);
          at = next;
        }
        REQUIRE(at == cursor{1, 6, 0});
        REQUIRE(seen == std::vector<int>(samples, 1));
      }
    }
  }
}

TEST_CASE("cursor: one rank that is not ready keeps all where they are") {
  for (const int ranks : {1, 3, 8}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      const sampler from{50, 8};
      model net{{}, std::vector<int>(50)};
      for (int refusing = 0; refusing < ranks; ++refusing) {
        const model before = net;
        expect(!step(comm, net, from, comm.rank() != refusing), "one votes against it");
        expect(net.at == before.at && net.weights == before.weights, "nothing moved");
        expect(step(comm, net, from), "the same batch again");
      }
      while (net.at.epoch == 0) {
        expect(step(comm, net, from), "the rest");
      }
    });
  }
}

TEST_CASE("cursor: ranks die anywhere, others go on, and no sample is lost or taken twice") {
  constexpr std::uint64_t samples = 60;
  for (int trial = 0; trial < 12; ++trial) {
    std::vector<model> end(4);
    try {
      rondo::threads::run(4, [&](auto& comm) {
        const int dying_step = 1 + (trial * 5 + comm.rank() * 3) % 11;
        const bool dies = comm.rank() == 1 || (comm.rank() == 3 && trial % 2 == 0);
        auto ranks = comm.split(0);
        const sampler from{samples, 7};
        model net{{.seed = static_cast<std::uint64_t>(trial)}, std::vector<int>(samples)};
        for (int steps = 0; net.at.epoch < 2;) {
          try {
            if (dies && ++steps == dying_step) {
              throw std::runtime_error("disk full");
            }
            step(ranks, net, from);
          } catch (const rondo::error&) {
            auto rest = ranks.shrink();
            const int holder = rondo::elastic::furthest(rest, net.at);
            rondo::broadcast(rest, net.weights, rondo::root{holder});
            ranks = std::move(rest);
          }
        }
        end[static_cast<std::size_t>(comm.rank())] = net;
      });
    } catch (const rondo::rank_failure&) {
    }
    for (const std::size_t rank : {0, 2}) {
      INFO("trial " << trial << ", rank " << rank);
      CHECK(end[rank].at == cursor{static_cast<std::uint64_t>(trial), 2, 0});
      CHECK(end[rank].weights == std::vector<int>(samples, 2));
    }
  }
}

TEST_CASE("cursor: an epoch or a batch without samples is refused, not gone through for ever") {
  const auto told = [](const sampler& from, const cursor& at) {
    return refusals::argument_refusal([&] { return from.after(at); });
  };
  CHECK(refusals::contains(told({10, 0}, {}), "in batches of 0"));
  CHECK(refusals::contains(told({0, 2}, {}), "0 of 0 samples"));
  CHECK(refusals::contains(told({10, 2}, {.committed = 11}), "11 of 10 samples"));
  CHECK(sampler{10, 2}.taken({.committed = 11}) == 0);
  static_assert(sampler{10, 2}.after({.committed = 8}) == cursor{.epoch = 1});
}

TEST_CASE("cursor: a new rank comes to where the others are") {
  rondo::threads::run(3, [](auto& comm) {
    const sampler from{50, 10};
    model net{{.seed = 1}, std::vector<int>(50)};
    auto old = comm.split(comm.rank() == 0 ? 0 : 1);  // rank 0 is new
    if (comm.rank() > 0) {
      step(old, net, from);
      step(old, net, from);
    }
    const int holder = rondo::elastic::furthest(comm, net.at);
    expect(holder == 1 && net.at == cursor{1, 0, 20}, "the first that was there");
    rondo::broadcast(comm, net.weights, rondo::root{holder});
    while (net.at.epoch == 0) {
      step(comm, net, from);
    }
    expect(net.weights == std::vector<int>(50, 1), "every sample once");
  });
}

TEST_CASE("cursor: ranks that do not train together are told so, all of them") {
  rondo::threads::run(3, [](auto& comm) {
    const auto told = [&](cursor own, bool seeds) {
      return refusals::argument_refusal([&] {
        return seeds ? rondo::elastic::furthest(comm, own) > 0
                     : rondo::elastic::commit(comm, own, sampler{10, 2}.after(own), true);
      });
    };
    const auto other = [&](cursor one) { return comm.rank() == 2 ? one : cursor{}; };
    expect(told(other({0, 0, 2}), false).find("but rank 2 goes from (epoch 0, sample 2") !=
               std::string::npos,
           "another position");
    expect(!told(other({0, 1, 0}), false).empty(), "another epoch");
    expect(!told(other({7, 0, 0}), false).empty(), "another seed");
    expect(!told(other({7, 0, 0}), true).empty(), "another seed, at the beginning");
    expect(told(other({0, 1, 4}), true).empty(), "furthest is for other positions");
    const auto goes = [&](cursor from, cursor to) {
      return refusals::argument_refusal(
          [&] { return rondo::elastic::commit(comm, from, to, true); });
    };
    expect(!goes({}, {0, 0, comm.rank() == 2 ? 3U : 2U}).empty(), "another batch");
    expect(!goes(other({0, 0, 1}), {0, 0, 2}).empty(), "another position, the same next one");
  });
}

TEST_CASE("cursor: nothing to take is refused") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(refusals::argument_refusal([] {
               return sampler{10, 0}.stripe({}, 0, 1);
             }),
             ContainsSubstring("in batches of 0"));
  CHECK_THAT(refusals::argument_refusal([] {
               return sampler{0, 1}.stripe({}, 0, 1);
             }),
             ContainsSubstring("0 of 0 samples"));
  CHECK_THAT(refusals::argument_refusal([] {
               return sampler{10, 1}.stripe({0, 0, 10}, 0, 1);
             }),
             ContainsSubstring("10 of 10 samples committed"));
  CHECK_THAT(refusals::argument_refusal([] {
               return sampler{10, 2}.stripe({}, 0, 0);
             }),
             ContainsSubstring("rank 0 of 0 ranks"));
  CHECK_THAT(refusals::argument_refusal([] {
               return sampler{10, 2}.stripe({}, 2, 2);
             }),
             ContainsSubstring("rank 2 of 2 ranks"));
  CHECK_THAT(refusals::argument_refusal([] {
               return sampler{10, 2}.stripe({}, -1, 2);
             }),
             ContainsSubstring("rank -1 of 2 ranks"));
}
