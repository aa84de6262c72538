// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/schedule/detail/heap.hpp>
#include <rondo/schedule/detail/step_count.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rondo::inline v0_1::schedule::detail {

/// A schedule as the simulator needs it: verbs, sizes, and which send belongs to which receive, in
/// 12 bytes per step. Where the schedule rotates, one rank stands for all ranks a multiple of
/// `ranks()` away.
class traffic {
  static constexpr int chunk_bits = 26;
  static constexpr std::uint32_t most_chunks = (1u << chunk_bits) - 1;

 public:
  struct entry {
    std::uint32_t partner = 0;  ///< the step at the other end of the message
    std::int32_t peer = 0;      ///< the rank, modulo `ranks()`, that it belongs to
    std::uint32_t chunks : chunk_bits = 0;
    std::uint32_t what : 3 = 0;
    std::uint32_t within_node : 1 = 0;
    std::uint32_t ends_round : 1 = 0;
    std::uint32_t contended : 1 = 0;  ///< shares a port with others of the round, at either end

    [[nodiscard]] verb action() const { return static_cast<verb>(what); }
    [[nodiscard]] bool is_message() const { return schedule::is_message(action()); }
  };

  template <readable Schedule>
  traffic(const Schedule& schedule, int ranks_per_node, bool all_ranks = false) {
    const int size = schedule.size;
    if constexpr (requires { schedule.rows.size(); }) {
      if (size < 1 || schedule.rows.size() != static_cast<std::size_t>(size)) {
        refuse_schedule("it has " + std::to_string(schedule.rows.size()) + " rows for " +
                            std::to_string(size) + " ranks",
                        -1);
      }
    }
    const int rotation = rotation_of(schedule);
    ranks_ = all_ranks ? size : representatives(rotation, size, ranks_per_node);
    if constexpr (!requires { schedule.rows.size(); }) {
      check_steps(
          schedule, ranks_,
          rotation < size && ranks_ == size && !all_ranks
              ? ", or a number of ranks that ranks_per_node divides: one node stands for all"
              : "");
    }
    begins_.push_back(0);
    for (int rank = 0; rank < ranks_; ++rank) {
      const program row = schedule.row(rank);
      chunks_ = rank == 0 ? row.chunks : chunks_;
      check(row, rank, size);
      append(row, rank, ranks_per_node, schedule.what == collective::broadcast);
    }
    match(size);
  }

  [[nodiscard]] int ranks() const { return ranks_; }
  [[nodiscard]] int chunks() const { return chunks_; }
  [[nodiscard]] const entry& operator[](std::size_t step) const { return steps_[step]; }
  [[nodiscard]] std::size_t begin(int rank) const {
    return begins_[static_cast<std::size_t>(rank)];
  }
  [[nodiscard]] std::size_t end(int rank) const {
    return begins_[static_cast<std::size_t>(rank) + 1];
  }
  /// One past the last step of the round that begins with `step`.
  [[nodiscard]] std::size_t round_end(std::size_t step) const {
    while (steps_[step].ends_round == 0) {
      ++step;
    }
    return step + 1;
  }

  /// Refuses a schedule in which a rank never gets on.
  [[noreturn]] static void refuse_waiting(int rank) {
    refuse_schedule("rank " + std::to_string(rank) + " waits for ever", rank);
  }

 private:
  template <class Algorithm, collective What>
  [[nodiscard]] static int rotation_of(const generated<Algorithm, What>& schedule) {
    if constexpr (rotates<Algorithm, What>) {
      return rotation(schedule.algorithm, make<What>{});
    } else {
      return schedule.size;
    }
  }
  template <readable Schedule>
  [[nodiscard]] static int rotation_of(const Schedule& schedule) {
    return schedule.size;
  }
  [[nodiscard]] static int representatives(int rotation, int size, int ranks_per_node) {
    const int node = ranks_per_node > 1 && ranks_per_node < size ? ranks_per_node : 1;
    long long both = rotation;  // the least number that both divide
    while (both % node != 0) {
      both += rotation;
    }
    return both < size && size % both == 0 ? static_cast<int>(both) : size;
  }

  /// Readers index by what a row says.
  void check(const program& row, int rank, int size) const {
    if (row.chunks != chunks_ || row.chunks < 1 || row.slot_count < 0) {
      refuse_schedule("rank " + std::to_string(rank) + " cuts the vector differently from rank 0",
                      rank);
    }
    int round = row.steps.empty() ? 0 : row.steps.front().round;
    for (const step& one : row.steps) {
      if (is_message(one.what) && (one.peer < 0 || one.peer >= size || one.peer == rank)) {
        refuse_schedule("rank " + std::to_string(rank) + " has a message to or from rank " +
                            std::to_string(one.peer),
                        rank);
      }
      if (one.round < round) {
        refuse_schedule(
            "rank " + std::to_string(rank) + " goes back to round " + std::to_string(one.round),
            rank);
      }
      round = one.round;
      const run& data = one.what == verb::send ? one.left : one.into;
      if (data.where == region::nothing && data.count != 0) {
        refuse_schedule("a step of rank " + std::to_string(rank) + " has a run of " +
                            std::to_string(data.count) + " chunks in no memory",
                        rank);
      }
      for (const run* part : {&one.into, &one.left, &one.right}) {
        const bool in_scratch = part->where == region::scratch;
        const int first = in_scratch ? part->slot : part->first;
        const int last = (in_scratch ? row.slot_count : chunks_) - larger(part->count, 0);
        const bool used = part == &one.into   ? one.what != verb::send
                          : part == &one.left ? one.what != verb::receive
                                              : folds(one.what);
        const bool empty = !used || part->where == region::nothing || part->count == 0;
        if (!empty && (part->count < 0 || first < 0 || first > last)) {
          refuse_schedule("a step of rank " + std::to_string(rank) + " has a run of " +
                              std::to_string(part->count) + " from " + std::to_string(first) +
                              " on, which is outside of its memory",
                          rank);
        }
        if (!empty && part->count > static_cast<int>(most_chunks)) {
          refuse("simulate: a step of rank " + std::to_string(rank) + " has a run of " +
                     std::to_string(part->count) + " chunks; at most " +
                     std::to_string(most_chunks) + " are replayed",
                 rank);
        }
      }
    }
  }

  [[noreturn]] static void refuse_schedule(const std::string& why, int rank) {
    raise(error{error_code::unsound_schedule, "simulate: " + why + "; prove() says where", rank});
  }

  void append(const program& row, int rank, int ranks_per_node, bool in_place) {
    std::size_t round = steps_.size();
    for (std::size_t i = 0; i < row.steps.size(); ++i) {
      const step& from = row.steps[i];
      const run& data = from.what == verb::send ? from.left : from.into;
      entry next;
      next.peer = from.peer;
      const bool onto_itself = in_place && from.what == verb::copy &&
                               from.left.where == region::input &&
                               from.into.where == region::output;
      next.chunks = onto_itself ? 0u : static_cast<std::uint32_t>(data.count) & most_chunks;
      next.what = static_cast<unsigned>(from.what) & 7u;
      next.within_node =
          ranks_per_node > 0 && from.peer / ranks_per_node == rank / ranks_per_node ? 1u : 0u;
      steps_.push_back(next);
      if (i + 1 == row.steps.size() || row.steps[i + 1].round != from.round) {
        steps_.back().ends_round = 1;
        mark_contended(round);
        round = steps_.size();
      }
    }
    begins_.push_back(steps_.size());
  }

  /// Of the round that begins with `first`.
  void mark_contended(std::size_t first) {
    int sends = 0;
    int receives = 0;
    for (std::size_t i = first; i < steps_.size(); ++i) {
      const bool message = steps_[i].is_message();
      const bool sent = steps_[i].action() == verb::send;
      sends += message && sent ? 1 : 0;
      receives += message && !sent ? 1 : 0;
    }
    for (std::size_t i = first; (sends > 1 || receives > 1) && i < steps_.size(); ++i) {
      const bool shares = (steps_[i].action() == verb::send ? sends : receives) > 1;
      steps_[i].contended = steps_[i].is_message() && shares ? 1u : 0u;
    }
  }

  /// A message to be matched: the sender as the receiver sees it, and its step.
  [[nodiscard]] static std::uint64_t key(int sender, std::size_t step) {
    return static_cast<std::uint64_t>(sender) << 32 | step;
  }
  [[nodiscard]] static std::size_t step_of(std::uint64_t made) { return made & 0xffffffffu; }

  void match(int size) {
    std::vector<std::size_t> ends(static_cast<std::size_t>(ranks_) + 1, 0);
    for (const entry& one : steps_) {
      if (one.action() == verb::send) {
        ++ends[static_cast<std::size_t>(one.peer % ranks_) + 1];
      }
    }
    for (std::size_t i = 1; i < ends.size(); ++i) {
      ends[i] += ends[i - 1];
    }
    std::vector<std::uint64_t> sent(ends.back());
    auto next = ends;
    for (int rank = 0; rank < ranks_; ++rank) {
      for (std::size_t i = begin(rank); i < end(rank); ++i) {
        if (steps_[i].action() == verb::send) {
          const int receiver = steps_[i].peer % ranks_;
          const int moved = rank + receiver - steps_[i].peer;
          sent[next[static_cast<std::size_t>(receiver)]++] =
              key(moved < 0 ? moved + size : moved, i);
        }
      }
    }
    std::vector<std::uint64_t> expected;
    for (int rank = 0; rank < ranks_; ++rank) {
      expected.clear();
      for (std::size_t i = begin(rank); i < end(rank); ++i) {
        if (steps_[i].is_message() && steps_[i].action() != verb::send) {
          expected.push_back(key(steps_[i].peer, i));
        }
      }
      const std::size_t first = ends[static_cast<std::size_t>(rank)];
      const std::span to_rank{sent.data() + first,
                              ends[static_cast<std::size_t>(rank) + 1] - first};
      sort(expected.data(), expected.size());
      sort(to_rank.data(), to_rank.size());
      join(rank, expected, to_rank);
    }
    for (entry& one : steps_) {
      one.peer %= ranks_;
    }
  }

  void join(int rank, std::span<const std::uint64_t> expected,
            std::span<const std::uint64_t> sent) {
    bool matches = sent.size() == expected.size();
    for (std::size_t i = 0; matches && i < expected.size(); ++i) {
      entry& receive = steps_[step_of(expected[i])];
      entry& send = steps_[step_of(sent[i])];
      matches = expected[i] >> 32 == sent[i] >> 32 && receive.chunks == send.chunks;
      receive.partner = static_cast<std::uint32_t>(step_of(sent[i]));
      send.partner = static_cast<std::uint32_t>(step_of(expected[i]));
      send.contended = receive.contended = send.contended | receive.contended;
    }
    if (!matches) {
      refuse_schedule("what is sent to rank " + std::to_string(rank) + " is not what it receives",
                      rank);
    }
  }

  int ranks_ = 1;
  int chunks_ = 1;
  std::vector<entry> steps_;
  std::vector<std::size_t> begins_;
};

}  // namespace rondo::inline v0_1::schedule::detail
