// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::pipeline::detail {

/// What a rank takes when both a forward and a backward could begin.
enum class turn : std::uint8_t { backward_first, forward_first, alternate };

/// How one rank decides. Numbers, not code, so that a search can turn them.
struct weaving_rule {
  int lead = 1;  ///< most forwards whose backward is still to come
  turn prefers = turn::backward_first;
  /// A weight gradient begins if the next other action is at least this share of its own time away;
  /// else the rank rather waits. 100: only where it fits whole.
  int patience_percent = 0;
};

/// Weaves F, I and W of all ranks in order of time, each rank by its own rule, weight gradients in
/// the gaps, never above the memory limit. Two ways: freely, for one chunk per rank; or along the F
/// and I of a given plan, for any placement.
template <cost_model Model>
class weaver {
 public:
  static constexpr ticks never = (std::numeric_limits<ticks>::max)();

  weaver(const shape& asked, placement where, const Model& model, std::int64_t memory_limit)
      : model_{model},
        limit_{memory_limit},
        woven_{asked, std::move(where), std::vector<row>(index(asked.stages))} {
    for (row& each : woven_.rows) {
      each.reserve(index(3 * asked.micro_batches * woven_.placement.stages() / asked.stages));
    }
  }

  /// True if all work fits below the limit; then `plan()`, `makespan()` and `span()` tell of it.
  bool weave(const std::vector<weaving_rule>& rules) {
    order_ = nullptr;
    return play(rules);
  }
  bool weave_along(const plan& order, const std::vector<weaving_rule>& rules) {
    order_ = &order;
    return play(rules);
  }

  [[nodiscard]] const pipeline::plan& plan() const { return woven_; }
  [[nodiscard]] ticks makespan() const { return makespan_; }
  [[nodiscard]] ticks span() const { return span_; }
  [[nodiscard]] std::int64_t peak_memory() const { return peak_; }

 private:
  struct rank_state {
    ticks now = 0;
    ticks started = -1;
    ticks wakes = 0;
    bool sleeping = false;
    bool forward_last = true;
    std::int64_t memory = 0;
    int forwards = 0;
    int backwards = 0;
    std::size_t next = 0;     ///< in the order to follow
    std::size_t weights = 0;  ///< taken from `pending`
    std::vector<action> pending{};
  };

  struct choice {
    action what{};
    ticks ready = never;
    bool blocked = false;  ///< by memory
  };

  [[nodiscard]] std::size_t slot(int stage, int micro_batch) const {
    return index(stage) * index(woven_.shape.micro_batches) + index(micro_batch);
  }
  [[nodiscard]] bool fits(const rank_state& mine, const action& forward) const {
    return mine.memory + activation_of(model_, forward) <= limit_;
  }

  void reset() {
    makespan_ = span_ = 0;
    peak_ = 0;
    const placement& where = woven_.placement;
    inputs_.assign(slot(where.stages(), 0), never);
    gradients_.assign(slot(where.stages(), 0), never);
    std::fill_n(inputs_.begin(), woven_.shape.micro_batches, ticks{0});
    states_.resize(woven_.rows.size());
    for (std::size_t rank = 0; rank < states_.size(); ++rank) {
      std::vector<action> pending = std::move(states_[rank].pending);
      pending.clear();
      states_[rank] = {};
      states_[rank].pending = std::move(pending);
      woven_.rows[rank].clear();
      events_.push({0, static_cast<int>(rank)});
    }
  }

  bool play(const std::vector<weaving_rule>& rules) {
    reset();
    while (!events_.empty()) {
      const auto [now, rank] = events_.top();
      events_.pop();
      rank_state& mine = states_[index(rank)];
      if (now == mine.wakes) {
        step(rank, mine, now, rules[index(rank)]);
      }
    }
    bool whole = true;
    for (std::size_t rank = 0; rank < states_.size(); ++rank) {
      const rank_state& mine = states_[rank];
      makespan_ = (std::max)(makespan_, mine.now);
      span_ = (std::max)(span_, mine.now - (std::max)(mine.started, ticks{0}));
      whole = whole && woven_.rows[rank].size() == index(3 * woven_.shape.micro_batches) *
                                                       index(woven_.placement.stages()) /
                                                       states_.size();
    }
    return whole;
  }

  void step(int rank, rank_state& mine, ticks now, const weaving_rule& rule) {
    mine.sleeping = false;
    const choice next = order_ != nullptr ? follow(rank, mine) : choose(rank, mine, now, rule);
    if (next.ready <= now && !next.blocked) {
      begin(rank, mine, now, next.what);
      return;
    }
    if (mine.weights < mine.pending.size()) {
      const action& weight = mine.pending[mine.weights];
      const ticks worth = time_of(model_, weight) * rule.patience_percent;
      if (next.blocked || next.ready == never || 100 * (next.ready - now) >= worth) {
        ++mine.weights;
        begin(rank, mine, now, weight);
        return;
      }
    }
    mine.sleeping = true;
    mine.wakes = next.blocked ? never : next.ready;
    if (mine.wakes != never) {
      events_.push({mine.wakes, rank});
    }
  }

  [[nodiscard]] choice follow(int rank, rank_state& mine) const {
    const row& actions = order_->row_of(rank);
    while (mine.next < actions.size() && actions[mine.next].kind == kind::backward_weight) {
      ++mine.next;
    }
    if (mine.next == actions.size()) {
      return {};
    }
    action what = actions[mine.next];
    what.with_next = false;
    if (what.kind == kind::forward) {
      return {what, inputs_[slot(what.stage, what.micro_batch)], !fits(mine, what)};
    }
    what.kind = kind::backward_input;
    return {what, gradients_[slot(what.stage, what.micro_batch)]};
  }

  [[nodiscard]] choice choose(int rank, const rank_state& mine, ticks now,
                              const weaving_rule& rule) const {
    const int m = woven_.shape.micro_batches;
    choice back{};
    if (mine.backwards < mine.forwards) {
      back = {make_action(kind::backward_input, rank, mine.backwards),
              gradients_[slot(rank, mine.backwards)]};
    }
    choice ahead{};
    const int held = mine.forwards - mine.backwards;
    if (mine.forwards < m && (held < rule.lead || held == 0)) {
      ahead = {make_action(kind::forward, rank, mine.forwards), inputs_[slot(rank, mine.forwards)]};
      ahead.blocked = !fits(mine, ahead.what);
    }
    const bool can_go_back = back.ready <= now;
    const bool can_go_ahead = ahead.ready <= now && !ahead.blocked;
    if (can_go_back && can_go_ahead) {
      const bool first = rule.prefers == turn::forward_first ||
                         (rule.prefers == turn::alternate && !mine.forward_last);
      return first ? ahead : back;
    }
    if (can_go_back) {
      return back;
    }
    if (ahead.blocked && ahead.ready > now) {
      ahead.ready = never;  // nothing to wait for
      ahead.blocked = false;
    }
    if (ahead.blocked && mine.weights == mine.pending.size()) {
      return back;  // only a backward can free memory
    }
    return ahead.ready <= now || ahead.ready < back.ready ? ahead : back;
  }

  void begin(int rank, rank_state& mine, ticks now, const action& what) {
    const ticks end = now + time_of(model_, what);
    mine.started = mine.started < 0 ? now : mine.started;
    if (what.kind == kind::forward) {
      mine.memory += activation_of(model_, what);
      peak_ = (std::max)(peak_, mine.memory);
      ++mine.forwards;
      ++mine.next;
      mine.forward_last = true;
      if (what.stage + 1 < woven_.placement.stages()) {
        publish(what, rank, what.stage + 1, end, inputs_);
      } else {
        gradients_[slot(what.stage, what.micro_batch)] = end;
      }
    } else if (what.kind == kind::backward_input) {
      mine.memory -= activation_of(model_, what) - retained_of(model_, what);
      mine.forward_last = false;
      ++mine.backwards;
      ++mine.next;
      action weight = what;
      weight.kind = kind::backward_weight;
      mine.pending.push_back(weight);
      if (what.stage > 0) {
        publish(what, rank, what.stage - 1, end, gradients_);
      }
    } else {
      mine.memory -= retained_of(model_, what);
    }
    woven_.rows[index(rank)].push_back(what);
    mine.now = end;
    mine.wakes = end;
    events_.push({end, rank});
  }

  void publish(const action& what, int from, int stage, ticks end, std::vector<ticks>& where) {
    const int to = woven_.placement.rank_of(stage);
    const ticks there = to == from ? end : end + hop_of(model_, what, from, to);
    where[slot(stage, what.micro_batch)] = there;
    rank_state& theirs = states_[index(to)];
    if (to != from && theirs.sleeping && there < theirs.wakes) {
      theirs.wakes = there;
      events_.push({there, to});
    }
  }

  struct event {
    ticks when;
    int rank;
    friend bool operator<(const event& a, const event& b) {  // the queue yields the greatest
      return a.when != b.when ? a.when > b.when : a.rank > b.rank;
    }
  };

  const Model& model_;
  std::int64_t limit_;
  const pipeline::plan* order_ = nullptr;
  pipeline::plan woven_;
  std::vector<ticks> inputs_{};
  std::vector<ticks> gradients_{};
  std::vector<rank_state> states_{};
  std::priority_queue<event> events_{};
  ticks makespan_ = 0;
  ticks span_ = 0;
  std::int64_t peak_ = 0;
};

}  // namespace rondo::inline v0_1::pipeline::detail
