// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "kernels.hpp"
#include "splits.hpp"
#include "weight.hpp"

#include <rondo/tensor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tensor_example {

/// A GPT-style network of one block: embedding; attention with grouped heads; a gated MLP; the loss
/// over the vocabulary. Every layer in exact mode.
template <class Comm>
class gpt {
 public:
  /// Its dimensions by name, for layout rules: a head is one of keys and values with its queries,
  /// and a gated unit the sum of its two halves, which moves and keeps as much as their product.
  static rondo::blueprint described() {
    rondo::blueprint net;
    const std::string model = named("d_model", d);
    const std::string head = named("heads", sizes::heads.key_value);
    const std::string group = named("group", sizes::heads.group());
    const std::string width = named("width", sizes::heads.width);
    const std::string of_head = model + ", " + head + ", " + width;
    const std::string of_group = model + ", " + head + ", " + group + ", " + width;
    const auto x0 = describe_words(net);
    const auto h1 = net.map("h1", {x0});
    const auto q =
        net.einsum("q", h1, net.parameter("wq", of_group), "batch, length, heads, group, width");
    const auto k = net.einsum("k", h1, net.parameter("wk", of_head), "batch, length, heads, width");
    const auto v = net.einsum("v", h1, net.parameter("wv", of_head), "batch, length, heads, width");
    const auto scores = net.einsum("scores", q, net.rename("keys", k, "length:seen"),
                                   "batch, heads, group, length, seen");
    const auto read =
        net.einsum("read", net.softmax("shares", scores, "seen"),
                   net.rename("values", v, "length:seen"), "batch, length, heads, group, width");
    const auto x1 = net.add(
        "x1", x0,
        net.einsum("attended", read, net.parameter("wo", of_group), "batch, length, d_model"));
    const auto both =
        net.einsum("both", net.map("h2", {x1}),
                   net.parameter("up", "gate_up:2, " + named("d_ff", sizes::d_ff) + ", " + model),
                   "batch, length, gate_up, d_ff");
    const auto inner = net.reduce("inner", both, "batch, length, d_ff");
    const auto x2 = net.add(
        "x2", x1,
        net.einsum("fed", inner, net.parameter("down", named("d_ff", sizes::d_ff) + ", " + model),
                   "batch, length, d_model"));
    describe_loss(net, net.map("h3", {x2}));
    return net;
  }

  explicit gpt(const splits<Comm>& on)
      : on_{on},
        words_{on.vocabulary, on.vocabulary_cut, by_tokens},
        qkv_{on.heads, rondo::head_split{sizes::heads, on.heads.size()}.fused_columns(), products{},
             rondo::exact{sizes::heads.width, sizes::length}},
        attend_{on.heads, sizes::heads, attention{}, rondo::visibility::causal, rondo::exact{}},
        out_{on.heads, attend_.query_columns(), products{},
             rondo::exact{sizes::heads.width, sizes::length}},
        mlp_{on.d_ff, on.d_ff_cut, products{}, rondo::gated{silu{}},
             rondo::exact{4, sizes::length}},
        logits_{on.vocabulary, on.vocabulary_cut, products{}, by_tokens},
        loss_{on.vocabulary,
              on.vocabulary_cut,
              {.smoothing = sizes::smoothing, .words = sizes::words},
              by_tokens},
        table_{1, sizes::vocabulary, d, 0, on.vocabulary_cut, on.vocabulary.rank()},
        qkv_weight_{2, qkv_.features().extent(), d, 0, qkv_.features(), on.heads.rank()},
        out_weight_{
            3, d, sizes::heads.query_columns(), 1, attend_.query_columns(), on.heads.rank()},
        up_{4, 2 * sizes::d_ff, d, 0, mlp_.hidden(), on.d_ff.rank()},
        down_{5, d, sizes::d_ff, 1, on.d_ff_cut, on.d_ff.rank()},
        output_{6, sizes::vocabulary, d, 0, on.vocabulary_cut, on.vocabulary.rank()},
        table_gradient_{table_.rows(), d},
        qkv_gradient_{qkv_weight_.rows(), d, false},
        out_gradient_{d, out_weight_.columns(), false},
        mlp_gradients_{{up_.rows(), d, false}, {d, down_.columns(), false}},
        output_gradient_{output_.rows(), d, false} {}

  /// Both passes over this data rank's tokens, the first of which is `first_token` of the batch.
  /// Writes each token's loss.
  void pass(std::span<const int> tokens, std::span<const int> targets, std::size_t first_token,
            std::span<float> losses) {
    const std::size_t n = tokens.size();
    for (auto* one : {&x0_, &x1_, &x2_, &h1_, &h2_, &h3_, &branch_, &dx_, &dh_}) {
      one->resize(n * d);
    }
    const auto view = [&](std::vector<float>& of) { return matrix<float>{of.data(), n, d}; };
    const auto whole = [&](std::vector<float>& of) { return replicated{view(of)}; };

    words_.forward(tokens, table_.view(), whole(x0_));
    add_positions(view(x0_));

    normalise(view(x0_), view(h1_));
    const auto fused = sized(qkv_out_, n, qkv_.features(), on_.heads);
    qkv_.forward(whole(h1_), {qkv_weight_.view()}, shard{fused, qkv_.features()});
    const auto heads = sized(heads_out_, n, attend_.query_columns(), on_.heads);
    lse_.resize(n * own_heads());
    each_sequence(n, [&](part rows) {
      const auto [q, k, v] = cut_fused(fused.rows_at(rows));
      attend_.forward(q, k, v, shard{heads.rows_at(rows), attend_.query_columns()}, logs(rows));
    });
    out_.forward(shard{heads, attend_.query_columns()}, {out_weight_.view()}, whole(branch_));
    x1_ = x0_;
    add(view(branch_), view(x1_));

    normalise(view(x1_), view(h2_));
    mlp_.forward(whole(h2_), {{up_.view()}, {down_.view()}}, mlp_saved_, whole(branch_));
    x2_ = x1_;
    add(view(branch_), view(x2_));

    normalise(view(x2_), view(h3_));
    const auto z = sized(logits_out_, n, logits_.features(), on_.vocabulary);
    logits_.forward(whole(h3_), {output_.view()}, shard{z, logits_.features()});
    loss_.forward(shard{z, logits_.features()}, targets, losses, loss_saved_);

    for (auto* one : {&qkv_gradient_, &out_gradient_, &mlp_gradients_.up, &mlp_gradients_.down,
                      &output_gradient_}) {
      one->restart(first_token);
    }
    table_gradient_.restart(first_token);

    const std::vector<float> d_losses(n, 1.0F / (sizes::batch * sizes::length));
    const auto dz = sized(d_logits_, n, logits_.features(), on_.vocabulary);
    loss_.backward(shard{z, logits_.features()}, targets, std::span<const float>{d_losses},
                   loss_saved_, shard{dz, logits_.features()});
    logits_.backward(shard{dz, logits_.features()}, whole(h3_), {output_.view()}, whole(dh_),
                     output_gradient_);
    std::fill(dx_.begin(), dx_.end(), 0.0F);
    normalise_back(view(x2_), view(dh_), view(dx_));  // dx: the gradient of the residual stream

    mlp_.backward(whole(dx_), whole(h2_), {{up_.view()}, {down_.view()}}, mlp_saved_, whole(dh_),
                  mlp_gradients_);
    normalise_back(view(x1_), view(dh_), view(dx_));

    const auto d_heads = sized(d_heads_, n, attend_.query_columns(), on_.heads);
    out_.backward(whole(dx_), shard{heads, attend_.query_columns()}, {out_weight_.view()},
                  shard{d_heads, attend_.query_columns()}, out_gradient_);
    const auto d_fused = sized(d_qkv_, n, qkv_.features(), on_.heads);
    each_sequence(n, [&](part rows) {
      const auto [q, k, v] = cut_fused(fused.rows_at(rows));
      const auto [dq, dk, dv] = cut_fused(d_fused.rows_at(rows));
      attend_.backward(q, k, v, shard{heads.rows_at(rows), attend_.query_columns()}, logs(rows),
                       shard{d_heads.rows_at(rows), attend_.query_columns()}, dq, dk, dv);
    });
    qkv_.backward(shard{d_fused, qkv_.features()}, whole(h1_), {qkv_weight_.view()}, whole(dh_),
                  qkv_gradient_);
    normalise_back(view(x0_), view(dh_), view(dx_));
    words_.backward(whole(dx_), tokens, table_gradient_);
  }

  /// Every weight learns from all data ranks' gradients.
  void learn(rondo::tree_exchange& tree, int step) {
    table_.learn(on_.batch, tree, table_gradient_.table, step);
    qkv_weight_.learn(on_.batch, tree, qkv_gradient_.weight, step);
    out_weight_.learn(on_.batch, tree, out_gradient_.weight, step);
    up_.learn(on_.batch, tree, mlp_gradients_.up.weight, step);
    down_.learn(on_.batch, tree, mlp_gradients_.down.weight, step);
    output_.learn(on_.batch, tree, output_gradient_.weight, step);
  }

  /// This rank's shards.
  [[nodiscard]] std::array<const weight*, 6> weights() const {
    return {&table_, &qkv_weight_, &out_weight_, &up_, &down_, &output_};
  }

  /// A number for the bits of all weights, the same on every rank.
  [[nodiscard]] std::uint64_t hash() {
    const auto over = [](auto& ranks, std::uint64_t own) {
      std::vector<std::uint64_t> sum{own};
      rondo::all_reduce(ranks.comm(), sum);
      return sum[0];
    };
    return over(on_.vocabulary, table_.hash() + output_.hash()) +
           over(on_.heads, qkv_weight_.hash() + out_weight_.hash()) +
           over(on_.d_ff, up_.hash() + down_.hash());
  }

 private:
  static constexpr std::size_t d = sizes::d_model;
  static constexpr rondo::exact by_tokens{11, sizes::length};

  using team = typename splits<Comm>::team;
  using part = rondo::part;
  using replicated = rondo::replicated<float, "tensor">;
  using shard = rondo::sharded<float, 1, "tensor">;

  static matrix<float> sized(std::vector<float>& memory, std::size_t rows, const cut& by,
                             const team& ranks) {
    const std::size_t width = by.width(ranks.rank());
    memory.resize(rows * width);
    return {memory.data(), rows, width};
  }
  [[nodiscard]] std::size_t own_heads() const {
    return attend_.split().query().width(on_.heads.rank());
  }
  [[nodiscard]] matrix<float> logs(part rows) {
    return matrix<float>{lse_.data(), lse_.size() / (own_heads() + (own_heads() == 0)), own_heads()}
        .rows_at(rows);
  }

  /// The query, key and value of a fused [query; key; value].
  struct three {
    shard query, key, value;
  };
  [[nodiscard]] three cut_fused(matrix<float> fused) const {
    const std::size_t q = attend_.query_columns().width(on_.heads.rank());
    const std::size_t k = attend_.key_value_columns().width(on_.heads.rank());
    return {{fused.columns_at({0, q}), attend_.query_columns()},
            {fused.columns_at({q, k}), attend_.key_value_columns()},
            {fused.columns_at({q + k, k}), attend_.key_value_columns()}};
  }

  template <class Act>
  static void each_sequence(std::size_t tokens, const Act& act) {
    for (std::size_t first = 0; first < tokens; first += sizes::length) {
      act(part{first, sizes::length});
    }
  }

  static void add_positions(matrix<float> x) {
    for (std::size_t row = 0; row < x.rows; ++row) {
      for (std::size_t i = 0; i < d; ++i) {
        x(row, i) += place_in_sequence(row % sizes::length, i, d);
      }
    }
  }

  splits<Comm> on_;
  rondo::vocabulary_embedding<team, rondo::exact> words_;
  rondo::column_parallel<team, products, rondo::exact> qkv_;
  rondo::head_attention<team, attention, rondo::exact> attend_;
  rondo::row_parallel<team, products, rondo::exact> out_;
  rondo::mlp<team, products, rondo::gated<silu>, rondo::exact> mlp_;
  rondo::column_parallel<team, products, rondo::exact> logits_;
  rondo::vocabulary_cross_entropy<team, rondo::exact> loss_;
  weight table_, qkv_weight_, out_weight_, up_, down_, output_;
  rondo::exact_table_gradient<float> table_gradient_;
  rondo::exact_linear_gradients<float> qkv_gradient_, out_gradient_;
  rondo::exact_mlp_gradients<float> mlp_gradients_;
  rondo::exact_linear_gradients<float> output_gradient_;
  rondo::mlp_saved<float> mlp_saved_;
  rondo::cross_entropy_saved<> loss_saved_;
  std::vector<float> x0_, x1_, x2_, h1_, h2_, h3_, branch_, dx_, dh_;
  std::vector<float> qkv_out_, heads_out_, lse_, logits_out_;
  std::vector<float> d_qkv_, d_heads_, d_logits_;
};

}  // namespace tensor_example
