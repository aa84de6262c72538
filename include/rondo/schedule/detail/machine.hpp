// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/detail/traffic.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace rondo::inline v0_1::schedule::detail {

/// Sees every step's beginning and end; this one looks away.
struct unrecorded {
  static void see(int, std::size_t, double, double) {}
};

/// The ranks' clocks, and what a step costs.
template <class Recorder>
class machine {
 public:
  machine(const traffic& of, const network& on, double bytes, Recorder& recorder)
      : traffic_{of},
        network_{on},
        chunk_bytes_{bytes / of.chunks()},
        recorder_{recorder},
        ranks_(static_cast<std::size_t>(of.ranks())) {
    for (int rank = 0; rank < of.ranks(); ++rank) {
      at(rank).begin = at(rank).end = of.begin(rank);
    }
  }

  [[nodiscard]] std::vector<double> finished() const {
    std::vector<double> times;
    times.reserve(ranks_.size());
    for (const auto& rank : ranks_) {
      times.push_back(rank.start);
    }
    return times;
  }

 protected:
  struct rank_state {
    std::size_t begin = 0, end = 0;  ///< steps of its round
    double start = 0;                ///< of its round
    double floor = 0;                ///< the round ends no earlier
    double processor = 0;            ///< free from then on, for sends and local steps
    double inbox = 0;                ///< the same for what has come
    int pending = 0;                 ///< messages of its round
    bool entered = false;            ///< its messages may go
  };

  [[nodiscard]] rank_state& at(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }

  [[nodiscard]] double message_seconds(const traffic::entry& one) const {
    const double bytes = one.chunks * chunk_bytes_;
    return one.within_node != 0 ? network_.inner_latency + bytes / network_.inner_bytes_per_second
                                : network_.latency + bytes / network_.bytes_per_second;
  }
  /// Of a copy, of a fold, or of the fold in a receive.
  [[nodiscard]] double local_seconds(const traffic::entry& one) const {
    const double bytes = one.chunks * chunk_bytes_;
    return one.action() == verb::copy      ? bytes / network_.copy_bytes_per_second
           : one.action() == verb::receive ? 0
                                           : bytes / network_.fold_bytes_per_second;
  }

  /// Begins the next round, if there is one, at `start` and counts its messages.
  bool open_round(int rank) {
    rank_state& state = at(rank);
    state.start = state.floor;
    state.entered = false;
    state.begin = state.end;
    if (state.begin == traffic_.end(rank)) {
      return false;
    }
    state.end = traffic_.round_end(state.begin);
    for (std::size_t i = state.begin; i < state.end; ++i) {
      state.pending += traffic_[i].is_message() ? 1 : 0;
    }
    return true;
  }

  /// `seconds` of work that `clock` is free for, not before `from`; gives the end.
  [[nodiscard]] static double occupy(double& clock, double from, double seconds) {
    if (seconds == 0) {
      return from;
    }
    clock = (clock > from ? clock : from) + seconds;
    return clock;
  }

  void end_not_before(int rank, double time) {
    rank_state& state = at(rank);
    state.floor = time > state.floor ? time : state.floor;
  }

  void record(int rank, std::size_t step, double begin, double end) {
    recorder_.see(rank, step - traffic_.begin(rank), begin, end);
  }

  void check_finished() const {
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      if (ranks_[rank].pending > 0) {
        raise(error{error_code::unsound_schedule,
                    "simulate: rank " + std::to_string(rank) +
                        " waits for ever; prove() says in which step",
                    static_cast<int>(rank)});
      }
    }
  }

  const traffic& traffic_;
  const network& network_;
  double chunk_bytes_;
  Recorder& recorder_;
  std::vector<rank_state> ranks_;
};

}  // namespace rondo::inline v0_1::schedule::detail
