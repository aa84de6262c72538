// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "sizes.hpp"

#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/layout/blueprint.hpp>
#include <rondo/tensor/layout/layout.hpp>
#include <rondo/tensor/layout/layout_plan.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/team.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tensor_example {

using rondo::cut;

/// Where the dimensions of a network lie: for each, the ranks it is cut over, and how. Axis names
/// here are roles, not mesh axes: rules may send a role along any axis, so the types no longer tell
/// axes apart.
template <class Comm>
struct splits {
  using team = rondo::team<Comm, "tensor">;

  rondo::team<Comm, "data"> batch;
  team d_ff;
  team heads;
  team vocabulary;
  cut batch_cut;
  cut d_ff_cut;
  cut vocabulary_cut;
};

/// By hand: the layers are told their ranks one by one, as Megatron-LM does.
template <class Comm>
splits<Comm> by_hand(rondo::mesh<Comm>& grid) {
  const auto data = rondo::along<"data">(grid);
  const auto tensor = rondo::along<"tensor">(grid);
  return {data,
          tensor,
          tensor,
          tensor,
          cut::even(sizes::batch, data.size()),
          cut::even(sizes::d_ff, tensor.size()),
          cut::even(sizes::vocabulary, tensor.size())};
}

/// By rules on the names of dimensions, as in Mesh-TensorFlow: any dimension along any axis, or
/// along none; then it is whole, and its layer runs on a group of one (`alone`).
/// Errors: rules that cut one of the network's tensors twice along an axis.
template <class Comm>
splits<Comm> by_rules(rondo::mesh<Comm>& grid, Comm& alone, const rondo::layout& rules,
                      const rondo::blueprint& network) {
  // Refuses what no network can be cut by; `division` sees one dimension and could not.
  (void)rondo::plan_layout(network, rules, grid.shape());
  const auto ranks = [&](std::string_view dimension) -> Comm& {
    const auto along = rules.axis_of(dimension);
    return along.empty() ? alone : grid[along];
  };
  const auto division = [&](const char* dimension, std::size_t extent) {
    const auto along = rules.axis_of(dimension);
    return along.empty() ? cut::whole(extent, 1)
                         : rules.division({dimension, extent}, along, grid.shape());
  };
  using team = typename splits<Comm>::team;
  return {rondo::team<Comm, "data">{ranks("batch")},
          team{ranks("d_ff")},
          team{ranks("heads")},
          team{ranks("vocab")},
          division("batch", sizes::batch),
          division("d_ff", sizes::d_ff),
          division("vocab", sizes::vocabulary)};
}

/// What the networks' descriptions begin and end with.
inline std::string named(const char* dimension, std::size_t extent) {
  return std::string{dimension} + ':' + std::to_string(extent);
}
inline const std::string batch_of_tokens =
    named("batch", sizes::batch) + ", " + named("length", sizes::length);
inline rondo::blueprint::tensor describe_words(rondo::blueprint& net) {
  return net.embedding("x", net.constant("tokens", batch_of_tokens),
                       net.parameter("table", named("vocab", sizes::vocabulary) + ", " +
                                                  named("d_model", sizes::d_model)),
                       "vocab");
}
inline void describe_loss(rondo::blueprint& net, rondo::blueprint::tensor x) {
  const auto logits = net.einsum("logits", x,
                                 net.parameter("output", named("vocab", sizes::vocabulary) + ", " +
                                                             named("d_model", sizes::d_model)),
                                 "batch, length, vocab");
  const auto losses =
      net.cross_entropy("losses", logits, net.constant("targets", batch_of_tokens), "vocab");
  (void)net.reduce("loss", losses, "");
}

}  // namespace tensor_example
