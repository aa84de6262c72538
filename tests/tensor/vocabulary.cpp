// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"
#include "tensor/loops.hpp"

#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>
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
using refusals::refusal;
using rondo::along;
using rondo::any_order;
using rondo::cross_entropy_options;
using rondo::cut;
using rondo::exact;
using rondo::matrix;
using rondo::testing::expect;

template <class T>
struct scored {
  std::vector<T> losses;
  owned<T> dlogits;
};

/// Losses and gradients on one rank, in double: softmax over the words, then the definition.
scored<double> oracle(const owned<double>& z, const std::vector<int>& targets, double smoothing,
                      std::size_t words) {
  scored<double> got{{}, {z.rows, z.columns}};
  for (std::size_t i = 0; i < z.rows; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < words; ++j) {
      sum += std::exp(z(i, j));
    }
    double loss = 0;
    const auto target = static_cast<std::size_t>(targets[i]);
    for (std::size_t j = 0; j < words; ++j) {
      const double spread = words > 1 ? smoothing / static_cast<double>(words - 1) : 0.0;
      const double wanted = j == target ? 1 - smoothing : spread;
      loss -= wanted * (z(i, j) - std::log(sum));
      got.dlogits(i, j) = (std::exp(z(i, j)) / sum - wanted) * (1.0 + static_cast<double>(i));
    }
    got.losses.push_back(loss);
  }
  return got;
}

/// One rank's part of the same.
template <class T, class Order>
scored<T> score(auto& comm, const owned<double>& z, const std::vector<int>& targets,
                cross_entropy_options with, const cut& vocabulary, Order order) {
  const auto mine = held(vocabulary, comm.rank());
  owned<T> logits(z.rows, mine.size());
  for (std::size_t i = 0; i < z.rows; ++i) {
    for (std::size_t j = 0; j < mine.size(); ++j) {
      logits(i, j) = static_cast<T>(z(i, mine[j]));
    }
  }
  scored<T> got{std::vector<T>(z.rows), {z.rows, mine.size()}};
  std::vector<T> dlosses;
  for (std::size_t i = 0; i < z.rows; ++i) {
    dlosses.push_back(static_cast<T>(1 + i));
  }
  rondo::vocabulary_cross_entropy loss{along<"tensor">(comm), vocabulary, with, order};
  rondo::cross_entropy_saved saved;
  const rondo::sharded<T, 1> placed{logits.view(), vocabulary};
  const rondo::sharded<T, 1> gradient{got.dlogits.view(), vocabulary};
  loss.forward(placed, std::span<const int>{targets}, std::span<T>{got.losses}, saved);
  loss.backward(placed, std::span<const int>{targets}, std::span<const T>{dlosses}, saved,
                gradient);
  return got;
}

owned<double> one_row(std::vector<double> values) {
  owned<double> made(1, values.size());
  made.memory = std::move(values);
  return made;
}

std::vector<cut> vocabulary_cuts(std::size_t extent, int ranks, std::size_t granule) {
  std::vector<std::size_t> uneven(static_cast<std::size_t>(ranks), 0);
  uneven.back() = granule;
  uneven.front() += extent - granule;
  return {cut::even(extent, ranks, granule), cut::widths(uneven)};
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

}  // namespace

TEST_CASE("cross_entropy: published values, for every split") {
  // NVIDIA/Megatron-LM issue 7452.
  const auto z = one_row({0, 1, 2, 3});
  for (const int ranks : {1, 2, 3, 4}) {
    const cut vocabulary = cut::even(4, ranks);
    rondo::threads::run(ranks, [&](auto& comm) {
      const auto plain = score<double>(comm, z, {3}, {}, vocabulary, any_order{});
      expect(std::abs(plain.losses[0] - 0.4401896985611952) < 1e-15, "the loss");
      const double published[] = {0.032059, 0.087144, 0.236883, -0.356086};
      for (std::size_t j = 0; j < vocabulary.width(comm.rank()); ++j) {
        expect(std::abs(plain.dlogits(0, j) - published[vocabulary.global(comm.rank(), j)]) < 5e-7,
               "the gradient");
      }
      const auto smooth = score<double>(comm, z, {3}, {.smoothing = 0.1}, vocabulary, any_order{});
      expect(std::abs(smooth.losses[0] - 0.6401896985611952) < 1e-15, "the smoothed loss");
    });
  }
}

TEST_CASE("cross_entropy: the wrong values of known mistakes are other values") {
  // What Megatron-LM issue 7452 reports: each mistake, computed here as it is made there.
  const double log_sum = std::log(1 + std::exp(1.0) + std::exp(2.0) + std::exp(3.0));
  const double right = log_sum - 3;
  // Gathered logits taken for shards: every word is counted once per rank.
  CHECK(right + std::log(2.0) == Approx(1.1333368791211402).epsilon(1e-15));
  // Smoothing with the vocabulary and the mean of the shard alone.
  const double u = 0.1 * 2 / (2 - 1);
  const auto local = [&](double a, double b) {
    return (1 - u) * right - u * ((a + b) / 2 - log_sum);
  };
  CHECK(local(0, 1) == Approx(0.9401896985611953).epsilon(1e-15));
  CHECK(local(2, 3) == Approx(0.5401896985611953).epsilon(1e-15));
  // Padding that is zero, not minus infinity: the loss changes with the padding.
  rondo::threads::run(2, [&](auto& comm) {
    const cut vocabulary = cut::even(8, 2);
    const auto z = one_row({0, 1, 2, 3, 0, 0, 0, 0});
    const auto masked = score<double>(comm, z, {3}, {.words = 4}, vocabulary, any_order{});
    expect(std::abs(masked.losses[0] - right) < 1e-15, "padding does not count");
    const auto counted = score<double>(comm, z, {3}, {}, vocabulary, any_order{});
    expect(std::abs(counted.losses[0] - right) > 0.1, "zeros do");
    for (std::size_t j = 0; comm.rank() == 1 && j < 4; ++j) {
      expect(masked.dlogits(0, j) == 0.0, "padding gets no gradient");
    }
  });
}

TEST_CASE("cross_entropy: losses and gradients are those of one rank") {
  constexpr std::size_t words = 21;
  const auto narrow = numbers<double>(7, all(5), all(24));
  owned<double> z = narrow;
  for (double& value : z.memory) {
    value *= 8;
  }
  const std::vector<int> targets{0, 20, 7, 13, 7};
  for (const double smoothing : {0.0, 0.1}) {
    const auto expected = oracle(z, targets, smoothing, words);
    scored<float> one;
    rondo::threads::run(1, [&](auto& comm) {
      one = score<float>(comm, z, targets, {smoothing, words}, cut::whole(24, 1), exact{3, 1});
    });
    for (const int ranks : {1, 2, 3, 4, 5, 7, 8}) {
      for (const cut& vocabulary : vocabulary_cuts(24, ranks, 3)) {
        rondo::threads::run(ranks, [&](auto& comm) {
          const auto mine = held(vocabulary, comm.rank());
          const auto got =
              score<double>(comm, z, targets, {smoothing, words}, vocabulary, any_order{});
          const auto bits =
              score<float>(comm, z, targets, {smoothing, words}, vocabulary, exact{3, 1});
          for (std::size_t i = 0; i < targets.size(); ++i) {
            expect(std::abs(got.losses[i] - expected.losses[i]) < 1e-13, "loss");
            expect(std::abs(bits.losses[i] - expected.losses[i]) < 1e-5, "loss in float");
            expect(same_bits(bits.losses[i], one.losses[i]), "the loss's bits");
            for (std::size_t j = 0; j < mine.size(); ++j) {
              expect(std::abs(got.dlogits(i, j) - expected.dlogits(i, mine[j])) < 1e-13, "dz");
              expect(same_bits(bits.dlogits(i, j), one.dlogits(i, mine[j])), "dz's bits");
            }
          }
        });
      }
    }
  }
}

TEST_CASE("cross_entropy: huge and tiny logits neither overflow nor lose the target") {
  const auto z = one_row({-1e4, 1e4, 0, 5e3});
  rondo::threads::run(2, [&](auto& comm) {
    const auto got = score<double>(comm, z, {0}, {}, cut::even(4, 2), any_order{});
    expect(got.losses[0] == 2e4, "the loss is the distance to the largest");
  });
}

TEST_CASE("cross_entropy: what is no word is refused") {
  rondo::threads::run(1, [](auto& comm) {
    const auto z = one_row({0, 0, 0});
    const auto with = [&](int target, cross_entropy_options options) {
      return refusal(
          [&] { score<double>(comm, z, {target}, options, cut::whole(3, 1), any_order{}); });
    };
    expect(with(2, {.words = 2}).find("target 2 at position 0 of 2 words") != std::string::npos,
           "padding as target");
    expect(with(-1, {}).find("target -1") != std::string::npos, "a negative target");
    expect(with(0, {.words = 4}).find("4 words of a vocabulary of 3") != std::string::npos,
           "more words than columns");
    expect(with(0, {.smoothing = 1.0}).find("smoothing") != std::string::npos, "smoothing");
  });
}

TEST_CASE("cross_entropy: a vocabulary cut for other ranks, or held twice, is refused") {
  rondo::threads::run(2, [](auto& comm) {
    const auto with = [&](const cut& words, auto order) {
      return refusals::argument_refusal([&] {
        return rondo::vocabulary_cross_entropy{along<"tensor">(comm), words,
                                               cross_entropy_options{}, order};
      });
    };
    for (const cut& words : {cut::even(8, 1), cut::even(8, 4)}) {
      for (const std::string& said :
           {with(words, any_order{}), with(words, exact{.features = 2})}) {
        expect(said.find("ranks, but the axis has 2") != std::string::npos, "other ranks");
      }
    }
    expect(with(cut::whole(8, 2), any_order{}).find("the same indices") != std::string::npos,
           "words that two ranks hold count twice");
    expect(with(cut::whole(8, 2), exact{.features = 2}) != "", "nor in exact mode");
    expect(with(cut::even(8, 2, 8), exact{.features = ~std::size_t{0}}).empty(),
           "a leaf of any length holds all");
  });
}

namespace {

struct looked_up {
  owned<float> y;
  owned<float> dtable;
};

template <int Rows, class Order>
looked_up look_up(auto& comm, const std::vector<int>& tokens, const cut& vocabulary,
                  std::size_t features, Order order) {
  const cut rows = cut::even(tokens.size(), comm.size());
  const auto mine = held(vocabulary, comm.rank());
  const auto here = Rows < 0 ? all(tokens.size()) : held(rows, comm.rank());
  const auto table = numbers<float>(1, mine, all(features));
  auto dy = numbers<float>(2, here, all(features));
  looked_up got{{here.size(), features}, {mine.size(), features}};
  const auto placed = [&](owned<float>& of) {
    if constexpr (Rows < 0) {
      return rondo::replicated<float>{of.view()};
    } else {
      return rondo::sharded<float, 0>{of.view(), rows};
    }
  };
  rondo::vocabulary_embedding words{along<"tensor">(comm), vocabulary, order};
  words.forward(std::span<const int>{tokens}, table.view(), placed(got.y));
  if constexpr (rondo::detail::is_exact<Order>) {
    rondo::exact_table_gradient<float> sums{mine.size(), features};
    words.backward(placed(dy), std::span<const int>{tokens}, sums);
    rondo::tree_exchange alone{cut::whole((tokens.size() + order.tokens - 1) / order.tokens, 1)};
    const auto& nodes = sums.table.nodes();
    std::vector<float> total(nodes.back().value, nodes.back().value + got.dtable.memory.size());
    for (std::size_t n = nodes.size() - 1; n-- > 0;) {
      for (std::size_t i = 0; i < total.size(); ++i) {
        total[i] = nodes[n].value[i] + total[i];
      }
    }
    got.dtable.memory = total;
  } else {
    words.backward(placed(dy), std::span<const int>{tokens}, got.dtable.view());
  }
  return got;
}

}  // namespace

TEST_CASE("vocabulary: padded as Megatron-LM pads those of GPT-2 and BERT") {
  constexpr std::size_t gpt[] = {50304, 50432, 50688, 51200};
  constexpr std::size_t bert[] = {30592, 30720, 30720, 30720};
  for (int power = 0; power < 4; ++power) {
    CHECK(rondo::padded_vocabulary(50257, 1 << power) == gpt[power]);
    CHECK(rondo::padded_vocabulary(30522, 1 << power) == bert[power]);
  }
  CHECK_THROWS_WITH(rondo::padded_vocabulary(50257, 0),
                    Catch::Matchers::ContainsSubstring("padded_vocabulary: for 0 ranks"));
  CHECK_THROWS_WITH(rondo::padded_vocabulary(50257, 2, 0),
                    Catch::Matchers::ContainsSubstring("by granules of 0"));
}

TEST_CASE("vocabulary_embedding: rows and gradients are those of one rank") {
  constexpr std::size_t features = 3;
  const std::vector<int> tokens{3, 0, 10, 3, 7, 7, 3};
  owned<double> dtable(11, features);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      dtable(static_cast<std::size_t>(tokens[i]), j) +=
          static_cast<double>(static_cast<float>(loops::number(2, i, j)));
    }
  }
  looked_up one;
  rondo::threads::run(1, [&](auto& comm) {
    one = look_up<-1>(comm, tokens, cut::whole(11, 1), features, exact{1, 2});
  });
  for (const int ranks : {1, 2, 3, 5, 8}) {
    for (const cut& vocabulary : vocabulary_cuts(11, ranks, 1)) {
      rondo::threads::run(ranks, [&](auto& comm) {
        const auto check = [&](const looked_up& got, const std::vector<std::size_t>& here,
                               bool bits) {
          const auto mine = held(vocabulary, comm.rank());
          for (std::size_t i = 0; i < here.size(); ++i) {
            for (std::size_t j = 0; j < features; ++j) {
              const auto token = static_cast<std::size_t>(tokens[here[i]]);
              expect(got.y(i, j) == static_cast<float>(loops::number(1, token, j)), "a row");
            }
          }
          for (std::size_t i = 0; i < mine.size(); ++i) {
            for (std::size_t j = 0; j < features; ++j) {
              expect(std::abs(got.dtable(i, j) - dtable(mine[i], j)) < 1e-6, "the gradient");
              expect(!bits || same_bits(got.dtable(i, j), one.dtable(mine[i], j)), "its bits");
            }
          }
        };
        const auto whole = all(tokens.size());
        const auto here = held(cut::even(tokens.size(), ranks), comm.rank());
        check(look_up<-1>(comm, tokens, vocabulary, features, any_order{}), whole, false);
        check(look_up<0>(comm, tokens, vocabulary, features, any_order{}), here, false);
        check(look_up<-1>(comm, tokens, vocabulary, features, exact{1, 2}), whole, true);
        check(look_up<0>(comm, tokens, vocabulary, features, exact{1, 2}), here, true);
      });
    }
  }
}

TEST_CASE("vocabulary_embedding: a token outside the vocabulary is refused") {
  rondo::threads::run(1, [](auto& comm) {
    for (const int token : {-1, 4}) {
      expect(refusal([&] {
               look_up<-1>(comm, {0, token}, cut::whole(4, 1), 2, any_order{});
             }).find("token " + std::to_string(token) + " at position 1 of a vocabulary of 4") !=
                 std::string::npos,
             "the message");
    }
  });
}
