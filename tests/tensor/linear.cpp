// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "tensor/loops.hpp"

#include <rondo/tensor/layers/column_parallel.hpp>
#include <rondo/tensor/layers/row_parallel.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace {

using loops::all;
using loops::held;
using loops::numbers;
using loops::owned;
using rondo::along;
using rondo::any_order;
using rondo::cut;
using rondo::exact;
using rondo::matrix;
using rondo::testing::expect;

constexpr std::size_t tokens = 10;
constexpr std::size_t inputs = 9;
constexpr std::size_t outputs = 22;
constexpr exact by_leaves{2, 4};

enum matrices : std::uint64_t { x_ = 1, w_, bias_, dy_ };

/// A linear layer's results on one rank, in double, by plain loops over one precision's inputs.
struct oracle {
  owned<double> y{tokens, outputs}, dx{tokens, inputs}, dw{outputs, inputs}, db{1, outputs};
  oracle() {
    const auto x = numbers<double>(x_, all(tokens), all(inputs));
    const auto w = numbers<double>(w_, all(outputs), all(inputs));
    const auto b = numbers<double>(bias_, {0}, all(outputs));
    const auto dy = numbers<double>(dy_, all(tokens), all(outputs));
    for (std::size_t i = 0; i < tokens; ++i) {
      for (std::size_t j = 0; j < outputs; ++j) {
        y(i, j) = b(0, j);
        db(0, j) += dy(i, j);
        for (std::size_t k = 0; k < inputs; ++k) {
          y(i, j) += x(i, k) * w(j, k);
          dx(i, k) += dy(i, j) * w(j, k);
          dw(j, k) += dy(i, j) * x(i, k);
        }
      }
    }
  }
};

/// Every element against the oracle's at its global indices.
void near(const owned<float>& got, const owned<double>& expected,
          const std::vector<std::size_t>& rows, const std::vector<std::size_t>& columns,
          const char* what) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      expect(std::abs(got(i, j) - expected(rows[i], columns[j])) < 2e-6 * 22, what);
    }
  }
}

/// The bits of one rank at their global indices.
void same(const owned<float>& got, const owned<float>& one, const std::vector<std::size_t>& rows,
          const std::vector<std::size_t>& columns, const char* what) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      expect(std::memcmp(&got(i, j), &one(rows[i], columns[j]), sizeof(float)) == 0, what);
    }
  }
}

template <int Dimension>
auto placed(owned<float>& held, const cut& by) {
  if constexpr (Dimension < 0) {
    return rondo::replicated<float>{held.view()};
  } else {
    return rondo::sharded<float, Dimension>{held.view(), by};
  }
}

/// What one rank holds after a forward and a backward pass.
struct results {
  owned<float> y, dx, dw, db;
};

template <class Order>
auto gradients(results& of, Order) {
  if constexpr (rondo::detail::is_exact<Order>) {
    return rondo::exact_linear_gradients<float>{of.dw.rows, of.dw.columns, true};
  } else {
    return rondo::linear_gradients<float>{of.dw.view(), of.db.memory};
  }
}

/// In exact mode the sums over tokens are folded at the end of the batch.
void collect(const rondo::linear_gradients<float>&, results&) {}
void collect(const rondo::exact_linear_gradients<float>& from, results& to) {
  rondo::testing::expect(from.weight.nodes().size() == 2, "10 tokens are leaves 0, 1 and 2");
  const auto root = [](const rondo::tree_sum<float>& sums, std::vector<float>& out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = sums.nodes()[0].value[i] + sums.nodes()[1].value[i];
    }
  };
  root(from.weight, to.dw.memory);
  root(from.bias, to.db.memory);
}

/// `Tokens` is -1 for replicated rows, 0 for sequence parallelism.
template <int Tokens, class Order>
results column(auto& comm, const cut& rows, const cut& features, Order order) {
  const auto here = Tokens < 0 ? all(tokens) : held(rows, comm.rank());
  const auto mine = held(features, comm.rank());
  auto x = numbers<float>(x_, here, all(inputs));
  auto dy = numbers<float>(dy_, all(tokens), mine);
  const auto w = numbers<float>(w_, mine, all(inputs));
  const auto b = numbers<float>(bias_, {0}, mine);
  results got{
      {tokens, mine.size()}, {here.size(), inputs}, {mine.size(), inputs}, {1, mine.size()}};
  rondo::column_parallel layer{along<"tensor">(comm), features, loops::kernels{}, order};
  for (int pass = 0; pass < 2; ++pass) {  // twice: memory is used again
    std::fill(got.dw.memory.begin(), got.dw.memory.end(), 0.0F);
    std::fill(got.db.memory.begin(), got.db.memory.end(), 0.0F);
    auto sums = gradients(got, order);
    layer.forward(placed<Tokens>(x, rows), {w.view(), b.memory}, placed<1>(got.y, features));
    layer.backward(placed<1>(dy, features), placed<Tokens>(x, rows), {w.view(), b.memory},
                   placed<Tokens>(got.dx, rows), sums);
    collect(sums, got);
  }
  return got;
}

template <int Tokens, class Order>
results row(auto& comm, const cut& rows, const cut& features, Order order) {
  // The split side is the long one here too: x is [tokens, outputs], y [tokens, inputs].
  const auto here = Tokens < 0 ? all(tokens) : held(rows, comm.rank());
  const auto mine = held(features, comm.rank());
  auto x = numbers<float>(dy_, all(tokens), mine);
  auto dy = numbers<float>(x_, here, all(inputs));
  auto w = numbers<float>(w_, mine, all(inputs));
  owned<float> turned(inputs, mine.size());
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t j = 0; j < mine.size(); ++j) {
      turned(i, j) = w(j, i);
    }
  }
  const auto b = numbers<float>(bias_, {0}, all(inputs));
  results got{{here.size(), inputs}, {tokens, mine.size()}, {inputs, mine.size()}, {1, inputs}};
  rondo::row_parallel layer{along<"tensor">(comm), features, loops::kernels{}, order};
  for (int pass = 0; pass < 2; ++pass) {
    std::fill(got.dw.memory.begin(), got.dw.memory.end(), 0.0F);
    std::fill(got.db.memory.begin(), got.db.memory.end(), 0.0F);
    auto sums = gradients(got, order);
    layer.forward(placed<1>(x, features), {turned.view(), b.memory}, placed<Tokens>(got.y, rows));
    layer.backward(placed<Tokens>(dy, rows), placed<1>(x, features), {turned.view(), b.memory},
                   placed<1>(got.dx, features), sums);
    collect(sums, got);
  }
  return got;
}

std::vector<cut> feature_cuts(int ranks) {
  const std::vector<cut> parts{cut::even(12, ranks, 2), cut::even(10, ranks, 2)};
  std::vector<std::size_t> uneven(static_cast<std::size_t>(ranks), 0);
  uneven.back() = 4;
  uneven.front() += outputs - 4;
  return {cut::even(outputs, ranks, 2), cut::fused(parts), cut::widths(uneven)};
}

template <int Tokens, class Order>
void check_column(Order order, const results* one) {
  const oracle expected;
  for (const int ranks : {1, 2, 3, 4, 5, 7, 8}) {
    const cut rows = cut::even(tokens, ranks);
    for (const cut& features : feature_cuts(ranks)) {
      rondo::threads::run(ranks, [&](auto& comm) {
        const auto got = column<Tokens>(comm, rows, features, order);
        const auto here = Tokens < 0 ? all(tokens) : held(rows, comm.rank());
        const auto mine = held(features, comm.rank());
        near(got.y, expected.y, all(tokens), mine, "y");
        near(got.dx, expected.dx, here, all(inputs), "dx");
        near(got.dw, expected.dw, mine, all(inputs), "dw");
        near(got.db, expected.db, {0}, mine, "dbias");
        if (one != nullptr) {
          same(got.y, one->y, all(tokens), mine, "y's bits");
          same(got.dx, one->dx, here, all(inputs), "dx's bits");
          same(got.dw, one->dw, mine, all(inputs), "dw's bits");
          same(got.db, one->db, {0}, mine, "dbias's bits");
        }
      });
    }
  }
}

template <int Tokens, class Order>
void check_row(Order order, const results* one) {
  owned<double> y(tokens, inputs), dx(tokens, outputs), dw(inputs, outputs), db(1, inputs);
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t j = 0; j < inputs; ++j) {
      const auto n = [](std::uint64_t which, std::size_t a, std::size_t b) {
        return static_cast<double>(static_cast<float>(loops::number(which, a, b)));
      };
      y(i, j) = n(bias_, 0, j);
      db(0, j) += n(x_, i, j);
      for (std::size_t k = 0; k < outputs; ++k) {
        y(i, j) += n(dy_, i, k) * n(w_, k, j);
        dx(i, k) += n(x_, i, j) * n(w_, k, j);
        dw(j, k) += n(x_, i, j) * n(dy_, i, k);
      }
    }
  }
  for (const int ranks : {1, 2, 3, 4, 5, 7, 8}) {
    const cut rows = cut::even(tokens, ranks);
    for (const cut& features : feature_cuts(ranks)) {
      rondo::threads::run(ranks, [&](auto& comm) {
        const auto got = row<Tokens>(comm, rows, features, order);
        const auto here = Tokens < 0 ? all(tokens) : held(rows, comm.rank());
        const auto mine = held(features, comm.rank());
        near(got.y, y, here, all(inputs), "y");
        near(got.dx, dx, all(tokens), mine, "dx");
        near(got.dw, dw, all(inputs), mine, "dw");
        near(got.db, db, {0}, all(inputs), "dbias");
        if (one != nullptr) {
          same(got.y, one->y, here, all(inputs), "y's bits");
          same(got.dx, one->dx, all(tokens), mine, "dx's bits");
          same(got.dw, one->dw, all(inputs), mine, "dw's bits");
          same(got.db, one->db, {0}, all(inputs), "dbias's bits");
        }
      });
    }
  }
}

template <class Pass>
results alone(const Pass& pass) {
  results got;
  const cut rows = cut::whole(tokens, 1);
  const cut features = cut::whole(outputs, 1);
  rondo::threads::run(1, [&](auto& comm) { got = pass(comm, rows, features); });
  return got;
}

}  // namespace

TEST_CASE("column_parallel: values and gradients are those of one rank") {
  check_column<-1>(any_order{}, nullptr);
}
TEST_CASE("column_parallel: the same from shards of the rows") {
  check_column<0>(any_order{}, nullptr);
}
TEST_CASE("row_parallel: values and gradients are those of one rank") {
  check_row<-1>(any_order{}, nullptr);
}
TEST_CASE("row_parallel: the same to shards of the rows") { check_row<0>(any_order{}, nullptr); }

TEST_CASE("column_parallel: in exact mode the bits are those of one rank") {
  const auto one = alone([](auto& comm, const cut& rows, const cut& features) {
    return column<-1>(comm, rows, features, by_leaves);
  });
  check_column<-1>(by_leaves, &one);
  check_column<0>(by_leaves, &one);
}

TEST_CASE("row_parallel: in exact mode the bits are those of one rank") {
  const auto one = alone([](auto& comm, const cut& rows, const cut& features) {
    return row<-1>(comm, rows, features, by_leaves);
  });
  check_row<-1>(by_leaves, &one);
  check_row<0>(by_leaves, &one);
}

TEST_CASE("linear: a feature that several ranks hold counts once") {
  // As key/value heads that more ranks than there are heads share; in leaves of two.
  const cut shared{outputs, {{{0, 6}, {20, 2}}, {{4, 16}}, {{0, 22}}, {}}};
  const oracle right;
  std::vector<owned<float>> exactly(2, owned<float>(tokens, inputs));
  for (const bool one_rank : {false, true}) {
    const cut by = one_rank ? cut::even(outputs, 1) : shared;
    rondo::threads::run(by.ranks(), [&](auto& comm) {
      const auto ranks = along<"tensor">(comm);
      const auto own = held(by, comm.rank());
      const auto x = numbers<float>(x_, all(tokens), all(inputs));
      const auto w = numbers<float>(w_, own, all(inputs));
      const auto dy = numbers<float>(dy_, all(tokens), own);
      owned<float> dx(tokens, inputs), dw(own.size(), inputs), leaves_dx(tokens, inputs);
      const rondo::sharded<const float, 1> upstream{dy.view(), by};
      const rondo::replicated<const float> input{x.view()};
      rondo::column_parallel plain{ranks, by, loops::kernels{}};
      rondo::linear_gradients<float> to{dw.view()};
      plain.backward(upstream, input, {w.view()}, rondo::replicated<float>{dx.view()}, to);
      rondo::column_parallel<decltype(ranks), loops::kernels, exact> leaves{
          ranks, by, loops::kernels{}, by_leaves};
      rondo::exact_linear_gradients<float> sums{own.size(), inputs, false};
      leaves.backward(upstream, input, {w.view()}, rondo::replicated<float>{leaves_dx.view()},
                      sums);
      for (std::size_t i = 0; i < tokens * inputs; ++i) {
        expect(std::abs(dx.memory[i] - right.dx.memory[i]) < 1e-4, "dx counts a feature twice");
      }
      for (std::size_t i = 0; i < own.size() * inputs; ++i) {
        expect(std::abs(dw.memory[i] - right.dw(own[i / inputs], i % inputs)) < 1e-4,
               "dw of a shared feature");
      }
      if (comm.rank() == 0) {
        exactly[one_rank ? 1 : 0] = leaves_dx;
      }
    });
  }
  CHECK(exactly[0] == exactly[1]);
}
