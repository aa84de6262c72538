// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"
#include "tensor/experts_case.hpp"

#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/experts/auxiliary_loss.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

using namespace experts_case;

namespace {

outcome run(const batch& of, std::size_t capacity, int ranks, const cut& tokens) {
  outcome to = blank(of);
  std::vector<std::size_t> dropped(static_cast<std::size_t>(ranks));
  rondo::threads::run(ranks, [&](auto& comm) {
    dropped[static_cast<std::size_t>(comm.rank())] = run_on(comm, of, capacity, tokens, 2, to);
  });
  for (const std::size_t each : dropped) {
    to.dropped += each;
  }
  return to;
}

}  // namespace

TEST_CASE("experts: capacity and choice are those of GShard") {
  CHECK(rondo::expert_capacity(4096, 2, 64, 1.25) == 160);
  CHECK(rondo::expert_capacity(10, 1, 4, 1.0) == 3);
  for (const double factor : {0.0, -1.0, std::nan(""), 1e300}) {
    CHECK_THROWS_WITH(rondo::expert_capacity(10, 1, 4, factor),
                      Catch::Matchers::ContainsSubstring("expected a finite factor above 0"));
  }
  CHECK_THROWS_AS(rondo::expert_capacity(10, 1, 0, 1.0), rondo::error);
  // A product that comes round to 0 would be no limit at all.
  CHECK(rondo::expert_capacity(std::size_t{1} << 63, 2, 8, 1.0) == std::size_t{1} << 61);
  CHECK_THROWS_AS(rondo::expert_capacity(std::size_t{1} << 63, 2, 1, 1.0), rondo::error);
  const std::vector<float> probability{0.1F, 0.5F, 0.5F, 0.2F};
  std::vector<int> expert(3);
  std::vector<float> weight(3);
  rondo::choose_experts<float>({probability.data(), 1, 4}, {expert.data(), 1, 3},
                               {weight.data(), 1, 3});
  CHECK(expert == std::vector<int>{1, 2, 3});
  CHECK(weight == std::vector<float>{0.5F, 0.5F, 0.2F});
}

TEST_CASE("experts: tokens find their experts and come back, whoever holds what") {
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{5}, std::size_t{1}}) {
    for (const std::size_t tokens : {17U, 2U}) {
      const batch given = drawn(tokens, 3, 5, 2);
      const outcome right = oracle(given, capacity);
      const outcome one = run(given, capacity, 1, cut::even(tokens, 1));
      for (const int ranks : {1, 2, 3, 4, 7, 8}) {
        for (const cut& by : {cut::even(tokens, ranks), rondo::zigzag(tokens, ranks)}) {
          INFO(tokens << " tokens, capacity " << capacity << ", " << ranks << " ranks");
          const outcome got = run(given, capacity, ranks, by);
          CHECK(near(got, right));
          CHECK(got.dropped == right.dropped);
          CHECK(got.calls == std::vector<int>(5, 2));  // with no rows, too
          CHECK(got.y == one.y);                       // bit for bit
          CHECK(got.dx == one.dx);
          CHECK(got.d_gate == one.d_gate);
          CHECK(got.d_weight == one.d_weight);
        }
      }
    }
  }
}

TEST_CASE("experts: the auxiliary loss counts all tokens, on every rank alike") {
  const std::size_t tokens = 18;
  const batch given = drawn(tokens, 1, 4, 2);
  double right = 0;
  std::vector<double> fallen(4), mass(4);
  for (const int e : given.expert) {
    fallen[static_cast<std::size_t>(e)] += 1;
  }
  for (std::size_t i = 0; i < given.probability.size(); ++i) {
    mass[i % 4] += given.probability[i];
  }
  for (std::size_t e = 0; e < 4; ++e) {
    right += 0.01 * 4 / (2 * 18.0 * 18.0) * fallen[e] * mass[e];
  }
  const auto loss = [&](int ranks, auto order, const cut& by) {
    std::vector<float> losses(static_cast<std::size_t>(ranks));
    rondo::threads::run(ranks, [&](auto& comm) {
      const auto team = rondo::along<"expert">(comm);
      std::vector<float> probability, d(by.width(comm.rank()) * 4);
      std::vector<int> expert;
      for (std::size_t i = 0; i < by.width(comm.rank()); ++i) {
        const auto t = static_cast<std::ptrdiff_t>(by.global(comm.rank(), i));
        probability.insert(probability.end(), given.probability.begin() + t * 4,
                           given.probability.begin() + t * 4 + 4);
        expert.insert(expert.end(), given.expert.begin() + t * 2, given.expert.begin() + t * 2 + 2);
      }
      const std::size_t own = by.width(comm.rank());
      losses[static_cast<std::size_t>(comm.rank())] =
          rondo::auxiliary_loss(team, by, {probability.data(), own, 4}, {expert.data(), own, 2},
                                0.01F, matrix<float>{d.data(), own, 4}, order);
      for (std::size_t i = 0; i < d.size(); ++i) {
        const double expected = 0.01 * 4 / (2 * 18.0 * 18.0) * fallen[i % 4];
        if (std::abs(d[i] - expected) > 1e-8) {
          throw std::logic_error("gradient of the auxiliary loss");
        }
      }
    });
    for (const float each : losses) {
      CHECK(each == losses.front());
    }
    return losses.front();
  };
  const rondo::exact order{.tokens = 4};
  const float one = loss(1, order, cut::even(tokens, 1));
  for (const int ranks : {1, 2, 3, 5, 8}) {
    CHECK(loss(ranks, rondo::any_order{}, cut::even(tokens, ranks)) == Approx(right).epsilon(1e-6));
    CHECK(loss(ranks, order, cut::even(tokens, ranks, 4)) == one);
    CHECK(loss(ranks, order, rondo::zigzag(tokens, ranks, 4)) == one);
  }
}

TEST_CASE("experts: the auxiliary loss counts more choices than float has whole numbers") {
  constexpr std::size_t tokens = 2, many = 3 << 22;  // 25 million choices, all of expert 0
  const std::vector<int> expert(tokens * many, 0);
  const auto loss = [&](int ranks, auto order) {
    const cut by = cut::even(tokens, ranks);
    float got = 0;
    rondo::threads::run(ranks, [&](auto& comm) {
      const std::size_t own = by.width(comm.rank());
      const std::vector<float> probability(own * 2, 0.5F);
      std::vector<float> d(own * 2);
      const float mine =
          rondo::auxiliary_loss(rondo::along<"expert">(comm), by, {probability.data(), own, 2},
                                {expert.data() + by.global(comm.rank(), 0) * many, own, many}, 1.0F,
                                matrix<float>{d.data(), own, 2}, order);
      if (comm.rank() == 0) {
        got = mine;
      }
    });
    return got;
  };
  for (const int ranks : {1, 2}) {
    CHECK(loss(ranks, rondo::any_order{}) == Approx(1).epsilon(1e-6));
    CHECK(loss(ranks, rondo::exact{.tokens = 1}) == Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("experts: a token for an expert that is not there is refused by number") {
  std::string said;
  rondo::threads::run(1, [&](auto& comm) {
    const auto team = rondo::along<"expert">(comm);
    std::vector<float> w(2), dw(2), x(1), gate(1);
    std::vector<int> calls(2), expert{2};
    rondo::expert_parallel experts{team, cut::even(1, 1), 2, 0, squares{&w, &dw, &calls}};
    rondo::expert_pass<float> pass;
    const cut one = cut::even(1, 1);
    const rows_of<float> view{{x.data(), 1, 1}, one};
    try {
      experts.forward(pass, view, rondo::routing<float>{{expert.data(), 1, 1}, {gate.data(), 1, 1}},
                      view);
    } catch (const rondo::error& refused) {
      said = refused.what();
    }
  });
  CHECK(said.find("token 0 goes to expert 2 of 2") != std::string::npos);
}

TEST_CASE("experts: an auxiliary loss of tokens cut for other ranks, or held twice, is refused") {
  const auto refused = [](const cut& by) {
    std::string said;
    rondo::threads::run(2, [&](auto& comm) {
      const std::size_t own = comm.rank() < by.ranks() ? by.width(comm.rank()) : 4;
      std::vector<float> probability(own * 2, 0.5F), d(own * 2);
      std::vector<int> expert(own);
      const std::string mine = refusals::argument_refusal([&] {
        return rondo::auxiliary_loss(rondo::along<"expert">(comm), by, {probability.data(), own, 2},
                                     {expert.data(), own, 1}, 1.0F,
                                     matrix<float>{d.data(), own, 2});
      });
      if (comm.rank() == 1) {
        said = mine;
      }
    });
    return said;
  };
  CHECK(refused(cut::even(8, 2)).empty());
  CHECK(refusals::contains(refused(cut::even(8, 1)), "tokens are cut over 1 ranks"));
  CHECK(refusals::contains(refused(cut::even(8, 4)), "tokens are cut over 4 ranks"));
  CHECK(refusals::contains(refused(cut::whole(8, 2)), "ranks hold the same indices"));
}

TEST_CASE("experts: a second pass backward, or one without its pass forward, is refused") {
  rondo::threads::run(1, [](auto& comm) {
    std::vector<float> w(2, 1), dw(2), x(1, 1), y(1), gate(1, 1), d_gate(1);
    std::vector<int> calls(2), expert{1};
    const cut one = cut::even(1, 1);
    rondo::expert_parallel experts{rondo::along<"expert">(comm), one, 2, 0,
                                   squares{&w, &dw, &calls}};
    rondo::expert_pass<float> pass;
    const rows_of<float> in{{x.data(), 1, 1}, one}, out{{y.data(), 1, 1}, one};
    const rows_of<float> nothing{{x.data(), 1, 0}, one};
    const rondo::routing<float> chosen{{expert.data(), 1, 1}, {gate.data(), 1, 1}};
    const auto backward = [&](const auto& rows, std::size_t choices) {
      return refusals::argument_refusal([&] {
        experts.backward(pass, rows, rows, matrix<float>{d_gate.data(), 1, choices});
        return 0;
      });
    };
    const auto used_up = [](const std::string& said) {
      return refusals::contains(said, "without its pass forward, or the second one");
    };
    rondo::testing::expect(used_up(backward(nothing, 0)), "a pass that was not forward");
    for (int round = 0; round < 2; ++round) {
      experts.forward(pass, in, chosen, out);
      rondo::testing::expect(backward(out, 1).empty() && d_gate[0] == 1, "the gradient");
      rondo::testing::expect(used_up(backward(out, 1)), "the second");
    }
  });
}
