// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tensor/loops.hpp"

#include <rondo/tensor/layers/mlp.hpp>
#include <rondo/testing/reference.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

/// An MLP on a split mesh and, by plain loops in double, on one rank.
namespace mlp_case {

using loops::all;
using loops::held;
using loops::numbers;
using loops::owned;
using rondo::any_order;
using rondo::cut;
using rondo::exact;
using rondo::testing::expect;

inline constexpr std::size_t tokens = 10;
inline constexpr std::size_t d_model = 6;
inline constexpr std::size_t d_ff = 20;
inline constexpr exact by_leaves{2, 4};

struct softplus {
  template <class T>
  [[nodiscard]] T value(T x) const {
    return std::log1p(std::exp(x));
  }
  template <class T>
  [[nodiscard]] T slope(T x) const {
    return T{1} / (T{1} + std::exp(-x));
  }
};

template <class T>
struct outcome {
  owned<T> y, dx, dup, dup_bias, ddown, ddown_bias;
};
using results = outcome<float>;

enum matrices : std::uint64_t { x_ = 11, up_, up_bias_, down_, down_bias_, dy_ };

/// Weights scaled so that values stay near one.
template <class T>
owned<T> weights(std::uint64_t which, const std::vector<std::size_t>& rows,
                 const std::vector<std::size_t>& columns) {
  auto made = numbers<T>(which, rows, columns);
  for (T& value : made.memory) {
    value *= T{0.5};
  }
  return made;
}

template <class Activation>
outcome<double> oracle(const Activation& activation) {
  const std::size_t hidden = d_ff * static_cast<std::size_t>(Activation::parts);
  const loops::kernels by_loops;
  auto x = numbers<double>(x_, all(tokens), all(d_model));
  auto dy = numbers<double>(dy_, all(tokens), all(d_model));
  auto up = weights<double>(up_, all(hidden), all(d_model));
  auto down = weights<double>(down_, all(d_model), all(d_ff));
  const auto b = numbers<double>(up_bias_, {0}, all(hidden));
  const auto c = numbers<double>(down_bias_, {0}, all(d_model));
  outcome<double> got{{tokens, d_model}, {tokens, d_model}, {hidden, d_model},
                      {1, hidden},       {d_model, d_ff},   {1, d_model}};
  owned<double> before(tokens, hidden), after(tokens, d_ff), dafter(tokens, d_ff),
      dbefore(tokens, hidden);
  by_loops.product(x.view(), up.view(), before.view());
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t j = 0; j < hidden; ++j) {
      before(i, j) += b(0, j);
    }
  }
  const owned<double>& fixed = before;
  activation.forward(fixed.view(), after.view());
  by_loops.product(after.view(), down.view(), got.y.view());
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t j = 0; j < d_model; ++j) {
      got.y(i, j) += c(0, j);
      got.ddown_bias(0, j) += dy(i, j);
    }
  }
  by_loops.weight_gradient(dy.view(), after.view(), got.ddown.view());
  by_loops.input_gradient(dy.view(), down.view(), dafter.view());
  const owned<double>& above = dafter;
  activation.backward(fixed.view(), above.view(), dbefore.view());
  by_loops.weight_gradient(dbefore.view(), x.view(), got.dup.view());
  by_loops.input_gradient(dbefore.view(), up.view(), got.dx.view());
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t j = 0; j < hidden; ++j) {
      got.dup_bias(0, j) += dbefore(i, j);
    }
  }
  return got;
}

inline cut hidden_cut(const cut& features, int parts) {
  return cut::fused(std::vector<cut>(static_cast<std::size_t>(parts), features));
}

/// The sum of all leaves, on one rank; `read(node)` is where the host reads it.
template <class Sums, class Read>
void total(const Sums& sums, std::vector<float>& out, const Read& read) {
  const auto& nodes = sums.nodes();
  std::copy_n(read(nodes.back().value), out.size(), out.data());
  for (std::size_t n = nodes.size() - 1; n-- > 0;) {
    const float* const value = read(nodes[n].value);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = value[i] + out[i];
    }
  }
}
inline void total(const rondo::tree_sum<float>& sums, std::vector<float>& out) {
  total(sums, out, [](const float* node) { return node; });
}

/// A forward and a backward pass; `Rows` is -1 for replicated rows, 0 for sequence parallelism.
template <int Rows, class Team, class Activation, class Order>
results run_on(const Team& tensor, const cut& features, const Activation& activation, Order order) {
  const int rank = tensor.rank();
  const cut rows = cut::even(tokens, tensor.size());
  const auto here = Rows < 0 ? all(tokens) : held(rows, rank);
  const auto mine = held(features, rank);
  const auto wide = held(hidden_cut(features, Activation::parts), rank);
  auto x = numbers<float>(x_, here, all(d_model));
  auto dy = numbers<float>(dy_, here, all(d_model));
  const auto up = weights<float>(up_, wide, all(d_model));
  const auto down = weights<float>(down_, all(d_model), mine);
  const auto b = numbers<float>(up_bias_, {0}, wide);
  const auto c = numbers<float>(down_bias_, {0}, all(d_model));
  results got{{here.size(), d_model}, {here.size(), d_model}, {wide.size(), d_model},
              {1, wide.size()},       {d_model, mine.size()}, {1, d_model}};
  const auto placed = [&](owned<float>& of) {
    if constexpr (Rows < 0) {
      return rondo::replicated<float>{of.view()};
    } else {
      return rondo::sharded<float, 0>{of.view(), rows};
    }
  };
  rondo::mlp block{tensor, features, loops::kernels{}, activation, order};
  rondo::mlp_saved<float> saved;
  const rondo::mlp_weights<float> with{{up.view(), b.memory}, {down.view(), c.memory}};
  block.forward(placed(x), with, saved, placed(got.y));
  if constexpr (rondo::detail::is_exact<Order>) {
    rondo::exact_mlp_gradients<float> sums{{wide.size(), d_model, true},
                                           {d_model, mine.size(), true}};
    block.backward(placed(dy), placed(x), with, saved, placed(got.dx), sums);
    total(sums.up.weight, got.dup.memory);
    total(sums.up.bias, got.dup_bias.memory);
    total(sums.down.weight, got.ddown.memory);
    total(sums.down.bias, got.ddown_bias.memory);
  } else {
    block.backward(placed(dy), placed(x), with, saved, placed(got.dx),
                   rondo::mlp_gradients<float>{{got.dup.view(), got.dup_bias.memory},
                                               {got.ddown.view(), got.ddown_bias.memory}});
  }
  return got;
}

template <int Rows, class Comm, class Activation, class Order>
results run(Comm& comm, const cut& features, const Activation& activation, Order order) {
  return run_on<Rows>(rondo::along<"tensor">(comm), features, activation, order);
}

/// Calls act(element, rows of the whole, columns of the whole) for every matrix of the outcome.
template <class T, class Comm, class Act>
void for_each_matrix(const results& got, const outcome<T>& whole, Comm& comm, const cut& features,
                     int split_rows, const Act& act) {
  const cut rows = cut::even(tokens, comm.size());
  const auto here = split_rows < 0 ? all(tokens) : held(rows, comm.rank());
  const auto mine = held(features, comm.rank());
  const int parts = static_cast<int>(whole.dup.rows / d_ff);
  const auto wide = held(hidden_cut(features, parts), comm.rank());
  act(got.y, whole.y, here, all(d_model), "y");
  act(got.dx, whole.dx, here, all(d_model), "dx");
  act(got.dup, whole.dup, wide, all(d_model), "the up weight's gradient");
  act(got.dup_bias, whole.dup_bias, std::vector<std::size_t>{0}, wide, "the up bias's gradient");
  act(got.ddown, whole.ddown, all(d_model), mine, "the down weight's gradient");
  act(got.ddown_bias, whole.ddown_bias, std::vector<std::size_t>{0}, all(d_model),
      "the down bias's gradient");
}

/// Each value against double precision.
template <class Comm>
void near(const results& got, const outcome<double>& expected, Comm& comm, const cut& features,
          int split_rows) {
  for_each_matrix(
      got, expected, comm, features, split_rows,
      [](const auto& a, const auto& b, const auto& rows, const auto& columns, const char* what) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
          for (std::size_t j = 0; j < columns.size(); ++j) {
            const double wanted = b(rows[i], columns[j]);
            expect(std::abs(a(i, j) - wanted) < 2e-5 * (1 + std::abs(wanted)), what);
          }
        }
      });
}

/// Each value's bits against those of one rank.
template <class Comm>
void same(const results& got, const results& one, Comm& comm, const cut& features, int split_rows) {
  for_each_matrix(
      got, one, comm, features, split_rows,
      [](const auto& a, const auto& b, const auto& rows, const auto& columns, const char* what) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
          for (std::size_t j = 0; j < columns.size(); ++j) {
            expect(std::memcmp(&a(i, j), &b(rows[i], columns[j]), sizeof(float)) == 0, what);
          }
        }
      });
}

/// d_ff cut evenly and unevenly, in whole leaves.
inline std::vector<cut> feature_cuts(int ranks) {
  std::vector<std::size_t> uneven(static_cast<std::size_t>(ranks), 0);
  uneven.back() = 6;
  uneven.front() += d_ff - 6;
  return {cut::even(d_ff, ranks, 2), cut::widths(uneven)};
}

}  // namespace mlp_case
