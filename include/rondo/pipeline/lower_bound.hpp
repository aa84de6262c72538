// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/placement.hpp>
#include <rondo/pipeline/shape.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>

namespace rondo::inline v0_1::pipeline {

/// What no order of F, I and W can beat, whatever its memory.
struct lower_bound {
  ticks makespan = 0;  ///< on the barrier clock
  ticks span = 0;      ///< of the longest window of one rank
};

namespace detail {

/// The least that a backward pass can take, whole or in halves.
template <cost_model Model>
[[nodiscard]] constexpr ticks least_backward(const Model& model, int stage, int micro_batch) {
  const auto time = [&](kind what) {
    return time_of(model, make_action(what, stage, micro_batch));
  };
  return (std::min)(time(kind::backward), time(kind::backward_input) + time(kind::backward_weight));
}

/// The same of a micro-batch on a stage, whose forward may overlap with a backward. Of overlapping
/// with another micro-batch's it is thought to save no more.
template <cost_model Model>
[[nodiscard]] constexpr ticks least_work(const Model& model, int stage, int micro_batch) {
  const action forward = make_action(kind::forward, stage, micro_batch);
  const action backward = make_action(kind::backward, stage, micro_batch);
  return (std::min)(time_of(model, forward) + least_backward(model, stage, micro_batch),
                    pair_time(model, forward, backward));
}

}  // namespace detail

/// A rank cannot begin before its first input is there, and then has all its work to do; and one
/// micro-batch must pass all stages of a chain forth and back. Independent of every generator.
/// Cost: O(stages m).
template <cost_model Model>
[[nodiscard]] constexpr lower_bound bound_of(const shape& asked, const placement& where,
                                             const Model& model) {
  const auto ranks = static_cast<std::size_t>(where.ranks());
  const auto rank_of = [&](int stage) { return static_cast<std::size_t>(where.rank_of(stage)); };
  const auto hop = [&](const action& what, int to) {
    return where.rank_of(what.stage) == where.rank_of(to)
               ? ticks{0}
               : detail::hop_of(model, what, where.rank_of(what.stage), where.rank_of(to));
  };
  constant_vector<ticks> busy(ranks, ticks{0});
  constant_vector<ticks> head(ranks, ticks{-1});
  lower_bound bound{};
  for (int i = 0; i < asked.micro_batches; ++i) {
    // The micro-batch goes along one of the chains; count the least of each kind.
    constant_vector<ticks> work(ranks, ticks{-1});
    ticks shortest = -1;
    for (int chain = 0; chain < where.chains(); ++chain) {
      const int first_stage = chain * where.parts();
      const int end = first_stage + where.parts();
      constant_vector<ticks> of_chain(ranks, ticks{0});
      ticks arrival = 0;
      for (int stage = first_stage; stage < end; ++stage) {
        const action forward = make_action(kind::forward, stage, i);
        ticks& first = head[rank_of(stage)];
        first = first < 0 ? arrival : (std::min)(first, arrival);
        arrival += detail::time_of(model, forward);
        of_chain[rank_of(stage)] += detail::least_work(model, stage, i);
        if (stage + 1 < end) {
          arrival += hop(forward, stage + 1);
        }
      }
      for (int stage = end - 1; stage > first_stage; --stage) {
        const action half = make_action(kind::backward_input, stage, i);
        const action whole = make_action(kind::backward, stage, i);
        arrival += (std::min)(detail::time_of(model, half) + hop(half, stage - 1),
                              detail::time_of(model, whole) + hop(whole, stage - 1));
      }
      arrival += detail::least_backward(model, first_stage, i);
      shortest = shortest < 0 ? arrival : (std::min)(shortest, arrival);
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        work[rank] = work[rank] < 0 ? of_chain[rank] : (std::min)(work[rank], of_chain[rank]);
      }
    }
    bound.makespan = (std::max)(bound.makespan, shortest);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      busy[rank] += work[rank];
    }
  }
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    bound.makespan = (std::max)(bound.makespan, head[rank] + busy[rank]);
    bound.span = (std::max)(bound.span, busy[rank]);
  }
  return bound;
}

}  // namespace rondo::inline v0_1::pipeline
