// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "kernels.hpp"
#include "splits.hpp"
#include "weight.hpp"

#include <rondo/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tensor_example {

/// A network of three layers that guesses each byte from the one before: a column-parallel and a
/// row-parallel layer with d_ff between them, and the words of the vocabulary.
template <class Comm>
class three_layers {
 public:
  /// Its dimensions by name, for layout rules.
  static rondo::blueprint described() {
    rondo::blueprint net;
    const std::string weight = named("d_ff", sizes::d_ff) + ", " + named("d_model", d);
    const auto x = describe_words(net);
    const auto hidden =
        net.einsum("hidden", x, net.parameter("first", weight), "batch, length, d_ff");
    const auto y = net.einsum("y", net.map("active", {hidden}), net.parameter("second", weight),
                              "batch, length, d_model");
    describe_loss(net, y);
    return net;
  }

  explicit three_layers(const splits<Comm>& on)
      : on_{on},
        words_{on.vocabulary, on.vocabulary_cut, by_words},
        first_{on.d_ff, on.d_ff_cut, products{}, by_features},
        second_{on.d_ff, on.d_ff_cut, products{}, by_features},
        third_{on.vocabulary, on.vocabulary_cut, products{}, by_words},
        loss_{on.vocabulary, on.vocabulary_cut, {.words = sizes::words}, by_words},
        table_{1, sizes::vocabulary, d, 0, on.vocabulary_cut, on.vocabulary.rank()},
        first_weight_{2, sizes::d_ff, d, 0, on.d_ff_cut, on.d_ff.rank()},
        second_weight_{3, d, sizes::d_ff, 1, on.d_ff_cut, on.d_ff.rank()},
        third_weight_{4, sizes::vocabulary, d, 0, on.vocabulary_cut, on.vocabulary.rank()},
        table_gradient_{table_.rows(), d},
        first_gradient_{first_weight_.rows(), d, false},
        second_gradient_{d, second_weight_.columns(), false},
        third_gradient_{third_weight_.rows(), d, false} {}

  void pass(std::span<const int> tokens, std::span<const int> targets, std::size_t first_token,
            std::span<float> losses) {
    const std::size_t n = tokens.size();
    for (auto* one : {&x_, &y_, &dx_, &dy_}) {
      one->resize(n * d);
    }
    const auto whole = [&](std::vector<float>& of) {
      return replicated{matrix<float>{of.data(), n, d}};
    };
    const auto ff = [&](std::vector<float>& of) {
      return split(of, n, first_.features(), on_.d_ff);
    };
    const auto vocabulary = [&](std::vector<float>& of) {
      return split(of, n, third_.features(), on_.vocabulary);
    };

    words_.forward(tokens, table_.view(), whole(x_));
    first_.forward(whole(x_), {first_weight_.view()}, ff(hidden_));
    const rondo::pointwise<silu> activation;
    activation.forward<float>(ff(hidden_).values, ff(active_).values);
    second_.forward(ff(active_), {second_weight_.view()}, whole(y_));
    third_.forward(whole(y_), {third_weight_.view()}, vocabulary(logits_));
    loss_.forward(vocabulary(logits_), targets, losses, saved_);

    for (auto* one : {&first_gradient_, &second_gradient_, &third_gradient_}) {
      one->restart(first_token);
    }
    table_gradient_.restart(first_token);
    const std::vector<float> d_losses(n, 1.0F / (sizes::batch * sizes::length));
    loss_.backward(vocabulary(logits_), targets, std::span<const float>{d_losses}, saved_,
                   vocabulary(d_logits_));
    third_.backward(vocabulary(d_logits_), whole(y_), {third_weight_.view()}, whole(dy_),
                    third_gradient_);
    second_.backward(whole(dy_), ff(active_), {second_weight_.view()}, ff(d_active_),
                     second_gradient_);
    activation.backward<float>(ff(hidden_).values, ff(d_active_).values, ff(d_hidden_).values);
    first_.backward(ff(d_hidden_), whole(x_), {first_weight_.view()}, whole(dx_), first_gradient_);
    words_.backward(whole(dx_), tokens, table_gradient_);
  }

  void learn(rondo::tree_exchange& tree, int step) {
    table_.learn(on_.batch, tree, table_gradient_.table, step);
    first_weight_.learn(on_.batch, tree, first_gradient_.weight, step);
    second_weight_.learn(on_.batch, tree, second_gradient_.weight, step);
    third_weight_.learn(on_.batch, tree, third_gradient_.weight, step);
  }

  [[nodiscard]] std::uint64_t hash() {
    const auto over = [](auto& ranks, std::uint64_t own) {
      std::vector<std::uint64_t> sum{own};
      rondo::all_reduce(ranks.comm(), sum);
      return sum[0];
    };
    return over(on_.vocabulary, table_.hash() + third_weight_.hash()) +
           over(on_.d_ff, first_weight_.hash() + second_weight_.hash());
  }

 private:
  static constexpr std::size_t d = sizes::d_model;
  static constexpr rondo::exact by_words{11, sizes::length};
  static constexpr rondo::exact by_features{4, sizes::length};

  using team = typename splits<Comm>::team;
  using replicated = rondo::replicated<float, "tensor">;
  using shard = rondo::sharded<float, 1, "tensor">;

  static shard split(std::vector<float>& memory, std::size_t rows, const cut& by,
                     const team& ranks) {
    memory.resize(rows * by.width(ranks.rank()));
    return {{memory.data(), rows, by.width(ranks.rank())}, by};
  }

  splits<Comm> on_;
  rondo::vocabulary_embedding<team, rondo::exact> words_;
  rondo::column_parallel<team, products, rondo::exact> first_;
  rondo::row_parallel<team, products, rondo::exact> second_;
  rondo::column_parallel<team, products, rondo::exact> third_;
  rondo::vocabulary_cross_entropy<team, rondo::exact> loss_;
  weight table_, first_weight_, second_weight_, third_weight_;
  rondo::exact_table_gradient<float> table_gradient_;
  rondo::exact_linear_gradients<float> first_gradient_, second_gradient_, third_gradient_;
  rondo::cross_entropy_saved<> saved_;
  std::vector<float> x_, y_, dx_, dy_, hidden_, active_, d_hidden_, d_active_, logits_, d_logits_;
};

}  // namespace tensor_example
