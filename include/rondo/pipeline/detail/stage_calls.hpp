// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/pipeline/action.hpp>
#include <rondo/pipeline/stage.hpp>
#include <rondo/version.hpp>

#include <string>
#include <utility>

/// The calls that a plan asks of a stage, by way of those that the stage has.
namespace rondo::inline v0_1::pipeline::detail {

template <class Stage>
inline constexpr bool has_whole_backward = requires(Stage& stage, site where,
                                                    typename Stage::buffer values) {
  stage.backward(where, std::move(values));
};
template <class Stage>
inline constexpr bool has_split_backward = requires(Stage& stage, site where,
                                                    typename Stage::buffer values) {
  stage.backward_input(where, std::move(values));
  stage.backward_weight(where);
};

/// The gradient of an action's input; `take()` is that of its output.
template <class Stage, class Take>
[[nodiscard]] typename Stage::buffer backward(Stage& stage, const action& what, const site& where,
                                              const Take& take) {
  if constexpr (has_split_backward<Stage>) {
    if (what.kind == kind::backward_input || !has_whole_backward<Stage>) {
      auto gradient = stage.backward_input(where, take());
      if (what.kind == kind::backward) {
        stage.backward_weight(where);
      }
      return gradient;
    }
  }
  if constexpr (has_whole_backward<Stage>) {
    return stage.backward(where, take());
  } else {
    refuse(
        "pipeline: run: the plan has backward passes, but the stage has neither backward nor "
        "backward_input and backward_weight");
  }
}

/// A stage that goes back as a whole has done this where the gradient of the input was due.
template <class Stage>
void backward_weight(Stage& stage, const site& where) {
  if constexpr (has_split_backward<Stage>) {
    stage.backward_weight(where);
  }
}

/// What a stage does about its parameters.
template <class Stage>
void maintain(Stage& stage, const action& what) {
  const auto call = [&](auto member, const char* name) {
    if constexpr (requires { member(stage); }) {
      member(stage);
    } else {
      refuse("pipeline: run: the plan asks for " + std::string{name} +
             ", which the stage does not have");
    }
  };
  if (what.kind == kind::unshard) {
    call([&](auto& s) -> decltype(s.unshard(0)) { return s.unshard(what.stage); }, "unshard");
  } else if (what.kind == kind::reshard) {
    call([&](auto& s) -> decltype(s.reshard(0)) { return s.reshard(what.stage); }, "reshard");
  } else if (what.kind == kind::reduce_gradient) {
    call([&](auto& s) -> decltype(s.reduce_gradient(0)) { return s.reduce_gradient(what.stage); },
         "reduce_gradient");
  }
}

}  // namespace rondo::inline v0_1::pipeline::detail
