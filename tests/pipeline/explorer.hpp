// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/pipeline/prove.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

/// An oracle for `find_hang`: tries every interleaving of a small lowered plan, state by state, and
/// shares no idea with the prover: it keeps program counters and knows no lanes or merged halves.
namespace explorer {

using rondo::pipeline::action;
using rondo::pipeline::channel;
using rondo::pipeline::kind;
using rondo::pipeline::plan;

class exploration {
 public:
  exploration(const plan& explored, channel carried) : plan_{explored}, channel_{carried} {}

  /// Whether some interleaving ends in a state from which nothing can go on.
  [[nodiscard]] bool can_hang() {
    std::vector<std::string> open{initial()};
    std::set<std::string> seen{open.front()};
    while (!open.empty()) {
      const std::string state = open.back();
      open.pop_back();
      const auto next = successors(state);
      if (next.empty() && state.find('0') != std::string::npos) {
        return true;
      }
      for (const std::string& each : next) {
        if (seen.insert(each).second) {
          open.push_back(each);
        }
      }
    }
    return false;
  }

 private:
  // A state is one character per action, row after row: '1' when it is done.
  [[nodiscard]] std::string initial() {
    std::string state;
    for (const auto& row : plan_.rows) {
      begin_.push_back(state.size());
      state.append(row.size(), '0');
    }
    return state;
  }

  struct position {
    std::size_t rank;
    std::size_t i;
  };

  [[nodiscard]] const action& at(position p) const { return plan_.rows[p.rank][p.i]; }
  [[nodiscard]] bool done(const std::string& state, position p) const {
    return state[begin_[p.rank] + p.i] == '1';
  }

  [[nodiscard]] int peer(const action& message) const {
    return plan_.placement.rank_of(rondo::pipeline::far_stage(message));
  }

  /// Whether `earlier` must be done before `later` of the same row may begin.
  [[nodiscard]] bool in_order(const action& earlier, const action& later) const {
    if (channel_ == channel::mailbox || channel_ == channel::rendezvous) {
      return true;
    }
    const bool message = is_message(later.kind);
    if (!is_message(earlier.kind)) {
      return true;  // computation precedes both computation and messages
    }
    if (!message) {  // a computation waits for the message that brings its input only
      return earlier.stage == later.stage && earlier.micro_batch == later.micro_batch &&
             ((earlier.kind == kind::receive_forward && later.kind == kind::forward) ||
              (earlier.kind == kind::receive_backward && makes_input_gradient(later.kind)));
    }
    return channel_ == channel::stream_per_rank ||
           (peer(earlier) == peer(later) &&
            (channel_ == channel::stream_per_peer || is_send(earlier.kind) == is_send(later.kind)));
  }

  [[nodiscard]] bool may_begin(const std::string& state, position p) const {
    if (done(state, p)) {
      return false;
    }
    for (std::size_t i = 0; i < p.i; ++i) {
      if (!done(state, {p.rank, i}) && in_order(at({p.rank, i}), at(p))) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] bool find(const action& wanted, position& found) const {
    for (std::size_t rank = 0; rank < plan_.rows.size(); ++rank) {
      for (std::size_t i = 0; i < plan_.rows[rank].size(); ++i) {
        if (plan_.rows[rank][i] == wanted) {
          found = {rank, i};
          return true;
        }
      }
    }
    return false;
  }

  [[nodiscard]] std::vector<std::string> successors(const std::string& state) const {
    std::vector<std::string> next;
    for (std::size_t rank = 0; rank < plan_.rows.size(); ++rank) {
      for (std::size_t i = 0; i < plan_.rows[rank].size(); ++i) {
        const position here{rank, i};
        if (!may_begin(state, here)) {
          continue;
        }
        std::string after = state;
        after[begin_[rank] + i] = '1';
        if (!is_message(at(here).kind)) {
          next.push_back(after);
          continue;
        }
        position there{};
        const bool has_half = find(rondo::pipeline::other_half(at(here)), there);
        if (channel_ == channel::mailbox) {
          if (is_send(at(here).kind) || (has_half && done(state, there))) {
            next.push_back(after);
          }
        } else if (is_send(at(here).kind) && has_half && may_begin(state, there)) {
          after[begin_[there.rank] + there.i] = '1';
          next.push_back(after);
        }
      }
    }
    return next;
  }

  const plan& plan_;
  channel channel_;
  std::vector<std::size_t> begin_{};
};

}  // namespace explorer
