// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// The tests of an MLP and of the vocabulary's layers see every mistake that is planted in their
// collectives.
#include "tensor/mutation.hpp"
#include "catch.hpp"
#include "tensor/mlp_case.hpp"

#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

using namespace mlp_case;
using namespace mutation;

namespace {

constexpr auto shows = order_of_ranks::shows;
constexpr auto is_nothing = order_of_ranks::is_nothing;

/// `layer(comm)` on two ranks throws where its values are wrong.
template <class Layer>
void check_layer(std::size_t collectives, order_of_ranks order, const Layer& layer) {
  check(
      collectives, {},
      [&](mistake what, int which) {
        return with_mistake(
            2, what, which, collectives, [&](auto&, auto& wrong) { layer(wrong); },
            [] { return true; });
      },
      order);
}

template <int Rows, class Order>
void check_mlp(Order by, std::size_t collectives, order_of_ranks order) {
  const rondo::pointwise<softplus> activation;
  const auto expected = oracle(activation);
  const cut features = cut::even(d_ff, 2, 2);  // even: nothing but values can tell
  check_layer(collectives, order, [&](auto& comm) {
    near(run<Rows>(comm, features, activation, by), expected, comm, features, Rows);
  });
}

constexpr std::size_t words = 14;
const std::vector<int> ids{3, 13, 0, 3, 7, 9};

void expect_near(double got, double right, const char* what) {
  expect(std::abs(got - right) < 1e-5 * (1 + std::abs(right)), what);
}

/// Both passes of an embedding whose values lie as `Placed`.
template <class Placed, class Comm, class Order>
void embed(Comm& comm, const cut& vocabulary, Order order) {
  constexpr std::size_t features = 3;
  const auto mine = held(vocabulary, comm.rank());
  const cut rows = cut::even(ids.size(), comm.size());
  const auto own = rondo::is_replicated<Placed> ? all(ids.size()) : held(rows, comm.rank());
  const auto placed = [&](owned<float>& of) {
    if constexpr (rondo::is_replicated<Placed>) {
      return Placed{of.view()};
    } else {
      return Placed{of.view(), rows};
    }
  };
  const auto table = numbers<float>(1, mine, all(features));
  const auto dy = numbers<float>(2, own, all(features));
  owned<float> y(own.size(), features), upstream{dy}, dtable(mine.size(), features);
  rondo::vocabulary_embedding words_of{rondo::along<"tensor">(comm), vocabulary, order};
  const std::span<const int> tokens_of{ids};
  words_of.forward(tokens_of, table.view(), placed(y));
  words_of.backward(placed(upstream), tokens_of, dtable.view());
  for (std::size_t j = 0; j < features; ++j) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto word = static_cast<std::size_t>(ids[own[i]]);
      expect_near(y(i, j), loops::number(1, word, j), "the word's row");
    }
    for (std::size_t w = 0; w < mine.size(); ++w) {
      double sum = 0;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        sum += ids[i] == static_cast<int>(mine[w]) ? loops::number(2, i, j) : 0.0;
      }
      expect_near(dtable(w, j), sum, "the gradient of the word's row");
    }
  }
}

/// Both passes of a cross entropy.
template <class Comm, class Order>
void score(Comm& comm, const cut& vocabulary, double smoothing, Order order) {
  const auto mine = held(vocabulary, comm.rank());
  const auto z = numbers<float>(3, all(ids.size()), mine);
  owned<float> dz(z.rows, z.columns);
  std::vector<float> losses(z.rows), dlosses(z.rows, 1.0F);
  const rondo::cross_entropy_options with{.smoothing = smoothing};
  rondo::vocabulary_cross_entropy loss{rondo::along<"tensor">(comm), vocabulary, with, order};
  rondo::cross_entropy_saved saved;
  const rondo::sharded<const float, 1> logits{z.view(), vocabulary};
  const std::span<const int> targets{ids};
  loss.forward(logits, targets, std::span<float>{losses}, saved);
  loss.backward(logits, targets, std::span<const float>{dlosses}, saved,
                rondo::sharded<float, 1>{dz.view(), vocabulary});
  for (std::size_t i = 0; i < z.rows; ++i) {
    double sum = 0;
    for (std::size_t w = 0; w < words; ++w) {
      sum += std::exp(loops::number(3, i, w));
    }
    const auto wanted = [&](std::size_t w) {
      return w == static_cast<std::size_t>(ids[i]) ? 1 - smoothing : smoothing / (words - 1);
    };
    double right = 0;
    for (std::size_t w = 0; w < words; ++w) {
      right -= wanted(w) * (loops::number(3, i, w) - std::log(sum));
    }
    expect_near(losses[i], right, "the loss");
    for (std::size_t j = 0; j < mine.size(); ++j) {
      expect_near(dz(i, j), std::exp(loops::number(3, i, mine[j])) / sum - wanted(mine[j]),
                  "the gradient of a logit");
    }
  }
}

}  // namespace

TEST_CASE("mutation: an MLP") { check_mlp<-1>(any_order{}, 2, is_nothing); }

TEST_CASE("mutation: an MLP with sequence parallelism") { check_mlp<0>(any_order{}, 5, shows); }

TEST_CASE("mutation: an MLP in exact mode") { check_mlp<-1>(by_leaves, 2, shows); }

TEST_CASE("mutation: an embedding") {
  const cut vocabulary = cut::even(words, 2);
  check_layer(1, is_nothing,
              [&](auto& comm) { embed<rondo::replicated<float>>(comm, vocabulary, any_order{}); });
  check_layer(2, shows,
              [&](auto& comm) { embed<rondo::sharded<float, 0>>(comm, vocabulary, any_order{}); });
}

TEST_CASE("mutation: a cross entropy") {
  const cut vocabulary = cut::even(words, 2);
  for (const double smoothing : {0.0, 0.1}) {
    check_layer(2, is_nothing,
                [&](auto& comm) { score(comm, vocabulary, smoothing, any_order{}); });
    const rondo::exact by_pairs{.features = 2, .tokens = 2};  // 4 leaves and 3
    const cut leaves = cut::even(words, 2, by_pairs.features);
    check_layer(2, is_nothing, [&](auto& comm) { score(comm, leaves, smoothing, by_pairs); });
  }
}
