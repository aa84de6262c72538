// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/tensor/experts/routing.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/team.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

/// Tokens that choose experts, on ranks and, by the definition in double, on one.
namespace experts_case {

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

inline batch drawn(std::size_t tokens, std::size_t width, std::size_t experts,
                   std::size_t choices) {
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
inline outcome oracle(const batch& of, std::size_t capacity) {
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

/// Room for the results of all tokens.
inline outcome blank(const batch& of) {
  outcome to;
  to.y.resize(of.x.size());
  to.dx.resize(of.x.size());
  to.d_gate.resize(of.gate.size());
  to.d_weight.resize(of.weight.size());
  to.calls.resize(of.experts);
  return to;
}

/// Rows of a rank's tokens, and back to where they belong.
template <class T>
std::vector<T> own_rows(const std::vector<T>& all, std::size_t columns, const cut& tokens,
                        int rank) {
  std::vector<T> own(tokens.width(rank) * columns);
  for (std::size_t i = 0; i < tokens.width(rank); ++i) {
    std::copy_n(&all[tokens.global(rank, i) * columns], columns, &own[i * columns]);
  }
  return own;
}
inline void put_back(const std::vector<float>& own, std::vector<float>& all, std::size_t columns,
                     const cut& tokens, int rank) {
  for (std::size_t i = 0; i < tokens.width(rank); ++i) {
    std::copy_n(&own[i * columns], columns, &all[tokens.global(rank, i) * columns]);
  }
}

/// Both passes on the calling rank, whose part of the results is put into `to`. With two
/// micro-batches, the forward pass of another lies between them: what one keeps does not disturb
/// the other. Returns how many choices this rank dropped.
template <class Comm>
std::size_t run_on(Comm& comm, const batch& of, std::size_t capacity, const cut& tokens,
                   int micro_batches, outcome& to) {
  const auto team = rondo::along<"expert">(comm);
  const int r = comm.rank();
  const std::size_t own = tokens.width(r);
  std::vector<float> y(own * of.width), dx(own * of.width), d_gate(own * of.choices);
  auto x = own_rows(of.x, of.width, tokens, r), dy = own_rows(of.dy, of.width, tokens, r);
  const auto gate = own_rows(of.gate, of.choices, tokens, r);
  const auto expert = own_rows(of.expert, of.choices, tokens, r);
  rondo::expert_parallel experts{team, tokens, of.experts, capacity,
                                 squares{&of.weight, &to.d_weight, &to.calls}};
  rondo::expert_pass<float> first, second;
  const rondo::routing<float> chosen{{expert.data(), own, of.choices},
                                     {gate.data(), own, of.choices}};
  const auto rows = [&](std::vector<float>& values) {
    return rows_of<float>{{values.data(), own, of.width}, tokens};
  };
  experts.forward(first, rows(x), chosen, rows(y));
  if (micro_batches == 2) {
    experts.forward(second, rows(dy), chosen, rows(dx));
  }
  experts.backward(first, rows(dy), rows(dx), matrix<float>{d_gate.data(), own, of.choices});
  put_back(y, to.y, of.width, tokens, r);
  put_back(dx, to.dx, of.width, tokens, r);
  put_back(d_gate, to.d_gate, of.choices, tokens, r);
  return first.dropped();
}

/// The largest error of `got`, relative to one and the value.
inline double error(const std::vector<float>& got, const std::vector<float>& right) {
  double worst = got.size() == right.size() ? 0 : 1e9;
  for (std::size_t i = 0; i < got.size() && worst < 1e9; ++i) {
    const double off = std::abs(double{got[i]} - right[i]) / (1 + std::abs(right[i]));
    worst = off <= 1e9 ? std::max(worst, off) : 1e9;  // NaN too
  }
  return worst;
}

/// Each value against double precision.
inline bool near(const outcome& got, const outcome& right) {
  return error(got.y, right.y) < 2e-6 && error(got.dx, right.dx) < 2e-6 &&
         error(got.d_gate, right.d_gate) < 2e-6 && error(got.d_weight, right.d_weight) < 2e-6;
}

}  // namespace experts_case
