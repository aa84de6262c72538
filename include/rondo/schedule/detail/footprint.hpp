// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/schedule/detail/heap.hpp>
#include <rondo/schedule/detail/traffic.hpp>
#include <rondo/schedule/host.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <limits>
#include <vector>

namespace rondo::inline v0_1::schedule::detail {

/// What a host keeps in mind of a schedule: the programs of all ranks, and which of their memories
/// are one.
struct memory_plan {
  std::vector<program> rows{};
  bool in_place = false;  ///< input and output are the same bytes

  template <readable Schedule>
  explicit memory_plan(const Schedule& schedule)
      : in_place{schedule.what == collective::broadcast} {
    for (int rank = 0; rank < schedule.size; ++rank) {
      rows.push_back(schedule.row(rank));
    }
  }
};

/// Chunks of memory in the order of their last use.
class recently_used {
 public:
  /// How many chunks were used since this one was, itself among them.
  [[nodiscard]] double since(std::size_t chunk) const {
    return static_cast<double>(order_.size() - place_of(chunk));
  }
  /// The same, and it is used now.
  double use(std::size_t chunk) {
    const std::size_t place = place_of(chunk);
    const auto distance = static_cast<double>(order_.size() - place);
    if (place != never) {
      order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(place));
    }
    order_.push_back(chunk);
    return distance;
  }

 private:
  static constexpr std::size_t never = ~std::size_t{0};  ///< one before the first

  [[nodiscard]] std::size_t place_of(std::size_t chunk) const {
    std::size_t place = order_.size() - 1;
    while (place != never && order_[place] != chunk) {
      --place;
    }
    return place;
  }

  std::vector<std::size_t> order_;  ///< the latest last
};

/// Where each step finds the bytes that it reads and writes, when calls follow one another: in its
/// core's cache, in that of all cores, in memory, or in the cache of another core. A chunk is still
/// in a cache if the chunks that were used since fit into that, too. Ranks run round by round.
///
/// Cost: for every chunk that a step touches, time in proportion to those touched since its last
/// use.
class footprint {
 public:
  footprint(const memory_plan& plan, const traffic& of, const host& on)
      : plan_{plan},
        traffic_{of},
        lands_{on.lands()},
        apart_{on.apart},
        cores_{smaller(on.cores, static_cast<int>(plan.rows.size()))} {
    std::vector<int> rounds;
    int slot_count = 0;
    for (const program& row : plan.rows) {
      slot_count = larger(slot_count, row.slot_count);
      for (const step& one : row.steps) {
        if (rounds.empty() || rounds.back() != one.round) {
          rounds.push_back(one.round);
        }
      }
    }
    sort(rounds.data(), rounds.size());
    const int ranks = static_cast<int>(plan.rows.size());
    per_rank_ = 3 * static_cast<std::size_t>(of.chunks()) + static_cast<std::size_t>(slot_count);
    of_core_.resize(static_cast<std::size_t>(cores_));
    held_.resize(plan.rows.size() * per_rank_ * static_cast<std::size_t>(cores_), 0);
    constexpr int calls = 2;  // the first one finds nothing
    for (int call = 0; call < calls; ++call) {
      visits_.assign(of.end(ranks - 1), {});
      for (std::size_t i = 0; i < rounds.size(); ++i) {
        for (int rank = 0; rank < ranks && (i == 0 || rounds[i] != rounds[i - 1]); ++rank) {
          run_round(rank, rounds[i]);
        }
      }
    }
  }

  /// True if messages are brought into the receiver's memory before they are folded.
  [[nodiscard]] bool lands() const { return lands_; }

  /// Seconds that caches and memory add to a step on its core.
  [[nodiscard]] double core_seconds(const host& on, double chunk_bytes, std::size_t step) const {
    double seconds = 0;
    for (const visit& one : visits_[step]) {
      const cache& of_other = apart_ ? on.of_all : on.of_core;
      const double moved = one.moved * (1 - part_missed(of_other, one.kept * chunk_bytes));
      const double rate =
          one.how == use::read ? on.moved_bytes_per_second : on.claimed_bytes_per_second;
      seconds += one.chunks * chunk_bytes *
                 (moved / rate +
                  (1 - moved) * part_missed(on.of_core, one.for_core * chunk_bytes) /
                      on.of_core.missed_bytes_per_second +
                  part_missed(on.of_all, one.for_all * chunk_bytes) / on.fetched_bytes_per_second);
    }
    return seconds;
  }
  /// Seconds for which it keeps memory from others.
  [[nodiscard]] double memory_seconds(const host& on, double chunk_bytes, std::size_t step) const {
    double seconds = 0;
    for (const visit& one : visits_[step]) {
      seconds += one.chunks * chunk_bytes * part_missed(on.of_all, one.for_all * chunk_bytes) /
                 on.of_all.missed_bytes_per_second;
    }
    return seconds;
  }

 private:
  /// A copy writes whole lines, and takes them over unseen; a fold's stores ask for them first.
  enum class use : unsigned char { read, copy_over, fold_over };

  /// A run of chunks that a step reads or writes. Distances are means over its chunks.
  struct visit {
    use how = use::read;
    double chunks = 0;
    double for_core = 0;  ///< chunks that were used since, by anybody or, if fewer, by this core
    double for_all = 0;   ///< by anybody, or, if cores are apart, by this one
    double moved = 0;     ///< part that another core had last, or, if this one writes, has too
    double kept = 0;      ///< chunks that the other core used since it had that part
  };
  /// All of it is found after up to 0.8 of a cache's size, nothing from 1.2 on.
  [[nodiscard]] static double part_missed(const cache& in, double bytes_since) {
    const double part = (bytes_since / in.bytes - 0.8) / 0.4;
    return part < 0 ? 0 : part > 1 ? 1 : part;
  }

  void run_round(int rank, int round) {
    const auto& steps = plan_.rows[static_cast<std::size_t>(rank)].steps;
    auto begin = steps.begin();
    while (begin != steps.end() && begin->round != round) {
      ++begin;
    }
    auto end = begin;
    while (end != steps.end() && end->round == round) {
      ++end;
    }
    landed_ = 0;
    for (const bool messages : {false, true}) {
      for (auto one = begin; one != end; ++one) {
        const std::size_t number =
            traffic_.begin(rank) + static_cast<std::size_t>(one - steps.begin());
        const traffic::entry& known = traffic_[number];
        if (one->what != verb::send && known.is_message() == messages && known.chunks != 0) {
          run_step(rank, *one, number);
        }
      }
    }
  }

  void run_step(int rank, const step& one, std::size_t number) {
    if (traffic_[number].is_message()) {
      const auto& theirs = plan_.rows[static_cast<std::size_t>(one.peer)].steps;
      const std::size_t sent = traffic_[number].partner - traffic_.begin(one.peer);
      touch(rank, number, one.peer, theirs[sent].left, use::read);
      if (lands_ && one.what == verb::receive_fold) {
        const run inbox{region::wire, landed_, one.into.count};
        landed_ += one.into.count;
        touch(rank, number, rank, inbox, use::copy_over);
        touch(rank, number, rank, inbox, use::read);
      }
    }
    const bool folds = schedule::folds(one.what);
    for (const run* part : {&one.left, &one.right}) {
      const bool used = part == &one.left ? one.what != verb::receive : folds;
      if (used && part->where != region::wire && part->where != region::nothing) {
        touch(rank, number, rank, *part, use::read);
      }
    }
    touch(rank, number, rank, one.into, folds ? use::fold_over : use::copy_over);
  }

  /// Rank `by` uses memory of rank `whose`.
  void touch(int by, std::size_t number, int whose, const run& part, use how) {
    const int core = by % cores_;
    const std::size_t first = static_cast<std::size_t>(whose) * per_rank_ + place_of(part);
    const std::size_t last = first + static_cast<std::size_t>(part.count);
    visit made;
    made.how = how;
    made.chunks = part.count;
    int moved = 0;
    for (std::size_t chunk = first; chunk < last; ++chunk) {
      const double anywhere = of_all_.use(chunk);
      const double here = of_core_[static_cast<std::size_t>(core)].use(chunk);
      made.for_all += (apart_ ? here : anywhere) / part.count;
      made.for_core += (here < anywhere ? here : anywhere) / part.count;
      const double kept = kept_by_another(chunk, core);
      if (change_hands(chunk, core, how)) {
        ++moved;
        made.kept += kept;
      }
    }
    made.moved = static_cast<double>(moved) / part.count;
    made.kept /= moved > 0 ? moved : 1;
    visits_[number].push_back(made);
  }

  /// How many chunks another core has used since it had this one.
  [[nodiscard]] double kept_by_another(std::size_t chunk, int core) const {
    double least = std::numeric_limits<double>::infinity();
    for (int other = 0; other < cores_; ++other) {
      const auto place = static_cast<std::ptrdiff_t>(chunk) * cores_ + other;
      if (other != core && *(held_.begin() + place) != 0) {
        least = smaller(least, of_core_[static_cast<std::size_t>(other)].since(chunk));
      }
    }
    return least;
  }

  /// Whether a core must ask another one before it uses a chunk.
  bool change_hands(std::size_t chunk, int core, use how) {
    const auto holds = held_.begin() + static_cast<std::ptrdiff_t>(chunk) * cores_;
    const bool own = holds[core] != 0;
    int holders = 0;
    for (int other = 0; other < cores_; ++other) {
      holders += holds[other];
      holds[other] = how == use::read ? holds[other] : char{0};
    }
    holds[core] = 1;
    return how == use::read ? !own && holders > 0
                            : how == use::fold_over && holders > (own ? 1 : 0);
  }

  [[nodiscard]] std::size_t place_of(const run& part) const {
    const auto chunks = static_cast<std::size_t>(traffic_.chunks());
    const auto first = static_cast<std::size_t>(part.first);
    switch (part.where) {
      case region::input:
        return first + (plan_.in_place ? chunks : 0);
      case region::output:
        return first + chunks;
      case region::wire:
        return first + 2 * chunks;
      default:
        return static_cast<std::size_t>(part.slot) + 3 * chunks;
    }
  }

  const memory_plan& plan_;
  const traffic& traffic_;
  bool lands_;
  bool apart_;
  int cores_;
  std::size_t per_rank_ = 0;
  int landed_ = 0;  ///< chunks of this round
  recently_used of_all_;
  std::vector<recently_used> of_core_;
  std::vector<char> held_;                  ///< by chunk and core: whether it has a copy
  std::vector<std::vector<visit>> visits_;  ///< by step
};

}  // namespace rondo::inline v0_1::schedule::detail
