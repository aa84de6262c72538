// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/schedule.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// The oracle of the schedule tests: runs a schedule on integers, with the steps of a round and the
/// ranks in random order, and looks at the memory in the end. It shares no code with the prover.
namespace oracle {

namespace plan = rondo::schedule;
using word = std::uint64_t;

struct options {
  bool in_place = false;
  bool uneven = false;    ///< chunks of 1 to 3 words; else 2 each
  bool buffered = false;  ///< a send completes before it is received
  unsigned seed = 1;
};

class interpreter {
 public:
  interpreter(const plan::table& schedule, options how)
      : schedule_{schedule}, how_{how}, random_{how.seed} {}

  /// What is wrong with the schedule, if anything is.
  std::optional<std::string> run() {
    try {
      prepare();
      play();
      inspect();
    } catch (const std::runtime_error& wrong) {
      return wrong.what();
    }
    return std::nullopt;
  }

 private:
  struct rank_state {
    std::vector<word> input, output, scratch;
    std::vector<plan::step> pending;
    std::size_t next = 0;
    std::set<int> heard;
  };
  struct message {
    std::vector<word> data;
    std::set<int> heard;
  };
  using what = plan::collective;

  [[noreturn]] static void fail(const std::string& why) { throw std::runtime_error(why); }
  [[nodiscard]] int size() const { return schedule_.size; }
  [[nodiscard]] int chunks(int rank) const { return schedule_.row(rank).chunks; }

  [[nodiscard]] int words(plan::region where, int rank, int chunk) const {
    if (!how_.uneven) {
      return 2;
    }
    if (schedule_.what == what::all_to_all) {
      return where == plan::region::input ? 1 + (rank * 3 + chunk * 5) % 3
                                          : 1 + (chunk * 3 + rank * 5) % 3;
    }
    return 1 + (chunk * 7 + 1) % 3;
  }
  [[nodiscard]] std::size_t offset(plan::region where, int rank, int chunk) const {
    std::size_t sum = 0;
    for (int c = 0; c < chunk; ++c) {
      sum += static_cast<std::size_t>(words(where, rank, c));
    }
    return sum;
  }
  [[nodiscard]] std::size_t length(const plan::run& what_run, int rank) const {
    if (what_run.count == 0) {
      return 0;
    }
    const bool labelled = how_.uneven || what_run.where == plan::region::input ||
                          what_run.where == plan::region::output;
    if (what_run.count < 0 ||
        (labelled && (what_run.first < 0 || what_run.first + what_run.count > chunks(rank)))) {
      fail("chunks out of bounds");
    }
    std::size_t sum = 0;
    for (int c = 0; c < what_run.count; ++c) {
      sum += static_cast<std::size_t>(words(what_run.where, rank, what_run.first + c));
    }
    return sum;
  }

  [[nodiscard]] bool owns_one(what kind) const {
    return kind == what::reduce_scatter || kind == what::all_gather || kind == what::all_to_all ||
           kind == what::gather || kind == what::scatter;
  }
  [[nodiscard]] bool has_input(int rank, int chunk) const {
    switch (schedule_.what) {
      case what::all_gather:
      case what::gather:
        return chunk == rank;
      case what::broadcast:
      case what::scatter:
        return rank == schedule_.root;
      case what::barrier:
        return false;
      default:
        return true;
    }
  }
  [[nodiscard]] bool has_output(int rank, int chunk) const {
    switch (schedule_.what) {
      case what::reduce_scatter:
      case what::scatter:
        return chunk == rank;
      case what::reduce:
      case what::gather:
        return rank == schedule_.root;
      case what::barrier:
        return false;
      default:
        return true;
    }
  }
  [[nodiscard]] static word given(int rank, int chunk, int index) {
    std::uint64_t x = static_cast<word>(rank) * 0x9e3779b97f4a7c15ULL +
                      static_cast<word>(chunk) * 0xc2b2ae3d27d4eb4fULL +
                      static_cast<word>(index) * 0x165667b19e3779f9ULL + 12345;
    x ^= x >> 31;
    x *= 0xbf58476d1ce4e5b9ULL;
    return x ^ (x >> 29);
  }

  void prepare() {
    for (int rank = 0; rank < size(); ++rank) {
      rank_state state;
      const plan::program& row = schedule_.row(rank);
      if (row.chunks != chunks(0) || (owns_one(schedule_.what) && row.chunks != size())) {
        fail("wrong number of chunks");
      }
      for (const plan::region where : {plan::region::input, plan::region::output}) {
        auto& memory = where == plan::region::input ? state.input : state.output;
        for (int chunk = 0; chunk < row.chunks; ++chunk) {
          for (int i = 0; i < words(where, rank, chunk); ++i) {
            const bool real = where == plan::region::input && has_input(rank, chunk);
            memory.push_back(real ? given(rank, chunk, i) : random_());
          }
        }
      }
      state.scratch.resize(static_cast<std::size_t>(row.slot_count) * slot_words);
      for (auto& w : state.scratch) {
        w = random_();
      }
      state.heard = {rank};
      ranks_.push_back(std::move(state));
    }
  }

  std::vector<word>& memory(plan::region where, int rank) {
    rank_state& state = ranks_[static_cast<std::size_t>(rank)];
    switch (where) {
      case plan::region::input:
        return state.input;
      case plan::region::output:
        return how_.in_place ? state.input : state.output;
      case plan::region::scratch:
        return state.scratch;
      default:
        fail("no such memory");
    }
  }
  [[nodiscard]] std::size_t begin_of(const plan::run& where, int rank) const {
    if (where.where == plan::region::scratch) {
      if (where.slot < 0 || where.slot + where.count > schedule_.row(rank).slot_count) {
        fail("slot out of bounds");
      }
      return static_cast<std::size_t>(where.slot) * (how_.uneven ? slot_words : 2);
    }
    return offset(where.where, rank, where.first);
  }
  void check_access(const plan::run& where, int rank, bool writes) const {
    for (int c = where.first; c < where.first + where.count; ++c) {
      if ((where.where == plan::region::input && (writes || !has_input(rank, c))) ||
          (where.where == plan::region::output && !has_output(rank, c))) {
        fail("touches memory that the caller did not give");
      }
    }
  }
  std::vector<word> load(const plan::run& from, int rank, const std::vector<word>& wire) {
    if (from.where == plan::region::wire) {
      return wire;
    }
    const std::size_t count = length(from, rank);
    if (count == 0) {
      return {};
    }
    check_access(from, rank, false);
    const auto& bytes = memory(from.where, rank);
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(begin_of(from, rank));
    return {first, first + static_cast<std::ptrdiff_t>(count)};
  }
  void store(const plan::run& into, int rank, const std::vector<word>& data) {
    if (length(into, rank) != data.size()) {
      fail("a message or an operand has the wrong size");
    }
    if (data.empty()) {
      return;
    }
    check_access(into, rank, true);
    std::copy(data.begin(), data.end(),
              memory(into.where, rank).begin() + static_cast<std::ptrdiff_t>(begin_of(into, rank)));
  }
  void store_sum(const plan::step& now, int rank, const std::vector<word>& wire) {
    auto left = load(now.left, rank, wire);
    const auto right = load(now.right, rank, wire);
    if (left.size() != right.size()) {
      fail("operands of different sizes");
    }
    for (std::size_t i = 0; i < left.size(); ++i) {
      left[i] += right[i];
    }
    store(now.into, rank, left);
  }

  void enter_round(int rank) {
    rank_state& state = ranks_[static_cast<std::size_t>(rank)];
    const auto& steps = schedule_.row(rank).steps;
    if (!state.pending.empty() || state.next == steps.size()) {
      return;
    }
    const int round = steps[state.next].round;
    for (; state.next < steps.size() && steps[state.next].round == round; ++state.next) {
      state.pending.push_back(steps[state.next]);
    }
  }
  [[nodiscard]] static bool first_of_pair(const std::vector<plan::step>& pending, std::size_t at) {
    const bool sends = pending[at].what == plan::verb::send;
    for (std::size_t i = 0; i < at; ++i) {
      const plan::step& other = pending[i];
      const bool message = other.what == plan::verb::send || other.what == plan::verb::receive ||
                           other.what == plan::verb::receive_fold;
      if (message && other.peer == pending[at].peer && (other.what == plan::verb::send) == sends) {
        return false;
      }
    }
    return true;
  }
  void deliver(const plan::step& to, int rank, const message& came) {
    if (to.what == plan::verb::receive) {
      store(to.into, rank, came.data);
    } else {
      store_sum(to, rank, came.data);
    }
    ranks_[static_cast<std::size_t>(rank)].heard.insert(came.heard.begin(), came.heard.end());
  }

  /// Does the step if that is possible now, and says whether it was.
  bool attempt(int rank, std::size_t at) {
    rank_state& state = ranks_[static_cast<std::size_t>(rank)];
    const plan::step now = state.pending[at];
    const auto done = [](rank_state& whose, std::size_t which) {
      whose.pending.erase(whose.pending.begin() + static_cast<std::ptrdiff_t>(which));
    };
    if (now.what == plan::verb::copy) {
      store(now.into, rank, load(now.left, rank, {}));
      done(state, at);
      return true;
    }
    if (now.what == plan::verb::fold) {
      store_sum(now, rank, {});
      done(state, at);
      return true;
    }
    if (now.peer < 0 || now.peer >= size() || now.peer == rank) {
      fail("no such peer");
    }
    if (!first_of_pair(state.pending, at)) {
      return false;
    }
    if (now.what != plan::verb::send) {
      auto& queue = posted_[{now.peer, rank}];
      if (queue.empty()) {
        return false;
      }
      deliver(now, rank, queue.front());
      queue.pop_front();
      done(state, at);
      return true;
    }
    message sent{load(now.left, rank, {}), state.heard};
    if (how_.buffered) {
      posted_[{rank, now.peer}].push_back(std::move(sent));
      done(state, at);
      return true;
    }
    rank_state& peer = ranks_[static_cast<std::size_t>(now.peer)];
    for (std::size_t i = 0; i < peer.pending.size(); ++i) {
      const plan::step& other = peer.pending[i];
      if ((other.what == plan::verb::receive || other.what == plan::verb::receive_fold) &&
          other.peer == rank) {
        deliver(other, now.peer, sent);
        done(peer, i);
        done(state, at);
        return true;
      }
    }
    return false;
  }

  void play() {
    for (;;) {
      std::vector<std::pair<int, std::size_t>> ready;
      for (int rank = 0; rank < size(); ++rank) {
        enter_round(rank);
        for (std::size_t i = 0; i < ranks_[static_cast<std::size_t>(rank)].pending.size(); ++i) {
          ready.emplace_back(rank, i);
        }
      }
      if (ready.empty()) {
        return;
      }
      std::shuffle(ready.begin(), ready.end(), random_);
      const bool moved = std::any_of(ready.begin(), ready.end(),
                                     [&](auto next) { return attempt(next.first, next.second); });
      if (!moved) {
        fail("ranks wait for each other");
      }
    }
  }

  [[nodiscard]] word expected(int rank, int chunk, int index) const {
    switch (schedule_.what) {
      case what::all_gather:
      case what::gather:
        return given(chunk, chunk, index);
      case what::all_to_all:
        return given(chunk, rank, index);
      case what::broadcast:
      case what::scatter:
        return given(schedule_.root, chunk, index);
      default:
        break;
    }
    word sum = 0;
    for (int r = 0; r < size(); ++r) {
      sum += given(r, chunk, index);
    }
    return sum;
  }
  void inspect() {
    for (const auto& [pair, queue] : posted_) {
      if (!queue.empty()) {
        fail("a message is left over");
      }
    }
    for (int rank = 0; rank < size(); ++rank) {
      if (schedule_.what == what::barrier) {
        if (ranks_[static_cast<std::size_t>(rank)].heard.size() !=
            static_cast<std::size_t>(size())) {
          fail("a rank leaves a barrier too early");
        }
        continue;
      }
      const auto& result = memory(plan::region::output, rank);
      for (int chunk = 0; chunk < chunks(rank); ++chunk) {
        for (int i = 0; has_output(rank, chunk) && i < words(plan::region::output, rank, chunk);
             ++i) {
          if (result[offset(plan::region::output, rank, chunk) + static_cast<std::size_t>(i)] !=
              expected(rank, chunk, i)) {
            fail("wrong result on rank " + std::to_string(rank) + " in chunk " +
                 std::to_string(chunk));
          }
        }
      }
    }
  }

  static constexpr std::size_t slot_words = 3;
  const plan::table& schedule_;
  options how_;
  std::mt19937 random_;
  std::vector<rank_state> ranks_;
  std::map<std::pair<int, int>, std::deque<message>> posted_;
};

/// Several random runs, in and out of place, buffered and not, with even and uneven chunks.
inline std::optional<std::string> find_fault(const plan::table& schedule, unsigned seed,
                                             int repeats = 1) {
  bool uniform = false;
  for (const auto& row : schedule.rows) {
    uniform = uniform || row.uniform;
  }
  for (int k = 0; k < 8 * repeats; ++k) {
    options how;
    how.in_place = (k & 1) != 0 && schedule.what != plan::collective::all_to_all;
    how.buffered = (k & 2) != 0;
    how.uneven = (k & 4) != 0 && !uniform;
    how.seed = seed + static_cast<unsigned>(k);
    if (auto wrong = interpreter{schedule, how}.run()) {
      return *wrong + (how.in_place ? " (in place)" : "") + (how.buffered ? " (buffered)" : "") +
             (how.uneven ? " (uneven)" : "") + " seed " + std::to_string(how.seed);
    }
  }
  return std::nullopt;
}

}  // namespace oracle
