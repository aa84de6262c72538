// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/pipeline/check.hpp>
#include <rondo/pipeline/lower.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A proof that a plan cannot hang on the channel that carries it.
namespace rondo::inline v0_1::pipeline {

/// How messages of one rank wait for each other.
enum class channel : unsigned char {
  /// Sends never wait; a receive waits for its own message, found by its tag.
  mailbox,
  /// A send and its receive wait for each other, and the rank with them: blocking send and receive.
  rendezvous,
  /// Messages run beside the computation, in order, as on streams; both halves wait for each other.
  stream_per_rank,       ///< one stream for all messages of a rank
  stream_per_peer,       ///< one for each other rank
  stream_per_direction,  ///< one for each other rank and each direction
};

[[nodiscard]] constexpr std::string_view name_of(channel carried) {
  constexpr std::string_view names[] = {"mailbox", "rendezvous", "stream_per_rank",
                                        "stream_per_peer", "stream_per_direction"};
  return names[static_cast<std::size_t>(carried)];
}

namespace detail {

/// Merges every send with its receive and takes actions in topological order, without building the
/// graph: each rank has lanes (its program, and its message streams), and the head of a lane is
/// taken as soon as all before it are. All orders lead to the same end, so one run decides.
class lane_machine {
 public:
  lane_machine(const plan& lowered, channel carried) : plan_{lowered}, channel_{carried} {
    lanes_ = carried == channel::mailbox || carried == channel::rendezvous ? 1
             : carried == channel::stream_per_rank                         ? 2
             : carried == channel::stream_per_peer                         ? 1 + lowered.ranks()
                                                   : 1 + 2 * lowered.ranks();
    heads_.assign(index(lanes_ * lowered.ranks()), none);
    next_.resize(lowered.rows.size());
    arrivals_.assign(2 * index(lowered.placement.stages() * lowered.shape.units()),
                     std::uint8_t{0});
    for (int rank = 0; rank < lowered.ranks(); ++rank) {
      const row& actions = lowered.row_of(rank);
      std::vector<std::uint32_t>& next = next_[index(rank)];
      next.resize(actions.size());
      for (std::size_t i = actions.size(); i-- > 0;) {
        const std::size_t lane = lane_of(actions[i], rank);
        next[i] = heads_[lane];
        heads_[lane] = static_cast<std::uint32_t>(i);
        if (is_receive(actions[i].kind)) {
          arrival(actions[i], actions[i].kind == kind::receive_forward) = pending;
        }
      }
    }
  }

  /// Empty if everything is taken; else who waits for whom.
  [[nodiscard]] std::optional<std::string> run() {
    for (int lane = 0; lane < lanes_ * plan_.ranks(); ++lane) {
      touched_.push_back(index(lane));
    }
    while (!touched_.empty()) {
      const std::size_t lane = touched_.back();
      touched_.pop_back();
      while (advance(lane)) {
      }
    }
    for (std::size_t lane = 0; lane < heads_.size(); ++lane) {
      if (heads_[lane] != none) {
        return explain(lane);
      }
    }
    return std::nullopt;
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  enum : std::uint8_t { absent, pending, arrived };

  [[nodiscard]] int rank_of(std::size_t lane) const { return static_cast<int>(lane) / lanes_; }
  [[nodiscard]] std::size_t program_of(int rank) const { return index(rank * lanes_); }
  [[nodiscard]] int peer_of(const action& message) const {
    return plan_.placement.rank_of(far_stage(message));
  }

  [[nodiscard]] std::size_t lane_of(const action& what, int rank) const {
    if (lanes_ == 1 || !is_message(what.kind)) {
      return program_of(rank);
    }
    switch (channel_) {
      case channel::stream_per_rank:
        return program_of(rank) + 1;
      case channel::stream_per_peer:
        return program_of(rank) + index(1 + peer_of(what));
      default:
        return program_of(rank) + index(1 + 2 * peer_of(what) + (is_send(what.kind) ? 0 : 1));
    }
  }

  [[nodiscard]] const action& head(std::size_t lane) const {
    return plan_.row_of(rank_of(lane))[heads_[lane]];
  }

  /// How far the message is that brings an input; a fragment of a plan may have none.
  [[nodiscard]] std::uint8_t& arrival(const action& at_receiver, bool ahead) {
    const int unit = plan_.shape.unit_of(at_receiver.micro_batch, at_receiver.slice);
    return arrivals_[2 * index(at_receiver.stage * plan_.shape.units() + unit) + (ahead ? 0 : 1)];
  }
  void mark_arrived(const action& receive) {
    arrival(receive, receive.kind == kind::receive_forward) = arrived;
  }

  /// A message of a stream starts after the computation that stands before it in the row.
  [[nodiscard]] bool computed(std::size_t lane) const {
    return lanes_ == 1 || heads_[program_of(rank_of(lane))] > heads_[lane];
  }

  [[nodiscard]] bool input_there(const action& what) {
    return lanes_ == 1 || receive_before(what, plan_.placement).kind == kind::idle ||
           arrival(what, what.kind == kind::forward) != pending;
  }

  void pop(std::size_t lane) {
    const std::size_t rank = index(rank_of(lane));
    const std::uint32_t at = std::exchange(heads_[lane], next_[rank][heads_[lane]]);
    if (lanes_ > 1 && lane == program_of(rank_of(lane))) {
      // The messages between the computation just done and the next may start.
      const row& actions = plan_.rows[rank];
      for (std::size_t i = at + 1; i < actions.size() && is_message(actions[i].kind); ++i) {
        touched_.push_back(lane_of(actions[i], rank_of(lane)));
      }
    }
  }

  bool advance(std::size_t lane) {
    if (heads_[lane] == none) {
      return false;
    }
    const action what = head(lane);
    if (!is_message(what.kind)) {
      if (!input_there(what)) {
        return false;
      }
      pop(lane);
      return true;
    }
    if (channel_ == channel::mailbox) {
      if (is_send(what.kind)) {
        mark_arrived(other_half(what));
        touched_.push_back(program_of(peer_of(what)));
      } else if (arrival(what, what.kind == kind::receive_forward) != arrived) {
        return false;
      }
      pop(lane);
      return true;
    }
    const action half = other_half(what);
    const std::size_t other = lane_of(half, peer_of(what));
    if (!computed(lane) || heads_[other] == none || head(other) != half || !computed(other)) {
      return false;
    }
    mark_arrived(is_send(what.kind) ? half : what);
    pop(lane);
    pop(other);
    touched_.push_back(other);
    touched_.push_back(program_of(rank_of(other)));
    touched_.push_back(program_of(rank_of(lane)));
    return true;
  }

  struct cause {
    std::size_t lane;  ///< whose head must be taken first
    std::string why;
  };

  /// Why the head of a lane cannot be taken.
  [[nodiscard]] cause cause_of(std::size_t lane) const {
    const action what = head(lane);
    const int rank = rank_of(lane);
    const auto at = [&](int r) { return "rank " + std::to_string(r); };
    if (!is_message(what.kind)) {
      const action receive = receive_before(what, plan_.placement);
      return {lane_of(receive, rank),
              at(rank) + " cannot begin " + to_text(what) + " before its own " + to_text(receive)};
    }
    if (!computed(lane)) {
      const std::size_t program = program_of(rank);
      return {program, at(rank) + " has " + to_text(what) + " after " + to_text(head(program))};
    }
    const action half = other_half(what);
    const std::size_t other = lane_of(half, peer_of(what));
    return {other, at(rank) + " at " + to_text(what) + " waits for " + at(peer_of(what)) +
                       " to reach " + to_text(half)};
  }

  [[nodiscard]] bool holds(std::size_t lane, const action& wanted) const {
    for (std::uint32_t i = heads_[lane]; i != none; i = next_[index(rank_of(lane))][i]) {
      if (plan_.row_of(rank_of(lane))[i] == wanted) {
        return true;
      }
    }
    return false;
  }

  /// Follows causes until a lane comes twice: those from there on are the cycle.
  [[nodiscard]] std::string explain(std::size_t lane) const {
    std::vector<std::size_t> seen;
    std::vector<std::string> reasons;
    while (std::find(seen.begin(), seen.end(), lane) == seen.end()) {
      const action what = head(lane);
      cause because = cause_of(lane);
      seen.push_back(lane);
      reasons.push_back(because.why);
      if (is_message(what.kind) && computed(lane) && !holds(because.lane, other_half(what))) {
        return because.why + ", which never comes";
      }
      lane = because.lane;
    }
    const auto first = std::find(seen.begin(), seen.end(), lane) - seen.begin();
    std::string text = "wait cycle: ";
    for (std::size_t i = static_cast<std::size_t>(first); i < reasons.size(); ++i) {
      text += (i == static_cast<std::size_t>(first) ? "" : "; ") + reasons[i];
    }
    return text;
  }

  const plan& plan_;
  channel channel_;
  int lanes_ = 1;
  std::vector<std::uint32_t> heads_{};              ///< [rank * lanes + lane]
  std::vector<std::vector<std::uint32_t>> next_{};  ///< [rank][i]: the next action in i's lane
  std::vector<std::uint8_t> arrivals_{};
  std::vector<std::size_t> touched_{};
};

}  // namespace detail

/// How the messages of a lowered plan would hang on a channel, as a sentence; nothing if they
/// cannot. The plan may be a fragment. Cost: O(actions). Errors: parts that do not fit each other,
/// a message that goes beyond the ends of a chain.
[[nodiscard]] inline std::optional<std::string> find_hang(const plan& lowered, channel carried) {
  detail::require_fitting_actions("find_hang", lowered);
  return detail::lane_machine{lowered, carried}.run();
}

namespace detail {
struct proof;
}  // namespace detail

/// A plan with its messages, proved to be whole and not to hang on `carried_by()`. Only `prove`
/// makes one; `run` takes nothing else.
class proved {
 public:
  [[nodiscard]] const pipeline::plan& plan() const noexcept { return plan_; }
  [[nodiscard]] channel carried_by() const noexcept { return channel_; }

 private:
  friend struct detail::proof;
  proved(pipeline::plan lowered, channel carried) : plan_{std::move(lowered)}, channel_{carried} {}

  pipeline::plan plan_;
  channel channel_;
};

namespace detail {

/// What alone makes a `proved`.
struct proof {
  [[nodiscard]] static proved of(plan lowered, channel carried) {
    check(lowered);
    if (const auto hang = find_hang(lowered, carried)) {
      raise(error{error_code::unsound_schedule, "pipeline: prove: the plan hangs on " +
                                                    std::string{name_of(carried)} + ": " + *hang});
    }
    return {std::move(lowered), carried};
  }
};

}  // namespace detail

/// Adds messages, unless the plan has its own, and proves that the plan is whole and cannot hang.
/// `model` says where messages go best; the proof does not hang on it. For mailboxes messages go
/// where they are used, for other channels where their sender has produced them by `model`'s clock.
/// Throws `error` (unsound_schedule) that names what is missing, or prints the wait cycle.
/// A proof for rendezvous holds for tagged mailboxes too. Cost: O(actions log actions).
template <cost_model Model>
[[nodiscard]] proved prove(const plan& written, channel carried, const Model& model) {
  return detail::proof::of(written.has_messages()        ? written
                           : carried == channel::mailbox ? lower(written, lowering::at_use)
                                                         : lower_in_time(written, model),
                           carried);
}
[[nodiscard]] inline proved prove(const plan& written, channel carried) {
  return prove(written, carried, costs{});
}

}  // namespace rondo::inline v0_1::pipeline
