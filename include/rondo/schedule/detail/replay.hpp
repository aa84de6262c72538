// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/heap.hpp>
#include <rondo/schedule/detail/traffic.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <vector>

namespace rondo::inline v0_1::schedule::detail {

/// Replays a schedule on a network. A message that shares no port with others of its round depends
/// on the clocks of its two ranks alone, and these are followed in any order. Ranks that have
/// messages that wait for ports enter their rounds in the order of time, from a queue of events.
/// `recorder.see(rank, step, begin, end)` is told of each step.
template <class Recorder>
class replay {
 public:
  replay(const traffic& of, const network& on, double bytes, Recorder& recorder)
      : traffic_{of},
        network_{on},
        chunk_bytes_{bytes / of.chunks()},
        recorder_{recorder},
        ranks_(static_cast<std::size_t>(of.ranks())),
        lanes_(ranks_.size()) {
    for (int rank = 0; rank < of.ranks(); ++rank) {
      at(rank).begin = at(rank).end = of.begin(rank);
    }
  }

  void play() {
    for (int rank = traffic_.ranks(); rank-- > 0;) {
      end_round(rank);
    }
    for (;;) {
      while (!ready_.empty()) {
        const int rank = ready_.back();
        ready_.pop_back();
        enter(rank);
      }
      if (events_.empty()) {
        break;
      }
      step_in_time();
    }
    check_finished();
  }

  [[nodiscard]] std::vector<double> finished() const {
    std::vector<double> times;
    times.reserve(ranks_.size());
    for (const auto& rank : ranks_) {
      times.push_back(rank.start);
    }
    return times;
  }

 private:
  struct rank_state {
    std::size_t begin = 0, end = 0;  ///< steps of its round
    double start = 0;                ///< of its round
    double floor = 0;                ///< the round ends no earlier
    double processor = 0;            ///< free from then on, for sends and local steps
    double inbox = 0;                ///< the same for what has come
    int pending = 0;                 ///< messages of its round
    bool entered = false;            ///< its messages may go
  };

  static constexpr std::size_t entering = ~std::size_t{0};

  /// A rank enters a round, or its send `step` is complete.
  struct event {
    double time;
    int rank;
    std::size_t step;
  };
  [[nodiscard]] static bool later(const event& a, const event& b) {
    if (a.time != b.time) {
      return a.time > b.time;
    }
    return a.rank != b.rank ? a.rank > b.rank : a.step > b.step;
  }

  /// A message that both ends are ready for.
  struct waiting {
    int sender;
    std::size_t send;
  };
  struct lane_state {
    bool sending = false;
    bool receiving = false;
    std::vector<waiting> out;  ///< in the order of the steps
    std::vector<waiting> in;   ///< in the order in which they became ready
  };

  [[nodiscard]] rank_state& at(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] lane_state& lane(int rank) { return lanes_[static_cast<std::size_t>(rank)]; }

  void schedule_event(const event& next) {
    events_.push_back(next);
    push(events_.data(), events_.size(), later);
  }

  /// All that happens at the earliest time.
  void step_in_time() {
    const double now = events_.front().time;
    touched_.clear();
    while (!events_.empty() && events_.front().time == now) {
      const event next = events_.front();
      pop(events_.data(), events_.size(), later);
      events_.pop_back();
      if (next.step == entering) {
        enter(next.rank);
      } else {
        leave(next.rank, next.step);
      }
    }
    for (const int rank : touched_) {
      start_next(now, lane(rank).out);
    }
    for (const int rank : touched_) {
      start_next(now, lane(rank).in);
    }
  }

  [[nodiscard]] bool waits(const traffic::entry& one) const {
    return one.is_message() && one.contended != 0;
  }

  /// Opens the rank's next round, to be entered at once or when its time has come.
  void end_round(int rank) {
    if (!open_round(rank)) {
      return;
    }
    const auto& state = at(rank);
    for (std::size_t i = state.begin; i < state.end; ++i) {
      if (waits(traffic_[i])) {
        schedule_event({state.start, rank, entering});
        return;
      }
    }
    ready_.push_back(rank);
  }

  void enter(int rank) {
    auto& state = at(rank);
    state.entered = true;
    for (std::size_t i = state.begin; i < state.end; ++i) {
      const traffic::entry& one = traffic_[i];
      if (!one.is_message()) {
        const double seconds = local_seconds(one);
        const double end = occupy(state.processor, state.start, seconds);
        end_not_before(rank, end);
        record(rank, i, end - seconds, end);
      }
    }
    if (state.pending == 0) {
      end_round(rank);
      return;
    }
    for (std::size_t i = state.begin, end = state.end; i < end; ++i) {
      const traffic::entry& one = traffic_[i];
      if (!one.is_message()) {
        continue;
      }
      const auto& peer = at(one.peer);
      const bool sends = one.action() == verb::send;
      // A rank that stands for its own peer sees both ends of a message; one will do.
      if (!peer.entered || one.partner < peer.begin || one.partner >= peer.end ||
          (one.peer == rank && !sends)) {
        continue;
      }
      const int sender = sends ? rank : one.peer;
      const std::size_t send = sends ? i : one.partner;
      if (waits(one)) {
        make_ready(sender, send, sends ? one.peer : rank);
      } else {
        pass(sender, send);
      }
    }
  }

  /// A message that has its ports for itself.
  void pass(int sender, std::size_t send) {
    const int receiver = traffic_[send].peer;
    const double here = at(sender).start;
    const double there = at(receiver).start;
    transfer(here > there ? here : there, sender, send, receiver);
    complete(sender);
    complete(receiver);
  }

  void complete(int rank) {
    if (--at(rank).pending == 0) {
      end_round(rank);
    }
  }

  void make_ready(int sender, std::size_t send, int receiver) {
    auto& out = lane(sender).out;
    auto place = out.end();
    while (place != out.begin() && send < place[-1].send) {
      --place;
    }
    out.insert(place, {sender, send});
    lane(receiver).in.push_back({sender, send});
    touched_.push_back(sender);
  }

  /// Starts as many of the messages as ports allow.
  void start_next(double now, std::vector<waiting>& queue) {
    for (std::size_t i = 0; i < queue.size();) {
      const waiting next = queue[i];
      const int receiver = traffic_[next.send].peer;
      if (lane(next.sender).sending && lane(receiver).receiving) {
        return;
      }
      if (lane(next.sender).sending || lane(receiver).receiving) {
        const bool own_port_taken =
            &queue == &lane(receiver).in ? lane(receiver).receiving : lane(next.sender).sending;
        if (own_port_taken) {
          return;
        }
        ++i;
        continue;
      }
      remove(lane(next.sender).out, next.send);
      remove(lane(receiver).in, next.send);
      start(now, next.sender, next.send, receiver);
    }
  }
  static void remove(std::vector<waiting>& from, std::size_t send) {
    auto place = from.begin();
    while (place->send != send) {
      ++place;
    }
    from.erase(place);
  }

  void start(double now, int sender, std::size_t send, int receiver) {
    lane(sender).sending = true;
    lane(receiver).receiving = true;
    schedule_event({transfer(now, sender, send, receiver), sender, send});
  }

  void leave(int sender, std::size_t send) {
    const int receiver = traffic_[send].peer;
    lane(sender).sending = false;
    lane(receiver).receiving = false;
    touched_.push_back(sender);
    touched_.push_back(receiver);
    complete(sender);
    complete(receiver);
  }

  /// Charges both ends for a message that starts now, and gives the time when the ports are free.
  double transfer(double now, int sender, std::size_t send, int receiver) {
    const traffic::entry& sent = traffic_[send];
    const std::size_t receive = sent.partner;
    const double seconds = message_seconds(sent);
    const double folding = local_seconds(traffic_[receive]);
    const double overhead = network_.overhead;
    const double begin = occupy(at(sender).processor, now, overhead);
    const double end = begin + seconds;
    const double folded = occupy(at(receiver).inbox, end, overhead + folding);
    end_not_before(sender, end);
    end_not_before(receiver, folded);
    record(sender, send, begin, end);
    record(receiver, receive, begin, folded);
    return end;
  }

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
        traffic::refuse_waiting(static_cast<int>(rank));
      }
    }
  }

  const traffic& traffic_;
  const network& network_;
  double chunk_bytes_;
  Recorder& recorder_;
  std::vector<rank_state> ranks_;
  std::vector<lane_state> lanes_;
  std::vector<int> ready_;     ///< ranks to enter their rounds at any time
  std::vector<event> events_;  ///< a heap, the earliest first
  std::vector<int> touched_;   ///< ranks whose messages may start now
};

}  // namespace rondo::inline v0_1::schedule::detail
