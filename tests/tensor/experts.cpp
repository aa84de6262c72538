// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/auxiliary_loss.hpp>
#include <rondo/tensor/context.hpp>
#include <rondo/tensor/expert_parallel.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/transport/threads.hpp>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using rondo::cut;
using rondo::matrix;

template <class T>
using rows_of = rondo::sharded<T, 0, "expert">;

/// Expert e scales feature i by weight[e * width + i] and squares: not linear, so that the rows
/// that an expert saw matter in the backward pass.
struct squares {
  const std::vector<float>* weight;
  std::vector<float>* d_weight;
  std::vector<int>* calls;

  void forward(std::size_t expert, matrix<const float> rows, matrix<float> out) const {
    ++(*calls)[expert];
    for (std::size_t r = 0; r < rows.rows; ++r) {
      for (std::size_t i = 0; i < rows.columns; ++i) {
        out(r, i) = (*weight)[expert * rows.columns + i] * rows(r, i) * rows(r, i);
      }
    }
  }
  void backward(std::size_t expert, matrix<const float> rows, matrix<const float> d_out,
                matrix<float> d_rows) const {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      for (std::size_t i = 0; i < rows.columns; ++i) {
        const std::size_t w = expert * rows.columns + i;
        (*d_weight)[w] += d_out(r, i) * rows(r, i) * rows(r, i);
        d_rows(r, i) = 2 * (*weight)[w] * rows(r, i) * d_out(r, i);
      }
    }
  }
};

struct batch {
  std::size_t tokens, width, experts, choices;
  std::vector<float> x, dy, probability, gate, weight;
  std::vector<int> expert;
};

batch drawn(std::size_t tokens, std::size_t width, std::size_t experts, std::size_t choices) {
  std::mt19937 random{7};
  std::uniform_real_distribution<float> values{0.1F, 1};
  batch made{tokens, width, experts, choices, {}, {}, {}, {}, {}, {}};
  const auto fill = [&](std::vector<float>& all, std::size_t count) {
    all.resize(count);
    for (float& one : all) {
      one = values(random);
    }
  };
  fill(made.x, tokens * width);
  fill(made.dy, tokens * width);
  fill(made.probability, tokens * experts);
  for (std::size_t t = 0; t < tokens; ++t) {  // expert 0 is liked best, so that it overflows
    made.probability[t * experts] += 0.4F;
  }
  fill(made.weight, experts * width);
  made.expert.resize(tokens * choices);
  made.gate.resize(tokens * choices);
  rondo::choose_experts<float>({made.probability.data(), tokens, experts},
                               {made.expert.data(), tokens, choices},
                               {made.gate.data(), tokens, choices});
  return made;
}

struct outcome {
  std::vector<float> y, dx, d_gate, d_weight;
  std::size_t dropped = 0;
  std::vector<int> calls;
};

/// The definition, in double: tokens in order, an expert takes the first `capacity` of them.
outcome oracle(const batch& of, std::size_t capacity) {
  outcome to;
  std::vector<double> y(of.x.size()), dx(of.x.size()), d_gate(of.gate.size()),
      d_weight(of.weight.size());
  std::vector<std::size_t> taken(of.experts);
  for (std::size_t t = 0; t < of.tokens; ++t) {
    for (std::size_t k = 0; k < of.choices; ++k) {
      const auto e = static_cast<std::size_t>(of.expert[t * of.choices + k]);
      if (capacity != 0 && taken[e] == capacity) {
        ++to.dropped;
        continue;
      }
      ++taken[e];
      const double gate = of.gate[t * of.choices + k];
      for (std::size_t i = 0; i < of.width; ++i) {
        const double x = of.x[t * of.width + i];
        const double w = of.weight[e * of.width + i];
        const double up = of.dy[t * of.width + i];
        y[t * of.width + i] += gate * w * x * x;
        d_gate[t * of.choices + k] += up * w * x * x;
        dx[t * of.width + i] += gate * up * 2 * w * x;
        d_weight[e * of.width + i] += gate * up * x * x;
      }
    }
  }
  to.y.assign(y.begin(), y.end());
  to.dx.assign(dx.begin(), dx.end());
  to.d_gate.assign(d_gate.begin(), d_gate.end());
  to.d_weight.assign(d_weight.begin(), d_weight.end());
  return to;
}

outcome run(const batch& of, std::size_t capacity, int ranks, const cut& tokens) {
  outcome to;
  to.y.resize(of.x.size());
  to.dx.resize(of.x.size());
  to.d_gate.resize(of.gate.size());
  to.d_weight.resize(of.weight.size());
  to.calls.resize(of.experts);
  std::vector<std::size_t> dropped(static_cast<std::size_t>(ranks));
  rondo::threads::run(ranks, [&](auto& comm) {
    const auto team = rondo::along<"expert">(comm);
    const int r = comm.rank();
    const std::size_t own = tokens.width(r);
    std::vector<float> x, dy, gate, y(own * of.width), dx(own * of.width), d_gate(own * of.choices);
    std::vector<int> expert;
    for (std::size_t i = 0; i < own; ++i) {
      const auto t = static_cast<std::ptrdiff_t>(tokens.global(r, i));
      const auto w = static_cast<std::ptrdiff_t>(of.width);
      const auto k = static_cast<std::ptrdiff_t>(of.choices);
      x.insert(x.end(), of.x.begin() + t * w, of.x.begin() + (t + 1) * w);
      dy.insert(dy.end(), of.dy.begin() + t * w, of.dy.begin() + (t + 1) * w);
      gate.insert(gate.end(), of.gate.begin() + t * k, of.gate.begin() + (t + 1) * k);
      expert.insert(expert.end(), of.expert.begin() + t * k, of.expert.begin() + (t + 1) * k);
    }
    rondo::expert_parallel experts{team, tokens, of.experts, capacity,
                                   squares{&of.weight, &to.d_weight, &to.calls}};
    rondo::expert_pass<float> first, second;
    const rondo::routing<float> chosen{{expert.data(), own, of.choices},
                                       {gate.data(), own, of.choices}};
    const rows_of<float> in{{x.data(), own, of.width}, tokens};
    const rows_of<float> up{{dy.data(), own, of.width}, tokens};
    // Two micro-batches under way: what one keeps does not disturb the other.
    experts.forward(first, in, chosen, rows_of<float>{{y.data(), own, of.width}, tokens});
    experts.forward(second, up, chosen, rows_of<float>{{dx.data(), own, of.width}, tokens});
    experts.backward(first, up, rows_of<float>{{dx.data(), own, of.width}, tokens},
                     matrix<float>{d_gate.data(), own, of.choices});
    dropped[static_cast<std::size_t>(r)] = first.dropped();
    for (std::size_t i = 0; i < own; ++i) {
      const auto t = static_cast<std::ptrdiff_t>(tokens.global(r, i));
      const auto w = static_cast<std::ptrdiff_t>(of.width);
      const auto k = static_cast<std::ptrdiff_t>(of.choices);
      const auto l = static_cast<std::ptrdiff_t>(i);
      std::copy_n(y.begin() + l * w, w, to.y.begin() + t * w);
      std::copy_n(dx.begin() + l * w, w, to.dx.begin() + t * w);
      std::copy_n(d_gate.begin() + l * k, k, to.d_gate.begin() + t * k);
    }
  });
  for (const std::size_t each : dropped) {
    to.dropped += each;
  }
  return to;
}

void check_close(const std::vector<float>& got, const std::vector<float>& right) {
  REQUIRE(got.size() == right.size());
  double worst = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const double off = std::abs(double{got[i]} - right[i]) / (1 + std::abs(right[i]));
    worst = off <= 1e9 ? std::max(worst, off) : 1e9;
  }
  CHECK(worst < 2e-6);
}

}  // namespace

TEST_CASE("experts: capacity and choice are those of GShard") {
  CHECK(rondo::expert_capacity(4096, 2, 64, 1.25) == 160);
  CHECK(rondo::expert_capacity(10, 1, 4, 1.0) == 3);
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
          check_close(got.y, right.y);
          check_close(got.dx, right.dx);
          check_close(got.d_gate, right.d_gate);
          check_close(got.d_weight, right.d_weight);
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
