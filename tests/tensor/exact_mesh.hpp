// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tensor/mlp_case.hpp"

#include <rondo/tensor/mesh.hpp>

#include <string>
#include <vector>

/// A step of an MLP in exact mode on a mesh of data x tensor ranks.
namespace exact_mesh {

using namespace mlp_case;

inline constexpr exact leaves{2, 2};
inline constexpr std::size_t batch = 12;  // tokens of all data ranks together

struct step {
  owned<float> y, dup, ddown;
};

/// The calling rank's rows of y and shards of the weights' gradients, which are those of the whole
/// batch.
template <class Comm>
step run_step(Comm& comm, int data_ranks, int tensor_ranks) {
  rondo::mesh grid{comm, {{"data", data_ranks}, {"tensor", tensor_ranks}}};
  const auto tensor = rondo::along<"tensor">(grid);
  const auto data = rondo::along<"data">(grid);
  const cut batches = cut::even(batch, data_ranks, leaves.tokens);
  const cut features = cut::even(d_ff, tensor_ranks, leaves.features);
  const auto here = held(batches, data.rank());
  const auto mine = held(features, tensor.rank());
  auto x = numbers<float>(x_, here, all(d_model));
  auto dy = numbers<float>(dy_, here, all(d_model));
  const auto up = weights<float>(up_, mine, all(d_model));
  const auto down = weights<float>(down_, all(d_model), mine);
  step got{{here.size(), d_model}, {mine.size(), d_model}, {d_model, mine.size()}};
  owned<float> dx(here.size(), d_model);

  using whole = rondo::replicated<float>;
  rondo::mlp block{tensor, features, loops::kernels{}, rondo::pointwise{softplus{}}, leaves};
  rondo::mlp_saved<float> saved;
  rondo::exact_mlp_gradients<float> sums{{mine.size(), d_model, false},
                                         {d_model, mine.size(), false}};
  const std::size_t first = here.empty() ? 0 : here.front();
  sums.up.first_token = first;
  sums.down.first_token = first;
  const rondo::mlp_weights<float> with{{up.view(), {}}, {down.view(), {}}};
  block.forward(whole{x.view()}, with, saved, whole{got.y.view()});
  block.backward(whole{dy.view()}, whole{x.view()}, with, saved, whole{dx.view()}, sums);

  using over_data = rondo::replicated<float, "data">;
  rondo::tree_exchange exchange{rondo::detail::leaf_cut(batches, leaves.tokens)};
  exchange.reduce(data, sums.up.weight, over_data{got.dup.view()});
  exchange.reduce(data, sums.down.weight, over_data{got.ddown.view()});
  return got;
}

/// The bits of `got` on the calling rank against those of a step on one rank.
inline void expect_same(const step& got, const step& one, int rank, int data_ranks,
                        int tensor_ranks) {
  const cut batches = cut::even(batch, data_ranks, leaves.tokens);
  const cut features = cut::even(d_ff, tensor_ranks, leaves.features);
  const auto here = held(batches, rank / tensor_ranks);
  const auto mine = held(features, rank % tensor_ranks);
  const auto check = [](const owned<float>& a, const owned<float>& b,
                        const std::vector<std::size_t>& rows,
                        const std::vector<std::size_t>& columns, const char* what) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t j = 0; j < columns.size(); ++j) {
        expect(std::memcmp(&a(i, j), &b(rows[i], columns[j]), sizeof(float)) == 0, what);
      }
    }
  };
  check(got.y, one.y, here, all(d_model), "y's bits");
  check(got.dup, one.dup, mine, all(d_model), "the bits of the up weight's gradient");
  check(got.ddown, one.ddown, all(d_model), mine, "the bits of the down weight's gradient");
}

}  // namespace exact_mesh
