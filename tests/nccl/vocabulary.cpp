// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "device_layers.hpp"

#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/testing/recording.hpp>

#include "catch.hpp"
#include "tensor/expect_planned.hpp"
#include "tensor/mlp_case.hpp"
#include "tensor/vocabulary_case.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

// A vocabulary over ranks whose memory is the device's; NCCL, the GPU and rondo's kernels are
// played by the host.
namespace {

using namespace device_layers;
using namespace vocabulary_case;
using rondo::cut;

/// Even, uneven with a rank without words, and two runs on every rank.
std::vector<cut> cuts(std::size_t extent, int ranks) {
  std::vector<std::size_t> uneven(static_cast<std::size_t>(ranks), 0);
  uneven.front() = extent - 7;
  uneven.back() += 7;
  return {cut::even(extent, ranks), cut::widths(uneven),
          cut::fused(std::vector<cut>{cut::even(extent - 30, ranks), cut::even(30, ranks)})};
}

/// Both passes; rows of y replicated (-1) or split (0). The table's gradient begins at 1.
template <int Rows, class Team>
looked_up look_up(const Team& tensor, const cut& vocabulary, const std::vector<int>& of,
                  cudaStream_t stream) {
  const cut rows = cut::even(of.size(), tensor.size());
  const auto mine = held(vocabulary, tensor.rank());
  const auto here = Rows < 0 ? all(of.size()) : held(rows, tensor.rank());
  const device_array<int> given{of, stream};
  device_matrix table{numbers<float>(1, mine, all(features)), stream, 2};
  device_matrix y{here.size(), features, stream},
      dtable{owned<float>(mine.size(), features, 1), stream};
  const auto placed = [&](device_matrix& at) {
    if constexpr (Rows < 0) {
      return rondo::replicated<float>{at.view()};
    } else {
      return rondo::sharded<float, 0>{at.view(), rows};
    }
  };
  rondo::vocabulary_embedding layer{tensor, vocabulary};
  layer.forward(given.values(), matrix<const float>{table.view()}, placed(y));
  const auto rows_found = y.fetched();
  device_matrix dy{numbers<float>(2, here, all(features)), stream};
  layer.backward(placed(dy), given.values(), dtable.view());
  return {rows_found, dtable.fetched()};
}

template <int Rows>
void check_embedding() {
  const auto right = oracle();
  for (const int size : {1, 2, 3, 4}) {
    for (const cut& vocabulary : cuts(words, size)) {
      CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto&) {
              const auto tensor = rondo::along<"tensor">(both);
              const auto got = look_up<Rows>(tensor, vocabulary, tokens, stream);
              const auto rows = Rows < 0 ? all(tokens.size())
                                         : held(cut::even(tokens.size(), size), tensor.rank());
              for (std::size_t j = 0; j < features; ++j) {
                for (std::size_t i = 0; i < rows.size(); ++i) {
                  require(got.y(i, j) == right.y(rows[i], j), "a row of the table");
                }
                for (std::size_t i = 0; i < got.dtable.rows; ++i) {
                  const float expected = 1 + right.dtable(vocabulary.global(tensor.rank(), i), j);
                  require(std::abs(got.dtable(i, j) - expected) < 1e-6f, "the table's gradient");
                }
              }
              require(nccl_on_threads::unordered_uses() == 0, "uses that no event orders");
            }) == "");
    }
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

}  // namespace

TEST_CASE("vocabulary over NCCL: rows of the table and their gradient are those of one rank") {
  check_embedding<-1>();
  check_embedding<0>();
}

TEST_CASE("vocabulary over NCCL: the table's gradient has the bits that the host gives") {
  std::vector<int> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back(i * i % 7 * 11);
  }
  const cut vocabulary = cut::even(words, 2);
  std::vector<owned<float>> expected(2);
  rondo::threads::run(2, [&](auto& comm) {
    const auto mine = held(vocabulary, comm.rank());
    owned<float> dtable(mine.size(), features, 1);
    auto dy = numbers<float>(2, all(many.size()), all(features));
    rondo::vocabulary_embedding layer{rondo::along<"tensor">(comm), vocabulary};
    layer.backward(rondo::replicated<float>{dy.view()}, std::span<const int>{many}, dtable.view());
    expected[static_cast<std::size_t>(comm.rank())] = dtable;
  });
  CHECK(on_ranks(2, [&](auto& both, cudaStream_t stream, auto&) {
          const auto got = look_up<-1>(rondo::along<"tensor">(both), vocabulary, many, stream);
          require(got.dtable == expected[static_cast<std::size_t>(both.rank())], "the bits");
        }) == "");
}

TEST_CASE("vocabulary over NCCL: in exact order leaves of tokens add up as on the host") {
  const rondo::exact order{.tokens = 4};
  const cut vocabulary = cut::even(words, 2);
  std::vector<owned<float>> expected(2);
  rondo::threads::run(2, [&](auto& comm) {
    const std::size_t own = vocabulary.width(comm.rank());
    owned<float> dtable(own, features);
    auto dy = numbers<float>(2, all(tokens.size()), all(features));
    rondo::vocabulary_embedding layer{rondo::along<"tensor">(comm), vocabulary, order};
    rondo::exact_table_gradient<float> sums{own, features};
    layer.backward(rondo::replicated<float>{dy.view()}, std::span<const int>{tokens}, sums);
    mlp_case::total(sums.table, dtable.memory);
    expected[static_cast<std::size_t>(comm.rank())] = dtable;
  });
  CHECK(on_ranks(2, [&](auto& both, cudaStream_t stream, auto&) {
          const std::size_t own = vocabulary.width(both.rank());
          const device_array<int> given{tokens, stream};
          owned<float> dtable(own, features);
          device_matrix dy{numbers<float>(2, all(tokens.size()), all(features)), stream};
          rondo::vocabulary_embedding layer{rondo::along<"tensor">(both), vocabulary, order};
          rondo::exact_table_gradient<float, rondo::cuda::buffer<float>> sums{own, features};
          layer.backward(rondo::replicated<float>{dy.view()}, given.values(), sums);
          mlp_case::total(sums.table, dtable.memory,
                          [&](const float* node) { return used(stream, node); });
          require(dtable == expected[static_cast<std::size_t>(both.rank())], "the bits");
        }) == "");
}

TEST_CASE("vocabulary over NCCL: a token that is no word gets NaN on every rank, and no gradient") {
  CHECK(on_ranks(2, [](auto& both, cudaStream_t stream, auto&) {
          const auto got = look_up<-1>(rondo::along<"tensor">(both), cut::even(words, 2),
                                       {5, 83, -1, 82}, stream);
          for (std::size_t i = 0; i < 4; ++i) {
            require(std::isnan(got.y(i, 0)) == (i == 1 || i == 2), "row " + std::to_string(i));
          }
          const float sum = [&] {
            float changed = 0;
            for (const float one : got.dtable.memory) {
              changed += one == 1.0f ? 0 : 1;
            }
            return changed;
          }();
          require(sum == features, "one row of the table has a gradient on each rank");
        }) == "");
}

namespace {

struct scored {
  std::vector<float> losses;
  owned<float> dz;
};

template <class Team, class Order = rondo::any_order>
scored score(const Team& tensor, const cut& vocabulary, const owned<double>& z,
             const std::vector<int>& targets, const cross_entropy_options& with,
             cudaStream_t stream, Order order = {}) {
  const auto mine = held(vocabulary, tensor.rank());
  owned<float> here(z.rows, mine.size());
  std::vector<float> weights;
  for (std::size_t i = 0; i < z.rows; ++i) {
    for (std::size_t j = 0; j < mine.size(); ++j) {
      here(i, j) = static_cast<float>(z(i, mine[j]));
    }
    weights.push_back(static_cast<float>(1 + i));
  }
  device_matrix logits{here, stream, 3}, dz{z.rows, mine.size(), stream, 1};
  const device_array<int> wanted{targets, stream};
  device_array<float> losses{std::vector<float>(z.rows, -1), stream};
  const device_array<float> dlosses{weights, stream};
  rondo::vocabulary_cross_entropy loss{tensor, vocabulary, with, order};
  rondo::cross_entropy_saved<rondo::cuda::buffer<double>> saved;
  const rondo::sharded<float, 1> placed{logits.view(), vocabulary};
  loss.forward(placed, wanted.values(), losses.values(), saved);
  loss.backward(placed, wanted.values(), dlosses.values(), saved,
                rondo::sharded<float, 1>{dz.view(), vocabulary});
  return {losses.fetched(), dz.fetched()};
}

}  // namespace

TEST_CASE("cross entropy over NCCL: losses and gradients are those of one rank") {
  const auto z = logits_of(tokens.size());
  for (const double smoothing : {0.0, 0.1}) {
    const cross_entropy_options with{smoothing, words};
    const auto right = score_oracle(z, tokens, with);
    for (const int size : {1, 2, 3, 4}) {
      for (const cut& vocabulary : cuts(padded, size)) {
        CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto&) {
                const auto tensor = rondo::along<"tensor">(both);
                const auto got = score(tensor, vocabulary, z, tokens, with, stream);
                for (std::size_t i = 0; i < tokens.size(); ++i) {
                  require(std::abs(got.losses[i] - right.losses[i]) < 1e-5, "a loss");
                  for (std::size_t j = 0; j < got.dz.columns; ++j) {
                    const double expected = right.dz(i, vocabulary.global(tensor.rank(), j));
                    require(std::abs(got.dz(i, j) - expected) < 1e-5, "a gradient");
                  }
                }
                require(nccl_on_threads::unordered_uses() == 0, "uses that no event orders");
              }) == "");
      }
    }
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("cross entropy over NCCL: in exact order it has the same bits on any number of ranks") {
  const auto z = logits_of(tokens.size());
  const cross_entropy_options with{0.1, words};
  const auto right = score_oracle(z, tokens, with);
  scored one;
  for (const int size : {1, 2, 3, 4}) {
    const cut vocabulary = cut::even(padded, size, 5);
    CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto&) {
            const auto tensor = rondo::along<"tensor">(both);
            const auto got =
                score(tensor, vocabulary, z, tokens, with, stream, rondo::exact{.features = 5});
            if (size == 1) {
              one = got;
            }
            require(got.losses == one.losses, "the bits of the losses");
            for (std::size_t i = 0; i < tokens.size(); ++i) {
              require(std::abs(got.losses[i] - right.losses[i]) < 1e-5, "a loss");
              for (std::size_t j = 0; j < got.dz.columns; ++j) {
                require(got.dz(i, j) == one.dz(i, vocabulary.global(tensor.rank(), j)),
                        "the bits of a gradient");
              }
            }
            require(nccl_on_threads::unordered_uses() == 0, "uses that no event orders");
          }) == "");
  }
}

TEST_CASE("cross entropy over NCCL: the largest logit is found wherever it is") {
  owned<double> z(padded, padded, -1e4);
  for (std::size_t i = 0; i < padded; ++i) {
    z(i, i) = 1e4;
  }
  CHECK(on_ranks(2, [&](auto& both, cudaStream_t stream, auto&) {
          const auto got = score(rondo::along<"tensor">(both), cut::even(padded, 2), z,
                                 std::vector<int>(padded, 0), {}, stream);
          for (std::size_t i = 0; i < padded; ++i) {
            require(got.losses[i] == (i == 0 ? 0.0f : 2e4f), "loss " + std::to_string(i));
          }
        }) == "");
}

TEST_CASE("cross entropy over NCCL: NaN where a logit is, or where a target is no word") {
  auto z = logits_of(4);
  z(1, 20) = std::nan("");
  CHECK(on_ranks(3, [&](auto& both, cudaStream_t stream, auto&) {
          const auto got = score(rondo::along<"tensor">(both), cut::even(padded, 3), z,
                                 {0, 1, static_cast<int>(words), -1}, {0.1, words}, stream);
          for (std::size_t i = 0; i < 4; ++i) {
            require(std::isnan(got.losses[i]) == (i != 0), "loss " + std::to_string(i));
            require(std::isnan(got.dz(i, 0)) == (i != 0), "gradient " + std::to_string(i));
          }
        }) == "");
}

TEST_CASE("vocabulary over NCCL: every wait of one stream for the other is needed") {
  const cut vocabulary = cut::even(words, 2);
  // The sum of y and the gather of dy begin behind, and are waited for.
  check_waits(2, 2 * 2, [&](auto& both, cudaStream_t stream) {
    look_up<0>(rondo::along<"tensor">(both), vocabulary, tokens, stream);
  });
}

TEST_CASE("vocabulary over NCCL: what ran is what was planned, by NCCL's own collectives") {
  const cross_entropy_options with{0.1, words};
  const auto z = logits_of(tokens.size());
  for (const int size : {1, 2, 3}) {
    CHECK(on_ranks(2 * size, [&](auto& both, cudaStream_t stream, auto& control) {
            rondo::testing::recording world{both};
            rondo::mesh grid{world, {{"data", 2}, {"tensor", size}}};
            auto apart = control.split(grid.coordinate("data"), control.rank());
            const auto tensor = rondo::along<"tensor">(grid);
            auto& seen = grid["tensor"];
            look_up<0>(tensor, cut::even(words, size), tokens, stream);
            expect_planned(apart, seen.made(),
                           rondo::plan_vocabulary_embedding<rondo::sharded<float, 0>>(
                               tokens.size(), features, grid.shape()),
                           "tensor");
            seen.forget();
            score(tensor, cut::even(padded, size), z, tokens, with, stream);
            expect_planned(apart, seen.made(),
                           rondo::plan_vocabulary_cross_entropy(tokens.size(), grid.shape(), with),
                           "tensor");
            expect(grid["data"].made().empty(), "nothing over the other axis");
          }) == "");
  }
  CHECK(on_ranks(2, [&](auto& both, cudaStream_t stream, auto&, ncclComm_t raw) {
          score(rondo::along<"tensor">(both), cut::even(padded, 2), z, tokens, with, stream);
          require(nccl_on_threads::calls_of(raw) ==
                      std::vector<std::string>{"ncclAllReduce", "ncclAllReduce"},
                  "a maximum and a sum");
        }) == "");
}

TEST_CASE("vocabulary over NCCL: the second pass makes no memory, and may be captured") {
  CHECK(on_ranks(2, [](auto& both, cudaStream_t stream, auto& control) {
          const auto tensor = rondo::along<"tensor">(both);
          const cut vocabulary = cut::even(words, 2);
          const cut rows = cut::even(tokens.size(), 2);
          const device_array<int> given{tokens, stream};
          const std::size_t own = vocabulary.width(tensor.rank());
          device_matrix table{own, features, stream}, dtable{own, features, stream};
          device_matrix y{rows.width(tensor.rank()), features, stream};
          device_matrix z{tokens.size(), own, stream}, dz{tokens.size(), own, stream};
          device_array<float> losses{std::vector<float>(tokens.size()), stream};
          const rondo::sharded<float, 0> placed{y.view(), rows};
          const rondo::sharded<float, 1> logits{z.view(), vocabulary};
          rondo::vocabulary_embedding layer{tensor, vocabulary};
          rondo::vocabulary_cross_entropy loss{tensor, vocabulary};
          rondo::cross_entropy_saved<rondo::cuda::buffer<double>> saved;
          second_makes_nothing(control, [&] {
            layer.forward(given.values(), matrix<const float>{table.view()}, placed);
            loss.forward(logits, given.values(), losses.values(), saved);
            loss.backward(logits, given.values(), std::span<const float>{losses.values()}, saved,
                          rondo::sharded<float, 1>{dz.view(), vocabulary});
            layer.backward(placed, given.values(), dtable.view());
          });
        }) == "");
}
