// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/footprint.hpp>
#include <rondo/schedule/detail/traffic.hpp>
#include <rondo/schedule/host.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace rondo::inline v0_1::schedule::detail {

/// Replays `calls` calls of a schedule, one after another, on a `host`: every core gives its ranks
/// their turns, in the order of time.
class turns {
 public:
  turns(const traffic& of, const footprint& memory, const host& on, double bytes, int calls)
      : traffic_{of},
        on_{on},
        handover_{on.handover > shortest ? on.handover : shortest},
        chunk_bytes_{bytes / of.chunks()},
        memory_{memory},
        calls_{static_cast<std::size_t>(calls)},
        ends_(calls_, 0.0),
        ranks_(static_cast<std::size_t>(of.ranks())),
        cores_(static_cast<std::size_t>(on.cores < of.ranks() ? on.cores : of.ranks())),
        posted_(of.end(of.ranks() - 1) * calls_, never),
        taken_(posted_.size(), never) {
    for (int rank = 0; rank < of.ranks(); ++rank) {
      at(rank).begin = of.begin(rank);
      core_of(rank).ranks.push_back(rank);
    }
  }

  void play() {
    while (core_state* const next = earliest()) {
      visit(*next);
    }
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      if (ranks_[rank].now != phase::done) {
        traffic::refuse_waiting(static_cast<int>(rank));
      }
    }
  }

  /// When the last rank has left call `number`, from 0 on.
  [[nodiscard]] double end_of(int number) const { return ends_[static_cast<std::size_t>(number)]; }

 private:
  static constexpr double shortest = 1e-7;  ///< a core does not change hands in less
  static constexpr double never = std::numeric_limits<double>::infinity();

  enum class phase : unsigned char { working, taking, leaving, done };
  struct rank_state {
    std::size_t begin = 0, end = 0;  ///< steps of its round
    std::size_t at = 0;              ///< the step in hand
    std::size_t call = 0;
    phase now = phase::working;
    double wake = 0;     ///< when it can go on, as far as is known
    int awaited = -1;    ///< for whom it waits
    bool spent = false;  ///< it has looked long enough, and now looks once in each of its turns
  };
  struct core_state {
    double now = 0;
    double quiet = 0;  ///< nothing happens here before
    std::vector<int> ranks{};
    std::size_t turn = 0;
    bool asleep = false;   ///< until another core does something for it
    bool looking = false;  ///< the rank whose turn it is waits and keeps the core,
    double since = 0;      ///< from then on
    double until = 0;      ///< and no longer than this
  };

  [[nodiscard]] rank_state& at(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }
  /// Where `posted_` and `taken_` keep what happens to a step in the rank's call.
  [[nodiscard]] std::size_t event(const rank_state& self, std::size_t step) const {
    return self.call * traffic_.end(traffic_.ranks() - 1) + step;
  }
  [[nodiscard]] core_state& core_of(int rank) {
    return cores_[static_cast<std::size_t>(rank) % cores_.size()];
  }

  [[nodiscard]] core_state* earliest() {
    core_state* found = nullptr;
    for (core_state& one : cores_) {
      if (!one.asleep && (found == nullptr || one.now < found->now)) {
        found = &one;
      }
    }
    return found;
  }

  /// The rank whose turn it is does what it can.
  void visit(core_state& here) {
    const int rank = here.ranks[here.turn];
    at(rank).wake = advance(rank, here.now);
    if (looks_on(here, at(rank))) {
      return;
    }
    here.turn = (here.turn + 1) % here.ranks.size();
    double wake = never;
    for (const int one : here.ranks) {
      wake = at(one).wake < wake ? at(one).wake : wake;
    }
    here.asleep = wake == never;
    here.quiet = wake;
    if (here.ranks.size() == 1) {
      here.now = here.asleep || wake < here.now ? here.now : wake;
      return;
    }
    const double step = here.now * std::numeric_limits<double>::epsilon();  // that still counts
    here.now += handover_ > step ? handover_ : step;
    // Turns pass until somebody wakes, here or where somebody may do something for ranks here.
    for (const core_state& other : cores_) {
      const double next = other.now > other.quiet ? other.now : other.quiet;
      wake = &other != &here && !other.asleep && next < wake ? next : wake;
    }
    if (wake != never) {
      pass_turns(here, wake);
    }
  }

  /// Whether a rank that waits keeps the core that it shares, for now.
  bool looks_on(core_state& here, rank_state& self) {
    const bool may = here.ranks.size() > 1 && self.now != phase::done && !self.spent &&
                     &core_of(self.awaited) != &here;
    if (may && !here.looking) {
      here.since = here.now;
      here.until = here.now + on_.patience;
    }
    here.looking = may && here.now < here.until;
    if (here.looking) {
      here.now = self.wake < here.until ? self.wake : here.until;
      here.quiet = 0;
    }
    self.spent = !here.looking;
    return here.looking;
  }

  /// Lets whole rounds of turns pass that end before `until`.
  void pass_turns(core_state& here, double until) {
    const double round = static_cast<double>(here.ranks.size()) * handover_;
    if (here.ranks.size() == 1) {
      here.now = until > here.now ? until : here.now;
    } else if (until > here.now + round) {
      const double rounds = (until - here.now) / round;
      here.now +=
          (rounds < 0x1p53 ? static_cast<double>(static_cast<std::int64_t>(rounds)) : rounds) *
          round;
    }
  }

  /// A peer did something for `rank`, which can see it `when`.
  void notify(int rank, double when) {
    at(rank).wake = at(rank).now == phase::done ? never : 0;
    core_state& there = core_of(rank);
    there.asleep = false;
    there.quiet = 0;
    if (there.looking && there.ranks[there.turn] == rank && when < there.now) {
      there.now = when > there.since ? when : there.since;
    }
  }

  [[nodiscard]] double bytes_of(const traffic::entry& one) const {
    return one.chunks * chunk_bytes_;
  }
  [[nodiscard]] bool is_copied(const traffic::entry& one) const {
    return bytes_of(one) <= on_.copied_bytes;
  }
  [[nodiscard]] bool is_awaited(const traffic::entry& one) const {
    return bytes_of(one) > on_.unawaited_bytes;
  }
  /// A copy, a fold, or taking a message and folding it; gives the end.
  [[nodiscard]] double work(std::size_t step, double now) {
    const traffic::entry& one = traffic_[step];
    const bool folds = schedule::folds(one.action());
    const bool lands = one.is_message() && memory_.lands();
    const double landing = lands ? 1 / on_.message_bytes_per_second : 0;
    const double working = folds    ? 1 / on_.fold_bytes_per_second
                           : !lands ? 1 / on_.copy_bytes_per_second
                                    : 0;
    const double end =
        now + bytes_of(one) * (landing + working) + memory_.core_seconds(on_, chunk_bytes_, step);
    bus_ = (bus_ > now ? bus_ : now) + memory_.memory_seconds(on_, chunk_bytes_, step);
    return bus_ > end ? bus_ : end;
  }

  /// Does what rank can do from `now` on; gives the time when it can go on, if that is known.
  double advance(int rank, double& now) {
    rank_state& self = at(rank);
    for (;;) {
      switch (self.now) {
        case phase::working:
          begin_round(rank, now);
          break;
        case phase::taking:
          for (; self.at < self.end; ++self.at) {
            const traffic::entry& one = traffic_[self.at];
            if (!one.is_message() || one.action() == verb::send) {
              continue;
            }
            const double ready = posted_[event(self, one.partner)];
            if (ready > now) {
              self.awaited = one.peer;
              return ready;
            }
            self.spent = false;
            take(rank, self.at, now);
          }
          self.now = phase::leaving;
          self.at = self.begin;
          break;
        case phase::leaving:
          for (; self.at < self.end; ++self.at) {
            if (traffic_[self.at].action() != verb::send) {
              continue;
            }
            const double free = taken_[event(self, self.at)];
            if (free > now) {
              self.awaited = traffic_[self.at].peer;
              return free;
            }
            self.spent = false;
          }
          self.begin = self.end;
          self.now = phase::working;
          if (self.begin == traffic_.end(rank)) {
            ends_[self.call] = now > ends_[self.call] ? now : ends_[self.call];
            self.begin = ++self.call < calls_ ? traffic_.begin(rank) : self.begin;
          }
          break;
        case phase::done:
          return never;
      }
    }
  }

  /// Works through copies and folds, then posts all messages.
  void begin_round(int rank, double& now) {
    rank_state& self = at(rank);
    if (self.begin == traffic_.end(rank)) {
      self.now = phase::done;
      return;
    }
    self.end = traffic_.round_end(self.begin);
    for (std::size_t i = self.begin; i < self.end; ++i) {
      if (!traffic_[i].is_message()) {
        now = work(i, now);
      }
    }
    for (std::size_t i = self.begin; i < self.end; ++i) {
      const traffic::entry& one = traffic_[i];
      if (one.action() == verb::send) {
        const bool copied = is_copied(one);
        now += on_.overhead + (copied ? bytes_of(one) / on_.copy_bytes_per_second : 0);
        const std::size_t there = core_of(one.peer).ranks.size();
        const double round = there > 1 ? static_cast<double>(there) * handover_ : 0;
        posted_[event(self, i)] =
            now + on_.signal + (copied ? 0 : on_.handshake_turns * (on_.signal + round));
        taken_[event(self, i)] = is_awaited(one) ? never : now;
        notify(one.peer, posted_[event(self, i)]);
      }
    }
    self.now = phase::taking;
    self.at = self.begin;
  }

  void take(int rank, std::size_t step, double& now) {
    const traffic::entry& one = traffic_[step];
    const bool copied = is_copied(one);
    now = work(step, now + on_.overhead + (copied ? 0 : on_.handshake));
    if (is_awaited(one)) {
      taken_[event(at(rank), one.partner)] = now + on_.signal;
      notify(one.peer, now + on_.signal);
    }
  }

  const traffic& traffic_;
  const host& on_;
  double handover_;
  double chunk_bytes_;
  const footprint& memory_;
  double bus_ = 0;  ///< memory is free from then on
  std::size_t calls_;
  std::vector<double> ends_;
  std::vector<rank_state> ranks_;
  std::vector<core_state> cores_;
  std::vector<double> posted_;  ///< by step: when a receiver that looks can take it
  std::vector<double> taken_;   ///< by step: when a sender that looks is free of it
};

}  // namespace rondo::inline v0_1::schedule::detail
