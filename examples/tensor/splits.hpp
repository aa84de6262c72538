// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/heads.hpp>
#include <rondo/tensor/layout.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/team.hpp>

#include <cstddef>
#include <string_view>

namespace tensor_example {

using rondo::cut;

/// Sizes of both networks. Whole leaves on every rank for 1, 2, 3, 4 and 8 of them, so that exact
/// mode gives the same bits on each.
struct sizes {
  static constexpr std::size_t words = 256;  ///< bytes
  static constexpr std::size_t vocabulary = 264;
  static constexpr std::size_t d_model = 32;
  static constexpr std::size_t d_ff = 96;
  static constexpr rondo::attention_heads heads{4, 2, 8};
  static constexpr std::size_t length = 24;
  static constexpr std::size_t batch = 6;
};

/// Where the dimensions of a network lie: for each, the ranks it is cut over.
template <class Comm>
struct splits {
  using team = rondo::team<Comm, "tensor">;

  rondo::team<Comm, "data"> batch;
  team d_ff;
  team heads;
  team vocabulary;

  [[nodiscard]] cut batch_cut() const { return cut::even(sizes::batch, batch.size()); }
  [[nodiscard]] cut d_ff_cut() const { return cut::even(sizes::d_ff, d_ff.size()); }
  [[nodiscard]] cut vocabulary_cut() const {
    return cut::even(sizes::vocabulary, vocabulary.size());
  }
};

/// By hand: the layers are told their ranks one by one, as Megatron-LM does.
template <class Comm>
splits<Comm> by_hand(rondo::mesh<Comm>& grid) {
  const auto tensor = rondo::along<"tensor">(grid);
  return {rondo::along<"data">(grid), tensor, tensor, tensor};
}

/// By rules on the names of dimensions, as in Mesh-TensorFlow: a dimension without a rule is whole,
/// its layer runs on a group of one (`alone`).
template <class Comm>
splits<Comm> by_rules(rondo::mesh<Comm>& grid, Comm& alone, const rondo::layout& rules) {
  using team = typename splits<Comm>::team;
  const auto ranks = [&](std::string_view dimension) {
    const auto along = rules.axis_of(dimension);
    return team{along.empty() ? alone : grid[along]};
  };
  const auto data = rules.axis_of("batch");
  return {rondo::team<Comm, "data">{data.empty() ? alone : grid[data]}, ranks("d_ff"),
          ranks("heads"), ranks("vocab")};
}

}  // namespace tensor_example
