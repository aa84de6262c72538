// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/detail/mix.hpp>
#include <rondo/core/error.hpp>
#include <rondo/pipeline/building_block.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/detail/weave.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/fill_drain.hpp>
#include <rondo/pipeline/lower_bound.hpp>
#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/pipeline/zero_bubble.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

/// Looks for a plan that is fast within a memory limit, for the costs at hand.
namespace rondo::inline v0_1::pipeline {

struct search_options {
  std::int64_t memory_limit = 0;  ///< per rank, in the cost model's units of activation; 0: none
  /// True: shortest makespan; false: shortest span, for steps without a barrier between them.
  bool barrier = true;
  int chunks = 1;                   ///< per rank; the costs are those of one chunk
  int weight_copies = 1;            ///< that the ranks have room for; 2 admits dual_pipe
  std::int64_t effort = 1'500'000;  ///< about how many actions to place; 25 to 50 ns each
};

/// A plan with its certificate.
struct found_plan {
  pipeline::plan plan{};
  ticks makespan = 0;
  ticks span = 0;
  std::int64_t peak_memory = 0;   ///< of the rank that holds most, in the cost model's units
  std::int64_t memory_limit = 0;  ///< that it was found for
  ticks lower_bound = 0;          ///< of the clock that was asked for; no plan can beat it
  bool barrier = true;

  [[nodiscard]] ticks value() const { return barrier ? makespan : span; }
  /// How far above the bound: 0 is proved optimal.
  [[nodiscard]] double gap() const {
    return lower_bound > 0
               ? static_cast<double>(value() - lower_bound) / static_cast<double>(lower_bound)
               : 0;
  }
};

namespace detail {

template <cost_model Model>
class searcher {
 public:
  searcher(const shape& asked, const Model& model, const search_options& options)
      : asked_{asked}, model_{model}, options_{options}, left_{options.effort} {
    require_whole("search", asked);
    require_chunks("search", asked, options.chunks);
    constexpr std::int64_t most = (std::numeric_limits<std::int64_t>::max)() / 4;  // added to
    limit_ = options.memory_limit > 0 ? (std::min)(options.memory_limit, most) : most;
    best_.barrier = options.barrier;
    best_.memory_limit = options.memory_limit;
  }

  [[nodiscard]] found_plan search() {
    best_.lower_bound = least_bound();
    try_generators();
    if (options_.chunks == 1) {
      weave_freely();
    } else {
      weave_along_generators();
    }
    if (best_.plan.rows.empty()) {
      refuse("pipeline: search: no plan found within memory_limit " +
             std::to_string(options_.memory_limit) + " for stages " +
             std::to_string(asked_.stages) + ", micro_batches " +
             std::to_string(asked_.micro_batches) + "; raise the limit");
    }
    return best_;
  }

 private:
  /// Placements differ in their way from stage to stage: the lowest bound of those that are tried.
  [[nodiscard]] ticks least_bound() const {
    const auto bound = [&](const placement& where) {
      const lower_bound of = bound_of(asked_, where, model_);
      return options_.barrier ? of.makespan : of.span;
    };
    ticks least = bound(looped(asked_.stages, options_.chunks));
    if (options_.chunks > 1) {
      least = (std::min)(least, bound(vee(asked_.stages, options_.chunks)));
    }
    return may_copy() ? (std::min)(least, bound(mirrored(asked_.stages))) : least;
  }
  [[nodiscard]] bool may_copy() const {
    const int p = asked_.stages;
    const int m = asked_.micro_batches;
    return options_.weight_copies > 1 && options_.chunks == 1 && p % 2 == 0 && m % 2 == 0 &&
           m >= 2 * p;
  }

  [[nodiscard]] bool optimal() const {
    return !best_.plan.rows.empty() && best_.value() <= best_.lower_bound;
  }
  [[nodiscard]] bool may_try() const { return left_ > 0 && !optimal(); }
  [[nodiscard]] std::int64_t actions() const {
    return std::int64_t{3} * asked_.stages * asked_.micro_batches * options_.chunks;
  }
  [[nodiscard]] bool better(ticks makespan, ticks span) const {
    const ticks value = options_.barrier ? makespan : span;
    const ticks other = options_.barrier ? span : makespan;
    const ticks best_other = options_.barrier ? best_.span : best_.makespan;
    return best_.plan.rows.empty() || value < best_.value() ||
           (value == best_.value() && other < best_other);
  }

  /// Never worse than a generator: all of those for so many chunks and copies of the weights.
  void try_generators() {
    const int p = asked_.stages;
    const int m = asked_.micro_batches;
    const int v = options_.chunks;
    const bool grouped = m % (std::max)(1, m / p) == 0;
    if (v == 1) {
      consider(gpipe{}(asked_));
      consider(one_f_one_b{}(asked_));
      consider(zero_bubble_h1{}(asked_));
      if (m >= 2 * p) {
        consider(zero_bubble_h2{}(asked_));
      }
      if (may_copy()) {
        consider(dual_pipe{}(asked_));
      }
      return;
    }
    consider(breadth_first{v}(asked_));
    if (grouped) {
      consider(interleaved_one_f_one_b{v}(asked_));
      orders_.push_back(interleaved_zero_bubble{v}(asked_));
    }
    if (v == 2) {
      orders_.push_back(zero_bubble_v{}(asked_));
      orders_.push_back(v_half{}(asked_));
      orders_.push_back(v_min{}(asked_));
      if (m >= 2 * p) {
        consider(dual_pipe_v{}(asked_));
      }
    }
    for (const plan& each : orders_) {
      consider(each);
    }
  }

  void consider(const plan& candidate) {
    left_ -= actions();
    const forecast seen = simulate(candidate, model_);
    const std::int64_t peak = *std::max_element(seen.peak_memory.begin(), seen.peak_memory.end());
    if (peak <= limit_ && better(seen.makespan, seen.span)) {
      keep(seen.plan, seen.makespan, seen.span, peak);
    }
  }

  void keep(const plan& candidate, ticks makespan, ticks span, std::int64_t peak) {
    best_.plan = candidate;
    best_.makespan = makespan;
    best_.span = span;
    best_.peak_memory = peak;
  }

  /// The quickest of a short list of rules, then small random changes of its numbers.
  void weave_freely() {
    weaver<Model> loom{asked_, looped(asked_.stages), model_, limit_};
    std::vector<weaving_rule> best;
    ticks shortest = (std::numeric_limits<ticks>::max)();
    const auto attempt = [&](std::vector<weaving_rule> rules) {
      left_ -= actions();
      if (loom.weave(rules)) {
        keep_if_better(loom);
        if (const ticks value = value_of(loom); value <= shortest) {
          shortest = value;
          best = std::move(rules);
        }
      }
    };
    for (const auto& [slope, patience] : starts()) {
      if (!may_try()) {
        return;
      }
      std::vector<weaving_rule> rules;
      for (int rank = 0; rank < asked_.stages; ++rank) {
        const double lead = slope * (asked_.stages - 1 - rank) + 1e-9;
        rules.push_back(
            {1 + static_cast<int>((std::min)(lead, 1e6)), turn::backward_first, patience});
      }
      attempt(std::move(rules));
    }
    for (std::uint64_t state = 0; may_try() && !best.empty();) {
      attempt(changed(best, state));
    }
  }

  /// Along the F and I of each generator, with the weight gradients placed anew.
  void weave_along_generators() {
    for (const plan& order : orders_) {
      weaver<Model> loom{asked_, order.placement, model_, limit_};
      for (const int patience : {0, 25, 50, 75, 100}) {
        if (!may_try()) {
          return;
        }
        left_ -= actions();
        if (loom.weave_along(order,
                             std::vector<weaving_rule>(static_cast<std::size_t>(asked_.stages),
                                                       {1, turn::backward_first, patience}))) {
          keep_if_better(loom);
        }
      }
    }
  }

  [[nodiscard]] ticks value_of(const weaver<Model>& loom) const {
    return options_.barrier ? loom.makespan() : loom.span();
  }
  void keep_if_better(const weaver<Model>& loom) {
    if (better(loom.makespan(), loom.span())) {
      keep(loom.plan(), loom.makespan(), loom.span(), loom.peak_memory());
    }
  }

  struct start {
    double slope;  ///< forwards that a rank runs ahead of the next one
    int patience_percent;
  };

  /// A rank must run ahead by as many forwards as fill the round trip to the next rank and back.
  [[nodiscard]] std::vector<start> starts() const {
    const int middle = asked_.stages / 2;
    const action ahead = make_action(kind::forward, middle, 0);
    const action back = make_action(kind::backward_input, middle, 0);
    const auto forward = static_cast<double>((std::max)(ticks{1}, time_of(model_, ahead)));
    const double hops =
        asked_.stages > 1 ? 2 * static_cast<double>(hop_of(model_, ahead, middle - 1, middle)) : 0;
    const double trip = 1 + (static_cast<double>(time_of(model_, back)) + hops) / forward;
    std::vector<start> list;
    for (const double slope : {trip, 1.03 * trip, 1.06 * trip, 1.12 * trip, 1.2 * trip, 2.0}) {
      list.push_back({slope, 0});
    }
    for (const int patience : {25, 50, 75}) {
      list.push_back({1.0, patience});
    }
    for (const int patience : {0, 50, 100}) {
      for (const double slope : {1.5, 1.75, 1.25, 2.5, 3.0, 1e9}) {
        list.push_back({slope, patience});
      }
    }
    return list;
  }

  /// A few numbers of a few ranks turned; the same on every machine.
  [[nodiscard]] static std::vector<weaving_rule> changed(std::vector<weaving_rule> rules,
                                                         std::uint64_t& state) {
    const auto draw = [&](std::size_t below) {  // splitmix64
      const std::uint64_t drawn = rondo::detail::mixed(state);
      state += 0x9e3779b97f4a7c15u;
      return static_cast<int>(drawn % below);
    };
    for (int changes = 1 + draw(3); changes > 0; --changes) {
      weaving_rule& each = rules[static_cast<std::size_t>(draw(rules.size()))];
      switch (draw(3)) {
        case 0:
          each.lead = (std::max)(1, each.lead + (draw(2) == 0 ? 1 : -1));
          break;
        case 1:
          each.patience_percent = 5 * draw(21);
          break;
        default:
          each.prefers = static_cast<turn>(draw(3));
          break;
      }
    }
    return rules;
  }

  shape asked_;
  const Model& model_;
  search_options options_;
  std::int64_t limit_ = 0;
  std::int64_t left_;
  std::vector<plan> orders_{};
  found_plan best_{};
};

}  // namespace detail

/// The best plan found for these costs within the memory limit, never worse than a generator of the
/// same shape and chunks (of `dual_pipe`, where two copies of the weights are allowed).
/// Deterministic. Refused: a limit below which nothing was found. Cost: about `effort` actions
/// placed, 25 - 50 ns each.
template <cost_model Model>
[[nodiscard]] found_plan search(const shape& asked, const Model& model,
                                const search_options& options = {}) {
  return detail::searcher<Model>{asked, model, options}.search();
}

struct front_options {
  std::int64_t least_memory = 0;  ///< 0: what 1F1B holds, `stages` activations
  std::int64_t most_memory = 0;   ///< 0: three times that
  int points = 17;                ///< limits, evenly apart
  bool barrier = true;
  int chunks = 1;
  std::int64_t effort = 1'000'000;  ///< for each point
};

/// The trade of memory for time: one plan per limit, each no slower than those with less memory.
template <cost_model Model>
[[nodiscard]] std::vector<found_plan> search_front(const shape& asked, const Model& model,
                                                   const front_options& options = {}) {
  const std::int64_t unit = detail::activation_of(model, make_action(kind::forward, 0, 0));
  const std::int64_t least =
      options.least_memory > 0 ? options.least_memory : unit * asked.stages * options.chunks;
  constexpr std::int64_t all = (std::numeric_limits<std::int64_t>::max)();
  const std::int64_t most = options.most_memory > 0 ? options.most_memory
                            : least > all / 3       ? all
                                                    : 3 * least;
  if (options.points < 1 || most < least) {
    refuse("pipeline: search_front needs points >= 1 and least_memory <= most_memory");
  }
  std::vector<found_plan> front;
  for (int i = 0; i < options.points; ++i) {
    const std::int64_t steps = (std::max)(1, options.points - 1);
    const std::int64_t whole =
        (most - least) / steps;  // of which i and the rest's part do not wrap
    const std::int64_t limit = least + whole * i + (most - least) % steps * i / steps;
    if (front.empty() || front.back().gap() > 0) {
      found_plan next = search(asked, model,
                               {.memory_limit = limit,
                                .barrier = options.barrier,
                                .chunks = options.chunks,
                                .effort = options.effort});
      front.push_back(front.empty() || next.value() < front.back().value() ? std::move(next)
                                                                           : front.back());
    } else {
      front.push_back(front.back());  // optimal already
    }
    front.back().memory_limit = limit;
  }
  return front;
}

}  // namespace rondo::inline v0_1::pipeline
