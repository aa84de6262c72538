// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What ran is what was planned, as a communicator saw it that knows nothing of layers.
#include "catch.hpp"
#include "tensor/expect_planned.hpp"
#include "tensor/mlp_case.hpp"

#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/transport/threads/run.hpp>

#include <vector>

using namespace mlp_case;

namespace {

using whole = rondo::replicated<float>;
using rows = rondo::sharded<float, 0>;

template <class Act>
void on_meshes(const Act& act) {
  for (const int ranks : {1, 2, 3, 4}) {
    rondo::threads::run(2 * ranks, [&](auto& comm) {
      rondo::testing::recording world{comm};
      rondo::mesh grid{world, {{"data", 2}, {"tensor", ranks}}};
      auto apart = comm.split(grid.coordinate("data"), comm.rank());
      act(grid, apart);
      expect(grid["data"].made().empty(), "nothing over the other axis");
    });
  }
}

template <class X, int Rows, class Activation, class Order>
void check_mlp(const Activation& activation, Order order) {
  on_meshes([&](auto& grid, auto& apart) {
    const auto tensor = rondo::along<"tensor">(grid);
    const cut features = [&] {
      if constexpr (rondo::detail::is_exact<Order>) {
        return cut::even(d_ff, tensor.size(), order.features);
      } else {
        return cut::even(d_ff, tensor.size());
      }
    }();
    static_cast<void>(run_on<Rows>(tensor, features, activation, order));
    const auto plan =
        rondo::plan_mlp<X>({tokens, d_model, d_ff, Activation::parts}, grid.shape(), order);
    expect_planned(apart, grid["tensor"].made(), plan, "tensor");
    // In exact mode the plan takes the most nodes and the most elements, which two ranks may have.
    const std::size_t nodes = tensor.passage().node_bytes;
    std::vector<std::size_t> passing{tensor.passing_bytes() - nodes, nodes};
    rondo::all_reduce(apart, passing, rondo::op::max{});
    expect(passing[0] + passing[1] == plan.peak_bytes - plan.saved_bytes, "memory that passes");
    expect(rondo::detail::is_exact<Order> == (passing[1] != 0), "memory of nodes");
    const std::size_t width = features.width(0) * (1 + static_cast<std::size_t>(Activation::parts));
    const std::size_t x = cut::even(tokens, Rows < 0 ? 1 : tensor.size()).width(0) * d_model;
    expect(plan.saved_bytes == 4 * (x + tokens * width), "memory that is saved");
  });
}

}  // namespace

TEST_CASE("plan: an mlp makes the collectives that were planned") {
  check_mlp<whole, -1>(rondo::pointwise{softplus{}}, any_order{});
  check_mlp<rows, 0>(rondo::gated{softplus{}}, any_order{});
  check_mlp<whole, -1>(rondo::gated{softplus{}}, by_leaves);
  check_mlp<rows, 0>(rondo::pointwise{softplus{}}, by_leaves);
}

TEST_CASE("plan: embedding and cross entropy make the collectives that were planned") {
  on_meshes([](auto& grid, auto& apart) {
    const auto tensor = rondo::along<"tensor">(grid);
    const cut vocabulary = cut::even(12, tensor.size(), 2);
    const cut some = cut::even(5, tensor.size());
    const std::vector<int> ids{3, 11, 0, 3, 7};
    const std::span<const int> tokens_of{ids};
    owned<float> table(vocabulary.width(tensor.rank()), 3), y(some.width(tensor.rank()), 3);
    rondo::vocabulary_embedding words{tensor, vocabulary};
    words.forward(tokens_of, std::as_const(table).view(), rows{y.view(), some});
    words.backward(rows{y.view(), some}, tokens_of, table.view());
    expect_planned(apart, grid["tensor"].made(),
                   rondo::plan_vocabulary_embedding<rows>(5, 3, grid.shape()), "tensor");

    owned<float> logits(5, vocabulary.width(tensor.rank()));
    std::vector<float> losses(5);
    const rondo::sharded<float, 1> z{logits.view(), vocabulary};
    rondo::cross_entropy_saved saved;
    for (const double smoothing : {0.0, 0.1}) {
      const rondo::cross_entropy_options with{smoothing, 11};
      std::vector<int> targets{0, 10, 3, 3, 3};
      rondo::vocabulary_cross_entropy loss{tensor, vocabulary, with};
      const auto check = [&](auto& layer, const rondo::layer_plan& plan) {
        grid["tensor"].forget();
        layer.forward(z, std::span<const int>{targets}, std::span<float>{losses}, saved);
        expect_planned(apart, grid["tensor"].made(), plan, "tensor");
        std::vector<std::size_t> passing{layer.passing_bytes()};
        rondo::all_reduce(apart, passing, rondo::op::max{});
        expect(passing[0] == plan.peak_bytes - plan.saved_bytes, "memory that passes");
        expect(saved.log_sum.size() * sizeof(double) == plan.saved_bytes, "memory that is saved");
      };
      check(loss, rondo::plan_vocabulary_cross_entropy(5, grid.shape(), with));
      rondo::vocabulary_cross_entropy exactly{tensor, vocabulary, with, exact{2, 2}};
      check(exactly, rondo::plan_vocabulary_cross_entropy(5, grid.shape(), with, 12, exact{2, 2}));
    }
  });
}

TEST_CASE("plan: a transformer layer moves Megatron's volume") {
  // Narayanan et al. 2021: 8 b s h (t-1)/t elements a rank; GPT-3 with t = 8.
  constexpr std::size_t s = 2048;
  constexpr std::size_t h = 12288;
  const rondo::mesh_shape grid{{"data", 4}, {"tensor", 8}};
  using x16 = rondo::replicated<rondo::bfloat16>;
  const auto layer = rondo::plan_column_parallel<x16>({s, h, 3 * h}, grid) +
                     rondo::plan_row_parallel<x16>({s, h, h}, grid) +
                     rondo::plan_mlp<x16>({s, h, 4 * h}, grid);
  CHECK(layer.sent_elements("tensor") == 176160768.0);
  CHECK(layer.sent_elements("tensor") * sizeof(rondo::bfloat16) == 352321536.0);
  CHECK(layer.collectives().size() == 4);
  for (const auto& one : layer.collectives()) {
    CHECK(one.element_bytes == 2);
  }
  // Sequence parallelism: as much for the values and gradients, and each column-parallel input
  // gathered once more in the backward pass instead of being kept (Korthikanti et al. 2022).
  using shard16 = rondo::sharded<rondo::bfloat16, 0>;
  const auto split = rondo::plan_column_parallel<shard16>({s, h, 3 * h}, grid) +
                     rondo::plan_row_parallel<shard16>({s, h, h}, grid) +
                     rondo::plan_mlp<shard16>({s, h, 4 * h}, grid);
  CHECK(split.sent_elements("tensor") == 176160768.0 + 2 * s * h * 7 / 8);
  CHECK(split.saved_bytes < layer.saved_bytes);
}
