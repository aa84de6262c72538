// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"
#include "tensor/attention_case.hpp"
#include "tensor/experts_case.hpp"
#include "tensor/mlp_case.hpp"

#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/transport/threads/run.hpp>

#include <string>
#include <vector>

// A backward pass is given what a forward pass left and where gradients go; what does not fit it is
// refused before anything is read, written or sent.

using refusals::contains;
using refusals::refusal;
using rondo::cut;
using rondo::matrix;

namespace {

using float_matrix = matrix<float>;

/// One rank's layer over an axis of one rank.
template <class Act>
void alone(const Act& act) {
  rondo::threads::run(1, [&](auto& comm) { act(rondo::along<"tensor">(comm)); });
}

/// Memory enough for any matrix here, so that a missing check writes nowhere else.
struct room {
  std::vector<float> memory = std::vector<float>(256, 0.5F);
  float_matrix of(std::size_t rows, std::size_t columns) { return {memory.data(), rows, columns}; }
};

/// Says what attention refuses: of out, lse and d_out, one has a row less than the tokens.
template <int Dimension, class Attention>
std::string attention_told(Attention& attend, const cut& by, std::size_t out, std::size_t lse,
                           std::size_t d_out) {
  room values, logs, results, upstream, gradients;
  const auto shard = [&](room& in, std::size_t rows) {
    return rondo::sharded<float, Dimension>{in.of(rows, 4), by};
  };
  const auto x = shard(values, 3);
  const auto d = shard(gradients, 3);
  return refusal([&] {
    attend.backward(x, x, x, shard(results, out), logs.of(lse, 2), shard(upstream, d_out), d, d, d);
  });
}

template <int Dimension, class Attention>
void check_attention(Attention attend, const cut& by, const std::string& name) {
  const auto told = [&](std::size_t out, std::size_t lse, std::size_t d_out) {
    return attention_told<Dimension>(attend, by, out, lse, d_out);
  };
  CHECK(contains(told(2, 3, 3), name + ": out: got [2, 4], expected [3, 4]"));
  CHECK(contains(told(3, 2, 3), name + ": lse: got [2, 2], expected [3, 2]"));
  CHECK(contains(told(3, 3, 2), name + ": d_out: got [2, 4], expected [3, 4]"));
  CHECK(told(3, 3, 3).empty());
}

template <class Team, class Order>
auto told_of_linear(const Team& tensor, Order order, bool column) {
  return [=](std::size_t rows, std::size_t columns, std::size_t bias) {
    room x, w, dy, dx, dw, db;
    const cut by = cut::whole(column ? 6 : 4, 1);
    const auto backward = [&](auto& to) {
      const rondo::replicated whole_x{x.of(5, 4)};
      const rondo::replicated whole_dy{dy.of(5, 6)};
      const rondo::linear_weights<float> with{w.of(6, 4)};
      if (column) {
        rondo::column_parallel layer{tensor, by, loops::kernels{}, order};
        layer.backward(rondo::sharded<float, 1>{dy.of(5, 6), by}, whole_x, with,
                       rondo::replicated{dx.of(5, 4)}, to);
      } else {
        rondo::row_parallel layer{tensor, by, loops::kernels{}, order};
        layer.backward(whole_dy, rondo::sharded<float, 1>{x.of(5, 4), by}, with,
                       rondo::sharded<float, 1>{dx.of(5, 4), by}, to);
      }
    };
    return refusal([&] {
      if constexpr (rondo::detail::is_exact<Order>) {
        rondo::exact_linear_gradients<float> to;
        to.weight.restart(rows * columns);
        to.bias.restart(bias);
        backward(to);
      } else {
        const rondo::linear_gradients<float> to{dw.of(rows, columns), {db.memory.data(), bias}};
        backward(to);
      }
    });
  };
}

}  // namespace

TEST_CASE("backward: a linear layer's gradients have the shapes of its weights") {
  alone([](const auto& tensor) {
    for (const bool column : {true, false}) {
      const std::string name = column ? "column_parallel" : "row_parallel";
      const auto told = told_of_linear(tensor, rondo::any_order{}, column);
      CHECK(contains(told(5, 4, 6), name + ": dw: got [5, 4], expected [6, 4]"));
      CHECK(contains(told(6, 3, 6), name + ": dw: got [6, 3], expected [6, 4]"));
      CHECK(contains(told(6, 4, 5), name + ": dbias: a bias of 5 elements for 6 outputs"));
      CHECK(told(6, 4, 6).empty());
      CHECK(told(6, 4, 0).empty());
      const auto exactly = told_of_linear(tensor, rondo::exact{2, 4}, column);
      CHECK(contains(exactly(5, 4, 6), name + ": dw: the tree_sum of rank 0 has 20 elements"));
      CHECK(contains(exactly(6, 4, 7), name + ": dbias: the tree_sum of rank 0 has 7 elements"));
      CHECK(exactly(6, 4, 6).empty());
      CHECK(exactly(6, 4, 0).empty());
    }
  });
}

TEST_CASE("backward: an mlp takes what the forward pass of these tokens saved, and nothing else") {
  alone([](const auto& tensor) {
    rondo::mlp block{tensor, cut::whole(6, 1), loops::kernels{},
                     rondo::pointwise{mlp_case::softplus{}}};
    room x, up, down, y, dy, dx, d_up, d_down;
    const rondo::mlp_weights<float> with{.up = {up.of(6, 4)}, .down = {down.of(4, 6)}};
    const rondo::mlp_gradients<float> to{.up = {d_up.of(6, 4)}, .down = {d_down.of(4, 6)}};
    rondo::mlp_saved<float> saved;
    const auto told = [&](std::size_t tokens) {
      return refusal([&] {
        block.backward(rondo::replicated{dy.of(tokens, 4)}, rondo::replicated{x.of(tokens, 4)},
                       with, saved, rondo::replicated{dx.of(tokens, 4)}, to);
      });
    };
    CHECK(contains(told(3), "mlp: saved.hidden: got 0 elements, expected the 18 that"));
    block.forward(rondo::replicated{x.of(3, 4)}, with, saved, rondo::replicated{y.of(3, 4)});
    CHECK(contains(told(2), "mlp: saved.hidden: got 18 elements, expected the 12 that"));
    CHECK(told(3).empty());
    saved.active.clear();
    CHECK(contains(told(3), "mlp: saved.active: got 0 elements, expected the 18 that"));
  });
}

TEST_CASE("backward: attention takes out, lse and d_out of its own tokens") {
  const rondo::attention_heads heads{2, 2, 2};
  constexpr attention::loops kernels;
  alone([&](const auto& tensor) {
    const cut tokens = cut::whole(3, 1);
    const cut columns = cut::whole(4, 1);
    check_attention<1>(rondo::head_attention{tensor, heads, kernels}, columns, "head_attention");
    check_attention<0>(rondo::gathered_attention{tensor, tokens, heads, kernels}, tokens,
                       "gathered_attention");
    check_attention<0>(rondo::ring_attention{tensor, tokens, heads, kernels}, tokens,
                       "ring_attention");
  });
}

TEST_CASE("backward: experts take gradients of the width that went forward") {
  std::string wide, fresh;
  rondo::threads::run(1, [&](auto& comm) {
    room x, grad, gate;
    std::vector<float> w(4), dw(4);
    std::vector<int> calls(2), expert{1};
    const cut one = cut::whole(1, 1);
    rondo::expert_parallel experts{rondo::along<"expert">(comm), one, 2, 0,
                                   experts_case::squares{&w, &dw, &calls}};
    const auto rows = [&](room& in, std::size_t width) {
      return rondo::sharded<float, 0, "expert">{in.of(1, width), one};
    };
    rondo::expert_pass<float> pass;
    const auto backward = [&](std::size_t width) {
      experts.backward(pass, rows(grad, width), rows(grad, width), gate.of(1, 1));
    };
    fresh = refusal([&] { backward(2); });
    experts.forward(pass, rows(x, 2), rondo::routing<float>{{expert.data(), 1, 1}, {gate.of(1, 1)}},
                    rows(x, 2));
    wide = refusal([&] { backward(8); });
    backward(2);
  });
  CHECK(contains(fresh, "expert_parallel: dy: got [1, 2], expected [1, 0]"));
  CHECK(contains(wide, "expert_parallel: dy: got [1, 8], expected [1, 2]"));
}
