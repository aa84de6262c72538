// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/placement.hpp>
#include <rondo/pipeline/shape.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace rondo::inline v0_1::pipeline {

/// What no order of F, I and W can beat, whatever its memory.
struct lower_bound {
  ticks makespan = 0;  ///< on the barrier clock
  ticks span = 0;      ///< of the longest window of one rank
};

/// A rank cannot begin before its first input is there, and then has all its work to do; and one
/// micro-batch must pass all stages forth and back. Independent of every generator. Cost: O(stages
/// m).
template <cost_model Model>
[[nodiscard]] constexpr lower_bound bound_of(const shape& asked, const placement& where,
                                             const Model& model) {
  const auto ranks = static_cast<std::size_t>(where.ranks());
  const auto rank_of = [&](int stage) { return static_cast<std::size_t>(where.rank_of(stage)); };
  const auto hop = [&](const action& what, int to) {
    return where.rank_of(what.stage) == where.rank_of(to)
               ? ticks{0}
               : static_cast<ticks>(
                     model.hop_time(what, where.rank_of(what.stage), where.rank_of(to)));
  };
  std::vector<ticks> busy;
  std::vector<ticks> head;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    busy.push_back(0);
    head.push_back(-1);
  }
  lower_bound bound{};
  for (int i = 0; i < asked.micro_batches; ++i) {
    ticks arrival = 0;
    for (int stage = 0; stage < where.stages(); ++stage) {
      const action forward = make_action(kind::forward, stage, i);
      ticks& first = head[rank_of(stage)];
      first = first < 0 ? arrival : (std::min)(first, arrival);
      arrival += model.time(forward);
      busy[rank_of(stage)] += model.time(forward) +
                              model.time(make_action(kind::backward_input, stage, i)) +
                              model.time(make_action(kind::backward_weight, stage, i));
      if (stage + 1 < where.stages()) {
        arrival += hop(forward, stage + 1);
      }
    }
    for (int stage = where.stages() - 1; stage >= 0; --stage) {
      const action back = make_action(kind::backward_input, stage, i);
      arrival += model.time(back) + (stage > 0 ? hop(back, stage - 1) : 0);
    }
    bound.makespan = (std::max)(
        bound.makespan,
        arrival + static_cast<ticks>(model.time(make_action(kind::backward_weight, 0, i))));
  }
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    bound.makespan = (std::max)(bound.makespan, head[rank] + busy[rank]);
    bound.span = (std::max)(bound.span, busy[rank]);
  }
  return bound;
}

}  // namespace rondo::inline v0_1::pipeline
