// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/core/error.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace rondo::inline v0_1::pipeline {

/// From when to when one action runs.
struct interval {
  ticks start = 0;
  ticks end = 0;
  friend constexpr bool operator==(const interval&, const interval&) = default;
};

/// What a plan will take, action by action.
struct forecast {
  pipeline::plan plan{};
  constant_vector<constant_vector<interval>>
      timeline{};  ///< [rank][i] is the time of plan.rows[rank][i]

  /// The barrier clock: from 0 to the end of the last action of any rank.
  ticks makespan = 0;
  /// The longest window of one rank, from its first start to its last end: what a step costs when
  /// ranks need not wait for one another between steps.
  ticks span = 0;
  constant_vector<ticks> busy{};            ///< per rank, the time in compute
  constant_vector<int> peak_activations{};  ///< per rank, forwards whose I or B is still to come
  constant_vector<std::int64_t> peak_memory{};  ///< per rank, in the cost model's units; >= 0

  /// Idle share of all ranks on the barrier clock.
  [[nodiscard]] double bubble() const { return idle_share(makespan); }
  /// Idle share of all ranks when each has only its span.
  [[nodiscard]] double span_bubble() const { return idle_share(span); }

 private:
  [[nodiscard]] double idle_share(ticks window) const {
    double worked = 0;
    for (const ticks each : busy) {
      worked += static_cast<double>(each);
    }
    const double whole = static_cast<double>(window) * static_cast<double>(busy.size());
    return whole > 0 ? 1 - worked / whole : 0;
  }
};

namespace detail {

/// Plays the rows of a plan against each other. A rank runs until it needs what is not there yet;
/// it is woken by the action that makes it. Each action is touched once: O(actions).
template <cost_model Model>
class player {
 public:
  constexpr player(const plan& played, const Model& model, forecast& result)
      : plan_{played}, model_{model}, result_{result} {
    const auto slot_count = index(played.placement.stages()) * units();
    inputs_.assign(slot_count, absent);
    gradients_.assign(slot_count, absent);
    done_.assign(slot_count, std::uint8_t{0});
    ranks_.assign(played.rows.size(), state{});
    for (int stage = 0; stage < played.placement.stages(); ++stage) {
      if (played.placement.is_first(stage)) {
        std::fill_n(inputs_.begin() + at(stage), units(), ticks{0});
      }
      if (played.placement.is_last(stage)) {
        std::fill_n(gradients_.begin() + at(stage), units(), ticks{0});
      }
    }
  }

  constexpr void play() {
    for (int rank = plan_.ranks() - 1; rank >= 0; --rank) {
      runnable_.push_back(rank);
    }
    while (!runnable_.empty()) {
      const int rank = runnable_.back();
      runnable_.pop_back();
      advance(rank);
    }
    for (int rank = 0; rank < plan_.ranks(); ++rank) {
      const state& each = ranks_[index(rank)];
      if (each.next < plan_.row_of(rank).size()) {
        refuse_stuck(rank, plan_.row_of(rank)[each.next]);
      }
      finish(rank, each);
    }
  }

 private:
  static constexpr ticks absent = -1;  // and -2 - r: absent, and rank r waits for it

  struct state {
    std::size_t next = 0;
    ticks now = 0;
    ticks started = -1;
    ticks busy = 0;
    int held = 0;
    int peak_held = 0;
    bool released = false;
    std::int64_t memory = 0;
    std::int64_t peak_memory = 0;
  };
  enum : std::uint8_t { forward_done = 1, input_done = 2, weight_done = 4 };

  [[nodiscard]] constexpr std::size_t units() const { return index(plan_.shape.units()); }
  [[nodiscard]] constexpr std::ptrdiff_t at(int stage) const {
    return static_cast<std::ptrdiff_t>(index(stage) * units());
  }
  [[nodiscard]] constexpr std::size_t slot(const action& what) const {
    return index(what.stage) * units() + index(plan_.shape.unit_of(what.micro_batch, what.slice));
  }

  /// When the input of `what` is there, or `absent` after noting who waits.
  [[nodiscard]] constexpr ticks ready(const action& what, int rank) {
    constant_vector<ticks>& from = what.kind == kind::forward ? inputs_ : gradients_;
    ticks& when = from[slot(what)];
    if (when < 0) {
      when = -2 - rank;
      return absent;
    }
    return when;
  }

  constexpr void publish(const action& what, int rank, ticks end) {
    const bool forward = what.kind == kind::forward;
    if (leaves_at(what.stage, forward, plan_.placement)) {
      return;
    }
    const int stage = stage_after(what.stage, forward);
    const int to = plan_.placement.rank_of(stage);
    const std::size_t place = slot(what) + (forward ? units() : std::size_t{0} - units());
    ticks& when = (forward ? inputs_ : gradients_)[place];
    const ticks before =
        std::exchange(when, to == rank ? end : end + hop_of(model_, what, rank, to));
    if (before < absent) {
      runnable_.push_back(static_cast<int>(-2 - before));
    }
  }

  constexpr void advance(int rank) {
    const row& actions = plan_.row_of(rank);
    constant_vector<interval>& times = result_.timeline[index(rank)];
    state& mine = ranks_[index(rank)];
    while (mine.next < actions.size()) {
      const action& what = actions[mine.next];
      if (!is_compute(what.kind)) {
        times[mine.next++] = {mine.now, mine.now};
        continue;
      }
      check(what, rank);
      const bool paired = what.with_next && mine.next + 1 < actions.size();
      ticks start = mine.now;
      if (what.kind != kind::backward_weight) {
        const ticks input = ready(what, rank);
        if (input == absent) {
          return;
        }
        start = (std::max)(start, input);
      }
      ticks taken = 0;
      if (paired) {
        const action& second = actions[mine.next + 1];
        check(second, rank);
        const ticks input = ready(second, rank);
        if (input == absent) {
          return;
        }
        start = (std::max)(start, input);
        taken = pair_time(model_, what, second);
      } else {
        taken = time_of(model_, what);
      }
      const ticks end = start + taken;
      if (mine.started < 0) {
        mine.started = start;
      }
      mine.busy += taken;
      mine.now = end;
      for (int i = 0; i < (paired ? 2 : 1); ++i) {
        times[mine.next] = {start, end};
        complete(actions[mine.next++], rank, end, mine);
      }
    }
  }

  constexpr void complete(const action& what, int rank, ticks end, state& mine) {
    std::uint8_t& done = done_[slot(what)];
    if (what.kind == kind::forward) {
      done |= forward_done;
      mine.peak_held = (std::max)(mine.peak_held, ++mine.held);
      mine.memory += activation_of(model_, what);
      mine.peak_memory = (std::max)(mine.peak_memory, mine.memory);
    } else if (what.kind == kind::backward_weight) {
      done |= weight_done;
      mine.memory -= retained_of(model_, what);
      return;
    } else {
      const bool whole = what.kind == kind::backward;
      done |= whole ? input_done | weight_done : input_done;
      mine.released = true;
      --mine.held;
      mine.memory -= activation_of(model_, what) - (whole ? 0 : retained_of(model_, what));
    }
    publish(what, rank, end);
  }

  /// An action that cannot be meant where it stands.
  constexpr void check(const action& what, int rank) const {
    if (!is_within(plan_, what) || plan_.placement.rank_of(what.stage) != rank) {
      refuse_action(rank, what, "is not in the plan's shape or placement");
    }
    const std::uint8_t done = done_[slot(what)];
    const bool forward = what.kind == kind::forward;
    const bool weight = what.kind == kind::backward_weight;
    if (done & (forward ? forward_done : weight ? weight_done : input_done)) {
      refuse_action(rank, what, "comes twice");
    }
    if (!forward && !(done & (weight ? input_done : forward_done))) {
      refuse_action(rank, what, weight ? "comes before its I" : "comes before its forward");
    }
  }

  constexpr void finish(int rank, const state& each) {
    result_.busy[index(rank)] = each.busy;
    // Without a backward pass nothing is kept beyond the action that made it.
    const bool serves = !each.released && each.peak_held > 0;
    result_.peak_activations[index(rank)] = serves ? 1 : each.peak_held;
    result_.peak_memory[index(rank)] =
        serves ? each.peak_memory / each.peak_held : each.peak_memory;
    result_.makespan = (std::max)(result_.makespan, each.now);
    result_.span = (std::max)(result_.span, each.now - (std::max)(each.started, ticks{0}));
  }

  [[noreturn]] static void refuse_action(int rank, const action& what, const char* why) {
    refuse("pipeline: simulate: rank " + std::to_string(rank) + ": " + to_text(what) + ' ' + why,
           rank);
  }
  [[noreturn]] static void refuse_stuck(int rank, const action& what) {
    raise(error{error_code::unsound_schedule,
                "pipeline: simulate: the plan cannot end: rank " + std::to_string(rank) +
                    " waits for ever before " + to_text(what),
                rank});
  }
  const plan& plan_;
  const Model& model_;
  forecast& result_;
  constant_vector<ticks> inputs_{};
  constant_vector<ticks> gradients_{};
  constant_vector<std::uint8_t> done_{};
  constant_vector<state> ranks_{};
  constant_vector<int> runnable_{};
};

}  // namespace detail

/// Plays a plan on a cost model, exactly: each rank runs its actions in order, each as soon as the
/// rank is free and its input is there. Messages take time on the way and none on the ranks.
///
/// Refused: an action twice, out of place or before what it needs, rows that wait for each other,
/// and costs that are none. Cost: O(actions) time and memory.
template <cost_model Model>
[[nodiscard]] constexpr forecast simulate(plan planned, const Model& model) {
  detail::require_fitting("simulate", planned);
  forecast result{};
  result.plan = std::move(planned);
  const std::size_t ranks = result.plan.rows.size();
  // Not resize: clang 14 cannot evaluate that of libstdc++ 12 at compile time.
  result.timeline.assign(ranks, {});
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    result.timeline[rank].assign(result.plan.rows[rank].size(), {});
  }
  result.busy.assign(ranks, {});
  result.peak_activations.assign(ranks, {});
  result.peak_memory.assign(ranks, {});
  detail::player<Model>{result.plan, model, result}.play();
  return result;
}

}  // namespace rondo::inline v0_1::pipeline
