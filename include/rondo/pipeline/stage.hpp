// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/buffer.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <utility>

/// The user's own stages.
namespace rondo::inline v0_1::pipeline {

/// Which work a stage is asked for.
struct site {
  int stage = 0;  ///< in the plan's numbering, over all chunks
  int part = 0;   ///< part of the model; `stage`, but for replicas
  int micro_batch = 0;
  int slice = 0;
  bool first = false;  ///< the input is empty: take the micro-batch from where data comes from
  bool last = false;   ///< the result of `forward` goes nowhere; `backward` gets an empty gradient
};

// clang-format off
/// The user's stages of one rank; a rank with several chunks has one object for all of them.
///
///     struct my_stages {
///       using buffer = std::vector<float>;  // passes between stages; made from a count
///       buffer forward(site, buffer input);
///       buffer backward_input(site, buffer output_gradient);  // gradient of the input
///       void backward_weight(site);                           // adds to the weights' gradient
///     };
///
/// or, in place of the last two, `buffer backward(site, buffer output_gradient)` that does both; a
/// plan with split backwards then calls it where the input gradient is due. What a stage needs
/// again it keeps itself, from `forward` to `backward` or `backward_weight`. Optional:
/// `unshard(int stage)`, `reshard(int stage)`, `reduce_gradient(int stage)`.
///
/// Buffers go round: what a stage returns or drops comes back as the input of a later call. An
/// empty input may have room from before; a stage that fills it, and returns what it was given,
/// allocates nothing.
// clang-format on
template <class Stage>
concept runnable_stage = requires(Stage& stage, site where, typename Stage::buffer values) {
  requires std::constructible_from<typename Stage::buffer, std::size_t>;
  { stage.forward(where, std::move(values)) } -> std::same_as<typename Stage::buffer>;
  requires rondo::buffer<typename Stage::buffer>;
};

}  // namespace rondo::inline v0_1::pipeline
