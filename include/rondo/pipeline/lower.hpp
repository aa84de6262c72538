// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/core/error.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::pipeline {

/// Where the two halves of a message are put.
enum class lowering : unsigned char {
  /// Receive just before use, send just after production. Best where messages find their receiver
  /// by tag and wait in a mailbox; almost every schedule hangs with it if sends block.
  at_use,
  /// Both halves when the sender has produced, as PyTorch does: the same order on both sides, so
  /// that no channel hangs. Receives may stand long before their use.
  paired
};

namespace detail {

/// Refuses a plan whose parts or actions do not fit each other. Cost: O(actions).
inline void require_fitting_actions(std::string_view who, const plan& read) {
  require_fitting(who, read);
  for (int rank = 0; rank < read.ranks(); ++rank) {
    for (const action& what : read.row_of(rank)) {
      if (what.kind == kind::idle) {
        continue;
      }
      if (!is_within(read, what) ||
          (is_message(what.kind) && !has_far_stage(what, read.placement))) {
        raise(error{error_code::unsound_schedule, "pipeline: " + std::string{who} + ": " +
                                                      to_text(what) +
                                                      " is outside the plan's shape"});
      }
      if (read.placement.rank_of(what.stage) != rank) {
        raise(error{error_code::unsound_schedule,
                    "pipeline: " + std::string{who} + ": rank " + std::to_string(rank) + ": " +
                        to_text(what) + " is on a rank without its stage",
                    rank});
      }
    }
  }
}

/// Plays the rows slot by slot, one action (or pair) per rank and slot, idle cells included, and
/// writes both halves of each message where its sender stands.
class paired_lowering {
 public:
  explicit paired_lowering(const plan& computes)
      : from_{computes},
        lowered_{computes.shape, computes.placement, std::vector<row>(computes.rows.size()),
                 computes.name},
        next_(computes.rows.size(), 0),
        there_(2 * index(computes.placement.stages() * computes.shape.units()), std::uint8_t{0}) {
    for (std::size_t rank = 0; rank < from_.rows.size(); ++rank) {
      lowered_.rows[rank].reserve(from_.rows[rank].size() * 3);
    }
  }

  [[nodiscard]] plan take() {
    for (bool progress = true; progress;) {
      progress = false;
      for (int rank = 0; rank < from_.ranks(); ++rank) {
        progress = step(rank) || progress;
      }
    }
    for (int rank = 0; rank < from_.ranks(); ++rank) {
      if (next_[index(rank)] < from_.row_of(rank).size()) {
        raise(error{error_code::unsound_schedule,
                    "pipeline: lower: the plan cannot end: rank " + std::to_string(rank) +
                        " waits for ever before " + to_text(from_.row_of(rank)[next_[index(rank)]]),
                    rank});
      }
    }
    return std::move(lowered_);
  }

 private:
  /// Whether the input of F, B or I is on its rank; made so by the actions before.
  [[nodiscard]] std::uint8_t& there(bool forward, int stage, const action& what) {
    const int unit = from_.shape.unit_of(what.micro_batch, what.slice);
    return there_[2 * index(stage * from_.shape.units() + unit) + (forward ? 0 : 1)];
  }

  [[nodiscard]] bool ready(const action& what) {
    if (!is_compute(what.kind) || what.kind == kind::backward_weight) {
      return true;
    }
    const bool forward = what.kind == kind::forward;
    return enters_at(what.stage, forward, from_.placement) || there(forward, what.stage, what);
  }

  void publish(const action& what) {
    const bool forward = what.kind == kind::forward;
    if ((!forward && !makes_input_gradient(what.kind)) ||
        leaves_at(what.stage, forward, from_.placement)) {
      return;
    }
    const int stage = stage_after(what.stage, forward);
    there(forward, stage, what) = 1;
    if (const action send = send_after(what, from_.placement); send.kind != kind::idle) {
      lowered_.rows[index(from_.placement.rank_of(what.stage))].push_back(send);
      lowered_.rows[index(from_.placement.rank_of(stage))].push_back(other_half(send));
    }
  }

  bool step(int rank) {
    const row& actions = from_.row_of(rank);
    std::size_t& at = next_[index(rank)];
    if (at == actions.size()) {
      return false;
    }
    const std::size_t end = at + (actions[at].with_next && at + 1 < actions.size() ? 2 : 1);
    for (std::size_t i = at; i < end; ++i) {
      if (!ready(actions[i])) {
        return false;
      }
    }
    const std::size_t begin = std::exchange(at, end);
    for (std::size_t i = begin; i < end; ++i) {
      if (actions[i].kind != kind::idle) {
        lowered_.rows[index(rank)].push_back(actions[i]);
      }
    }
    for (std::size_t i = begin; i < end; ++i) {
      publish(actions[i]);
    }
    return true;
  }

  const plan& from_;
  plan lowered_;
  std::vector<std::size_t> next_;
  std::vector<std::uint8_t> there_;
};

[[nodiscard]] constexpr plan lower_at_use(const plan& computes) {
  plan lowered{computes.shape, computes.placement, {}, computes.name};
  for (const row& actions : computes.rows) {
    row out;
    out.reserve(actions.size() * 3);
    const auto add = [&](const action& what) {
      if (what.kind != kind::idle) {
        out.push_back(what);
      }
    };
    for (std::size_t i = 0; i < actions.size();) {
      const std::size_t end = i + (actions[i].with_next && i + 1 < actions.size() ? 2 : 1);
      for (std::size_t j = i; j < end; ++j) {
        add(receive_before(actions[j], computes.placement));
      }
      for (std::size_t j = i; j < end; ++j) {
        add(actions[j]);
      }
      for (std::size_t j = i; j < end; ++j) {
        add(send_after(actions[j], computes.placement));
      }
      i = end;
    }
    lowered.rows.push_back(std::move(out));
  }
  return lowered;
}

/// A message with its place in one order of all messages of a plan.
struct timed_message {
  ticks when = 0;           ///< the end of the action that makes it
  std::uint64_t order = 0;  ///< among those of one time; the same on both ranks
  action half{};
  friend bool operator<(const timed_message& a, const timed_message& b) {
    return a.when != b.when ? a.when < b.when : a.order < b.order;
  }
};

/// A row with messages put in, each before the first action that starts when it is made or later.
[[nodiscard]] inline row merge_in_time(const row& actions, const constant_vector<interval>& times,
                                       std::vector<timed_message> messages) {
  std::sort(messages.begin(), messages.end());
  row out;
  out.reserve(actions.size() + messages.size());
  auto next = messages.begin();
  for (std::size_t i = 0; i < actions.size(); ++i) {
    for (; next != messages.end() && next->when <= times[i].start; ++next) {
      out.push_back(next->half);
    }
    if (actions[i].kind != kind::idle) {
      out.push_back(actions[i]);
    }
  }
  for (; next != messages.end(); ++next) {
    out.push_back(next->half);
  }
  return out;
}

/// Costs of at least one tick, so that an action ends after it starts.
template <cost_model Model>
struct at_least_one_tick {
  const Model& model;
  [[nodiscard]] ticks time(const action& what) const {
    return (std::max)(ticks{1}, detail::time_of(model, what));
  }
  [[nodiscard]] ticks pair_time(const action& a, const action& b) const {
    return (std::max)(ticks{1}, detail::pair_time(model, a, b));
  }
  [[nodiscard]] ticks hop_time(const action& what, int from, int to) const {
    return detail::hop_of(model, what, from, to);
  }
};

}  // namespace detail

/// Puts both halves of each message where, by the costs, its sender has produced it: in between
/// what both ranks then do. All ranks follow one order of time, so that no channel hangs, and ranks
/// whose actions take what was expected hardly wait. Cost: O(actions log actions).
template <cost_model Model>
[[nodiscard]] plan lower_in_time(const plan& computes, const Model& model) {
  detail::require_fitting_actions("lower", computes);
  const forecast played = simulate(computes, detail::at_least_one_tick<Model>{model});
  std::vector<std::vector<detail::timed_message>> messages(computes.rows.size());
  std::uint64_t order = 0;
  for (std::size_t rank = 0; rank < computes.rows.size(); ++rank) {
    for (std::size_t i = 0; i < computes.rows[rank].size(); ++i) {
      const action send = send_after(computes.rows[rank][i], computes.placement);
      if (send.kind != kind::idle) {
        const ticks when = played.timeline[rank][i].end;
        const auto to = static_cast<std::size_t>(computes.placement.rank_of(far_stage(send)));
        messages[rank].push_back({when, order, send});
        messages[to].push_back({when, order++, other_half(send)});
      }
    }
  }
  plan lowered{computes.shape, computes.placement, {}, computes.name};
  for (std::size_t rank = 0; rank < computes.rows.size(); ++rank) {
    lowered.rows.push_back(detail::merge_in_time(computes.rows[rank], played.timeline[rank],
                                                 std::move(messages[rank])));
  }
  return lowered;
}

/// Adds the messages that a plan of compute actions needs; drops idle cells. Refuses rows that wait
/// for each other whatever the channel.
[[nodiscard]] inline plan lower(const plan& computes, lowering order = lowering::paired) {
  detail::require_fitting_actions("lower", computes);
  return order == lowering::paired ? detail::paired_lowering{computes}.take()
                                   : detail::lower_at_use(computes);
}

}  // namespace rondo::inline v0_1::pipeline
