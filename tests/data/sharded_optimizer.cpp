// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/collective/all_reduce.hpp>
#include <rondo/data/gradient_norm.hpp>
#include <rondo/data/model_states.hpp>
#include <rondo/data/sharded_optimizer.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

using rondo::testing::expect;

namespace {

/// Momentum, whose state is as long as the parameters that it updates.
struct momentum {
  std::vector<float> velocity;

  void update(std::span<float> values, std::span<const float> slopes, float clip) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      velocity[i] = 0.875F * velocity[i] + clip * slopes[i];
      values[i] -= 0.125F * velocity[i];
    }
  }
};

float slope(int rank, int step, std::size_t i) {
  return static_cast<float>((static_cast<int>(i) * 37 + rank * 11 + step * 5) % 64 - 32) / 8;
}

}  // namespace

TEST_CASE("sharded_optimizer: the bits of an all_reduce and an update of everything") {
  for (const int ranks : {1, 3, 8}) {
    for (const std::size_t count : {1, 7, 64, 1001}) {  // also fewer than ranks
      rondo::threads::run(ranks, [&](auto& comm) {
        std::vector<float> parameters(count, 1), whole(count, 1), gradient(count);
        rondo::data::sharded_optimizer shards{comm, count};
        momentum own{std::vector<float>(shards.own().count)}, all{std::vector<float>(count)};
        for (int step = 0; step < 4; ++step) {
          for (std::size_t i = 0; i < count; ++i) {
            gradient[i] = slope(comm.rank(), step, i);
          }
          auto reduced = gradient;
          shards.step(
              parameters, gradient,
              [&](std::span<float> values, std::span<const float> slopes) {
                own.update(values, slopes, 0.5F);
              },
              rondo::op::sum{}, rondo::two_shot{});
          rondo::all_reduce(comm, reduced, rondo::two_shot{});
          all.update(whole, reduced, 0.5F);
          expect(parameters == whole, "the parameters of an unsharded step");
        }
      });
    }
  }
}

TEST_CASE("sharded_optimizer: gradients are averaged unless it is told otherwise") {
  rondo::threads::run(4, [](auto& comm) {
    std::vector<float> parameters(6), gradient(6, static_cast<float>(comm.rank()));
    rondo::data::sharded_optimizer shards{comm, 6};
    shards.step(parameters, gradient, [](std::span<float> values, std::span<const float> slopes) {
      std::copy(slopes.begin(), slopes.end(), values.begin());
    });
    expect(parameters == std::vector<float>(6, 1.5F), "(0 + 1 + 2 + 3) / 4");
  });
}

TEST_CASE("sharded_optimizer: policies stand behind the update in any order, or one alone") {
  // In the order of ranks the 1 is lost; a ring begins one of its three parts with the two others.
  static constexpr float far = 1e8F;
  rondo::threads::run(3, [](auto& comm) {
    rondo::data::sharded_optimizer shards{comm, 3};
    const auto step = [&](const auto&... given) {
      const float own = comm.rank() == 0 ? far : comm.rank() == 1 ? 1 : -far;
      std::vector<float> parameters(3), gradient(3, own);
      const auto take = [](std::span<float> values, std::span<const float> slopes) {
        std::copy(slopes.begin(), slopes.end(), values.begin());
      };
      shards.step(parameters, gradient, take, given...);
      std::sort(parameters.begin(), parameters.end());
      return parameters;
    };
    const std::vector<float> nothing(3), sum{0, 0, 1}, average{0, 0, 1.0F / 3};
    expect(step() == nothing, "automatic folds in the order of ranks");
    expect(step(rondo::two_shot{}) == nothing, "an algorithm alone");
    expect(step(rondo::ring{}) == average, "another one, and gradients are averaged");
    expect(step(rondo::op::sum{}, rondo::ring{}) == sum, "an operation and an algorithm");
    expect(step(rondo::ring{}, rondo::op::sum{}) == sum, "and the other way round");
    expect(step(rondo::op::max{}) == std::vector<float>(3, far), "an operation alone");
  });
}

TEST_CASE("sharded_optimizer: it sends 2P elements, as an all_reduce does") {
  rondo::threads::run(4, [](auto& comm) {
    constexpr std::size_t count = 1000;
    rondo::testing::recording noted{comm};
    std::vector<float> parameters(count), gradient(count);
    rondo::data::sharded_optimizer shards{noted, count};
    shards.step(parameters, gradient, [](auto, auto) {});
    const auto& made = noted.made();
    expect(made.size() == 2 && made[0].collective == "reduce_scatter" &&
               made[1].collective == "all_gather",
           "two collectives");
    const double sent = static_cast<double>(made[0].elements + made[1].elements) * 3 / 4;
    expect(sent == rondo::data::elements_sent(count, 4, rondo::data::sharded::gradients),
           "as planned");
  });
}

TEST_CASE("gradient_norm: every element once, whoever holds it") {
  constexpr std::size_t count = 1001;
  for (const int ranks : {1, 3, 8}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      std::vector<float> parameters(count), gradient(count);
      double squares = 0;
      for (std::size_t i = 0; i < count; ++i) {
        double sum = 0;
        for (int rank = 0; rank < ranks; ++rank) {
          sum += static_cast<double>(slope(rank, 0, i));
        }
        squares += sum * sum;
        gradient[i] = slope(comm.rank(), 0, i);
      }
      rondo::data::sharded_optimizer shards{comm, count};
      double norm = 0;
      shards.step(
          parameters, gradient,
          [&](auto, auto slopes) { norm = rondo::data::gradient_norm(comm, slopes); },
          rondo::op::sum{});
      expect(std::abs(norm - std::sqrt(squares)) < 1e-9 * norm, "the norm of the whole");
      // What all ranks hold alike is passed by one of them.
      const std::vector<float> tied{3, 4};
      const auto once = std::span{tied}.first(comm.rank() == 0 ? 2 : 0);
      expect(rondo::data::gradient_norm(comm, once) == 5, "5, not 5 sqrt(n)");
    });
  }
}

TEST_CASE("sharded_optimizer: buffers of another length are refused") {
  rondo::threads::run(1, [](auto& comm) {
    rondo::data::sharded_optimizer shards{comm, 4};
    std::vector<float> four(4), five(5);
    const auto told = [&](auto& values, auto& slopes) {
      return refusals::refusal([&] { shards.step(values, slopes, [](auto, auto) {}); });
    };
    expect(told(four, four).empty(), "four of four");
    expect(told(five, four).find("parameters of rank 0 has 5 elements, expected 4") !=
               std::string::npos,
           "five parameters");
    expect(
        told(four, five).find("gradient of rank 0 has 5 elements, expected 4") != std::string::npos,
        "five slopes");
  });
}
