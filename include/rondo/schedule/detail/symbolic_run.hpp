// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/schedule/detail/contract.hpp>
#include <rondo/schedule/detail/step_rules.hpp>
#include <rondo/schedule/detail/symbols.hpp>
#include <rondo/schedule/detail/unsound.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>

namespace rondo::inline v0_1::schedule::detail {

/// Runs a schedule on symbols and refuses it at the first thing that is wrong.
class symbolic_run {
 public:
  constexpr symbolic_run(const table& schedule, bool in_place)
      : schedule_{schedule},
        blame_{schedule, in_place},
        in_place_{in_place},
        ranks_(checked_size()),
        memory_{lay_out(), schedule.size},
        slot_runs_(memory_cells_),
        marks_(memory_cells_),
        sent_(size(), 0),
        heard_{2 * size(), schedule.size} {
    for (int rank = 0; rank < schedule_.size; ++rank) {
      for (int chunk = 0; chunk < chunks_; ++chunk) {
        if (gives(schedule_.what, rank, schedule_.root, chunk)) {
          memory_.put(at(rank).input + index(chunk), rank, chunk);
        }
      }
      heard_.insert(index(rank), rank);
    }
  }

  /// Fills in `found`, a `proof`.
  template <class Proof>
  constexpr void play(Proof& found) {
    constant_vector<int> ready;
    for (int rank = schedule_.size; rank-- > 0;) {
      ready.push_back(rank);
    }
    while (!ready.empty()) {
      const int rank = ready.back();
      ready.pop_back();
      while (at(rank).pending == 0 && enter_round(rank)) {
        meet_peers(rank, ready);
      }
    }
    check_all_done();
    check_results(found);
    report(found);
  }

  /// `apart` played the same schedule with input and output apart. Where all send the same either
  /// way, what holds for both holds whichever ranks work in place: none can tell what others do.
  constexpr void compare_sent(const symbolic_run& apart) const {
    for (int rank = 0; rank < schedule_.size; ++rank) {
      if (sent_[index(rank)] != apart.sent_[index(rank)]) {
        blame_.rank(rank, "it does not send what it sends if they are apart");
      }
    }
  }

 private:
  struct rank_state {
    std::size_t input = 0, output = 0, scratch = 0;  ///< first cells
    std::size_t begin = 0, end = 0;                  ///< steps of the round it is in
    int pending = 0;                                 ///< of them, messages that have not come
    int rounds = 0;
    constant_vector<char> met;  ///< by step: the message has gone
  };
  /// The round and the step that last wrote a cell.
  struct mark {
    std::uint64_t round = 0;
    std::size_t step = 0;
  };

  [[nodiscard]] static constexpr std::size_t index(int value) {
    return static_cast<std::size_t>(value);
  }
  [[nodiscard]] constexpr std::size_t size() const { return index(schedule_.size); }
  [[nodiscard]] constexpr rank_state& at(int rank) { return ranks_[index(rank)]; }
  [[nodiscard]] constexpr const constant_vector<step>& steps(int rank) const {
    return schedule_.row(rank).steps;
  }

  [[nodiscard]] constexpr std::size_t checked_size() const {
    if (schedule_.size < 1 || schedule_.rows.size() != size()) {
      blame_.table("it has " + blame::text(static_cast<int>(schedule_.rows.size())) + " rows for " +
                   blame::text(schedule_.size) + " ranks");
    }
    if (has_root(schedule_.what) && (schedule_.root < 0 || schedule_.root >= schedule_.size)) {
      blame_.table("its root is rank " + blame::text(schedule_.root));
    }
    return size();
  }

  constexpr std::size_t lay_out() {
    chunks_ = schedule_.row(0).chunks;
    uniform_ = schedule_.row(0).uniform;
    std::size_t cells = 0;
    for (int rank = 0; rank < schedule_.size; ++rank) {
      const program& row = schedule_.row(rank);
      if (row.chunks != chunks_ || row.chunks < 1 || row.slot_count < 0 ||
          (chunks_are_owned(schedule_.what) && row.chunks != schedule_.size)) {
        blame_.rank(rank,
                    "it cuts the vector differently from what rank 0 or the collective needs");
      }
      if (row.uniform != uniform_) {
        blame_.rank(rank, uniform_ ? "it takes chunks of any size, rank 0 equal ones only"
                                   : "it takes chunks of equal size only, rank 0 any");
      }
      rank_state& state = at(rank);
      state.input = cells;
      state.output = in_place_ ? cells : cells + index(chunks_);
      state.scratch = state.output + index(chunks_);
      cells = state.scratch + index(row.slot_count);
      state.met.resize(row.steps.size(), 0);
    }
    memory_cells_ = cells;
    return cells;
  }

  // Cells ------------------------------------------------------------------------------------

  [[nodiscard]] constexpr std::size_t cell(int rank, const run& of, int offset) {
    const rank_state& state = at(rank);
    return of.where == region::scratch ? state.scratch + index(of.slot + offset)
           : of.where == region::input ? state.input + index(of.first + offset)
                                       : state.output + index(of.first + offset);
  }

  // Within a round ----------------------------------------------------------------------------

  [[nodiscard]] constexpr bool is_idle_copy(int rank, const step& one) {
    return one.what == verb::copy &&
           (one.into.count == 0 || cell(rank, one.into, 0) == cell(rank, one.left, 0));
  }

  constexpr void mark_written(int rank, std::size_t which, const run& of) {
    for (int i = 0; i < of.count; ++i) {
      mark& seen = marks_[cell(rank, of, i)];
      if (seen.round == round_token_) {
        blame_.step(rank, which, of.first + i, "another step of the same round writes this, too");
      }
      seen = {round_token_, which};
    }
  }
  constexpr void check_unwritten(int rank, std::size_t which, const run& of) {
    if (of.where == region::wire) {
      return;
    }
    for (int i = 0; i < of.count; ++i) {
      const std::size_t read = cell(rank, of, i);
      const mark& seen = marks_[read];
      if (seen.round != round_token_) {
        continue;
      }
      if (seen.step != which) {
        blame_.step(rank, which, of.first + i,
                    "another step of the same round writes what it reads");
      }
      if (cell(rank, steps(rank)[which].into, i) != read) {
        blame_.step(rank, which, of.first + i, "what it reads and what it writes overlap");
      }
    }
  }

  /// Goes to the next round that has steps and makes its local ones; false at the end.
  constexpr bool enter_round(int rank) {
    rank_state& state = at(rank);
    const auto& all = steps(rank);
    state.begin = state.end;
    if (state.begin == all.size()) {
      return false;
    }
    const step_rules rules{schedule_, blame_, uniform_};
    const int round = all[state.begin].round;
    if (state.begin > 0 && all[state.begin - 1].round > round) {
      blame_.step(rank, state.begin, 0, "rounds go backwards");
    }
    while (state.end < all.size() && all[state.end].round == round) {
      rules.check(rank, state.end);
      ++state.end;
    }
    ++state.rounds;
    ++round_token_;
    for (std::size_t i = state.begin; i < state.end; ++i) {
      if (all[i].what != verb::send && !is_idle_copy(rank, all[i])) {
        mark_written(rank, i, all[i].into);
      }
    }
    for (std::size_t i = state.begin; i < state.end; ++i) {
      const step& one = all[i];
      if (one.what != verb::receive && !is_idle_copy(rank, one)) {
        check_unwritten(rank, i, one.left);
      }
      if (folds(one.what)) {
        check_unwritten(rank, i, one.right);
      }
    }
    for (std::size_t i = state.begin; i < state.end; ++i) {
      if (is_message(all[i].what)) {
        ++state.pending;
      } else {
        make_local(rank, i);
      }
    }
    heard_.copy(size() + index(rank), index(rank));
    return true;
  }

  constexpr void make_local(int rank, std::size_t which) {
    const step& one = steps(rank)[which];
    if (is_idle_copy(rank, one)) {
      return;
    }
    check_read(rank, which, one.left);
    if (one.what == verb::fold) {
      check_read(rank, which, one.right);
    }
    for (int i = 0; i < one.into.count; ++i) {
      if (one.what == verb::copy) {
        memory_.copy(cell(rank, one.into, i), cell(rank, one.left, i));
      } else {
        fold(rank, which, i, cell(rank, one.left, i), cell(rank, one.right, i));
      }
    }
    record_slots(rank, one.into);
  }

  constexpr void fold(int rank, std::size_t which, int offset, std::size_t left,
                      std::size_t right) {
    const run& into = steps(rank)[which].into;
    if (memory_[left].chunk != memory_[right].chunk) {
      blame_.step(rank, which, into.first + offset,
                  "it folds chunk " + blame::text(memory_[left].chunk) + " with chunk " +
                      blame::text(memory_[right].chunk));
    }
    const int twice = memory_.fold(cell(rank, into, offset), left, right);
    if (twice != symbols::no_rank) {
      blame_.step(rank, which, into.first + offset,
                  "it folds in the contribution of rank " + blame::text(twice) + " twice");
    }
    ++chunks_folded_;
  }

  constexpr void check_read(int rank, std::size_t which, const run& of) {
    for (int i = 0; i < of.count; ++i) {
      const std::size_t from = cell(rank, of, i);
      if (memory_.empty(from)) {
        blame_.step(rank, which, of.first + i, "it reads what nothing has written");
      }
      if (of.where == region::scratch && !uniform_ && slot_runs_[from] != of) {
        blame_.step(rank, which, of.first + i,
                    "it reads scratch in other pieces than it was written in, although chunks may "
                    "differ in size");
      }
    }
  }
  constexpr void record_slots(int rank, const run& into) {
    for (int i = 0; into.where == region::scratch && i < into.count; ++i) {
      slot_runs_[cell(rank, into, i)] = into;
    }
  }

  // Between ranks -----------------------------------------------------------------------------

  /// Lets messages pass for which the peer is in the right round, too.
  constexpr void meet_peers(int rank, constant_vector<int>& ready) {
    rank_state& state = at(rank);
    for (std::size_t i = state.begin; i < state.end; ++i) {
      const step& one = steps(rank)[i];
      if (!is_message(one.what)) {
        continue;
      }
      rank_state& peer = at(one.peer);
      for (std::size_t j = peer.begin; peer.pending > 0 && j < peer.end; ++j) {
        const step& other = steps(one.peer)[j];
        const bool opposite =
            is_message(other.what) && (one.what == verb::send) != (other.what == verb::send);
        if (peer.met[j] != 0 || other.peer != rank || !opposite) {
          continue;
        }
        if (one.what == verb::send) {
          pass(rank, i, one.peer, j);
        } else {
          pass(one.peer, j, rank, i);
        }
        state.met[i] = 1;
        peer.met[j] = 1;
        --state.pending;
        if (--peer.pending == 0) {
          ready.push_back(one.peer);
        }
        break;
      }
    }
  }

  constexpr void pass(int from, std::size_t sent, int to, std::size_t received) {
    const step& send = steps(from)[sent];
    const step& receive = steps(to)[received];
    const run& data = send.left;
    const run& into = receive.into;
    const bool exchange = schedule_.what == collective::all_to_all;
    if (data.count != into.count ||
        (!uniform_ && !exchange && data.count > 0 && data.first != into.first)) {
      blame_.step(to, received, into.first,
                  "it does not expect the chunks that rank " + blame::text(from) +
                      " sends in step " + blame::text(static_cast<int>(sent)));
    }
    ++messages_;
    chunks_sent_ += data.count;
    heard_.unite(index(to), size() + index(from));
    check_read(from, sent, data);
    const bool folds_too = receive.what == verb::receive_fold && into.count > 0;
    const bool wire_left = receive.left.where == region::wire;
    if (folds_too) {
      check_read(to, received, wire_left ? receive.right : receive.left);
    }
    for (int i = 0; i < into.count; ++i) {
      const std::size_t wire = cell(from, data, i);
      sent_[index(from)] = symbols::mix(sent_[index(from)], memory_[wire].expression);
      if (folds_too) {
        fold(to, received, i, wire_left ? wire : cell(to, receive.left, i),
             wire_left ? cell(to, receive.right, i) : wire);
      } else {
        memory_.copy(cell(to, into, i), wire);
      }
    }
    record_slots(to, into);
  }

  // In the end --------------------------------------------------------------------------------

  constexpr void check_all_done() {
    for (int rank = 0; rank < schedule_.size; ++rank) {
      if (at(rank).pending > 0) {
        blame_.waiting(rank, [this](int whose) { return first_unmet(whose); });
      }
    }
  }
  /// The step that `rank` waits in; past the end if it has finished.
  [[nodiscard]] constexpr std::size_t first_unmet(int rank) {
    const rank_state& state = at(rank);
    for (std::size_t i = state.begin; state.pending > 0 && i < state.end; ++i) {
      if (state.met[i] == 0 && is_message(steps(rank)[i].what)) {
        return i;
      }
    }
    return steps(rank).size();
  }

  template <class Proof>
  constexpr void check_results(Proof& found) {
    constant_vector<std::uint64_t> expressions(index(chunks_), 0);
    for (int rank = 0; rank < schedule_.size; ++rank) {
      if (schedule_.what == collective::barrier) {
        const int unheard = heard_.missing(index(rank), schedule_.size);
        if (unheard != symbols::no_rank) {
          blame_.rank(rank, "it leaves the barrier without word from rank " + blame::text(unheard));
        }
        continue;
      }
      for (int chunk = 0; chunk < chunks_; ++chunk) {
        if (gets(schedule_.what, rank, schedule_.root, chunk)) {
          check_result(rank, chunk);
          const symbol& result = memory_[at(rank).output + index(chunk)];
          found.rank_ordered = found.rank_ordered && result.ordered;
          found.left_to_right = found.left_to_right && result.left_to_right;
          std::uint64_t& first = expressions[index(chunk)];
          if (schedule_.what != collective::all_to_all && first != 0 &&
              first != result.expression) {
            found.same_on_all_ranks = false;
          }
          first = result.expression;
        }
      }
    }
  }

  constexpr void check_result(int rank, int chunk) {
    const std::size_t result = at(rank).output + index(chunk);
    if (memory_.empty(result)) {
      blame_.result(rank, chunk, "nothing has written it");
    }
    if (folds(schedule_.what)) {
      const int missing = memory_.missing(result, schedule_.size);
      if (memory_[result].chunk != chunk) {
        blame_.result(rank, chunk, "it holds chunk " + blame::text(memory_[result].chunk));
      }
      if (missing != symbols::no_rank) {
        blame_.result(rank, chunk,
                      "the contribution of rank " + blame::text(missing) + " is missing");
      }
      return;
    }
    const origin expected = origin_of(schedule_.what, rank, schedule_.root, chunk);
    const symbol& got = memory_[result];
    if (got.chunk != expected.chunk || got.lowest != expected.rank ||
        got.highest != expected.rank) {
      blame_.result(rank, chunk,
                    "it holds chunk " + blame::text(got.chunk) + " of rank " +
                        blame::text(got.lowest) + ", expected chunk " +
                        blame::text(expected.chunk) + " of rank " + blame::text(expected.rank));
    }
  }

  template <class Proof>
  constexpr void report(Proof& found) {
    for (int rank = 0; rank < schedule_.size; ++rank) {
      const int slot_count = schedule_.row(rank).slot_count;
      found.rounds = at(rank).rounds > found.rounds ? at(rank).rounds : found.rounds;
      found.slot_count = slot_count > found.slot_count ? slot_count : found.slot_count;
    }
    found.messages = messages_;
    found.chunks_sent = chunks_sent_;
    found.chunks_folded = chunks_folded_;
  }

  const table& schedule_;
  blame blame_;
  bool in_place_;
  int chunks_ = 0;
  bool uniform_ = false;
  std::size_t memory_cells_ = 0;
  constant_vector<rank_state> ranks_;
  symbols memory_;
  constant_vector<run> slot_runs_;  ///< by cell: the run that it was written in
  constant_vector<mark> marks_;
  constant_vector<std::uint64_t> sent_;  ///< by rank: one number for all that it sent
  symbols heard_;  ///< by rank: whose word has come; size() further on: when its round began
  std::uint64_t round_token_ = 0;
  long long messages_ = 0;
  long long chunks_sent_ = 0;
  long long chunks_folded_ = 0;
};

}  // namespace rondo::inline v0_1::schedule::detail
