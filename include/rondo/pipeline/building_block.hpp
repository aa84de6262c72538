// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace rondo::inline v0_1::pipeline {
namespace detail {

/// A schedule made of one building block, repeated every six time slots on a V of two chunks.
///
/// The block says in which slot each rank runs the forward of chunk 0, the forward of chunk 1, the
/// backward of chunk 1 and the backward of chunk 0 of micro-batch 0; weight gradients go where
/// slots are free. How long a block lives on a rank is how much that rank holds, whatever the
/// number of micro-batches. Where the repeated blocks begin and end, actions then move to earlier
/// slots, as far as their inputs and the peak memory allow.
class block_board {
 public:
  using offsets = std::array<int, 4>;  // slots of F0, F1, I1, I0 of micro-batch 0

  constexpr block_board(constant_vector<offsets> block, int micro_batches)
      : ranks_{static_cast<int>(block.size())}, m_{micro_batches} {
    for (const offsets& each : block) {
      lanes mine{};
      for (std::size_t type = 0; type < 4; ++type) {
        for (int i = 0; i < m_; ++i) {
          mine[type].push_back(each[type] + 6 * i);
        }
      }
      slots_.push_back(mine);
    }
    place_weights();
    pull_forward(true);
    squeeze();
    clear_weights();
    pull_forward(false);
    place_weights();
  }

  [[nodiscard]] constexpr row order_of(int rank) const {
    const lanes& mine = slots_[index(rank)];
    const int stage[2] = {rank, 2 * ranks_ - 1 - rank};
    row_writer out{6 * m_};
    row pending;  // weight gradients, first in, first out
    std::size_t taken = 0;
    for (const cell& next : cells_of(rank, mine)) {
      if (next.type < 2) {
        out.forward(stage[next.type], next.number);
      } else if (next.type < 4) {
        const int from = stage[3 - next.type];
        out.backward_input(from, next.number);
        pending.push_back(make_action(kind::backward_weight, from, next.number));
      } else {
        out.backward_weight(pending[taken].stage, pending[taken].micro_batch);
        ++taken;
      }
    }
    return out.take();
  }

 private:
  static constexpr std::size_t weight = 4;
  using lanes =
      std::array<constant_vector<int>, 5>;  // slot of each micro-batch, by type; weights last

  struct cell {
    int slot;
    int rank;
    int type;
    int number;
    friend constexpr bool operator<(const cell& a, const cell& b) {
      return std::array{a.slot, a.rank, a.type, a.number} <
             std::array{b.slot, b.rank, b.type, b.number};
    }
  };

  [[nodiscard]] static constexpr int end_of(const lanes& mine) {
    int end = 0;
    for (const auto& lane : mine) {
      end = lane.empty() ? end : (std::max)(end, lane.back() + 1);
    }
    return end;
  }

  [[nodiscard]] static constexpr constant_vector<cell> cells_of(int rank, const lanes& mine) {
    constant_vector<cell> cells;
    for (int type = 0; type < 5; ++type) {
      for (int i = 0; i < static_cast<int>(mine[index(type)].size()); ++i) {
        cells.push_back({mine[index(type)][index(i)], rank, type, i});
      }
    }
    std::sort(cells.begin(), cells.end());
    return cells;
  }

  [[nodiscard]] constexpr constant_vector<cell> all_cells() const {
    constant_vector<cell> cells;
    for (int rank = 0; rank < ranks_; ++rank) {
      const constant_vector<cell> mine = cells_of(rank, slots_[index(rank)]);
      cells.insert(cells.end(), mine.begin(), mine.end());
    }
    std::sort(cells.begin(), cells.end());
    return cells;
  }

  constexpr void clear_weights() {
    for (lanes& mine : slots_) {
      mine[weight].clear();
    }
  }

  /// Weight gradients into the first free slots after the backwards that they belong to.
  constexpr void place_weights() {
    for (lanes& mine : slots_) {
      const constant_vector<char> use = board_of(mine);
      int waiting = 0;
      for (int slot = 0; slot < static_cast<int>(use.size()) || waiting > 0; ++slot) {
        const char what = slot < static_cast<int>(use.size()) ? use[index(slot)] : '.';
        if (what == 'b') {
          ++waiting;
        } else if (what == '.' && waiting > 0) {
          mine[weight].push_back(slot);
          --waiting;
        }
      }
    }
  }

  /// What each slot of a rank is used for: f, b, w, or nothing.
  [[nodiscard]] static constexpr constant_vector<char> board_of(const lanes& mine) {
    constant_vector<char> use(index(end_of(mine)), '.');
    for (std::size_t type = 0; type < 5; ++type) {
      for (const int slot : mine[type]) {
        use[index(slot)] = type < 2 ? 'f' : type < 4 ? 'b' : 'w';
      }
    }
    return use;
  }

  /// Most chunks held at a time, from a forward to its weight gradient; weight gradients that have
  /// no slot yet run wherever the rank would idle.
  [[nodiscard]] static constexpr int peak_of(const lanes& mine) {
    const bool placed = !mine[weight].empty();
    int held = 0;
    int waiting = 0;
    int peak = 0;
    for (const char what : board_of(mine)) {
      if (what == 'f') {
        peak = (std::max)(peak, ++held);
      } else if (what == 'b') {
        ++waiting;
      } else if (what == 'w') {
        --held;
      } else if (!placed && waiting > 0) {
        --waiting;
        --held;
      }
    }
    return peak;
  }

  /// The last slot in which something runs that this cell must come after.
  [[nodiscard]] constexpr int input_slot(const cell& what) const {
    const lanes& mine = slots_[index(what.rank)];
    const std::size_t i = index(what.number);
    const std::size_t type = index(what.type);
    int after = -1;
    if (type == weight) {
      constant_vector<int> backwards = mine[2];
      backwards.insert(backwards.end(), mine[3].begin(), mine[3].end());
      std::nth_element(backwards.begin(), backwards.begin() + what.number, backwards.end());
      after = backwards[i];
    } else {
      const int from = what.rank + (type % 2 == 0 ? -1 : 1);
      if (from >= 0 && from < ranks_) {
        after = slots_[index(from)][type][i];
      }
      if (type > 0) {
        after = (std::max)(after, mine[type - 1][i]);
      }
    }
    return i > 0 ? (std::max)(after, mine[type][i - 1]) : after;
  }

  /// Moves the actions of the cool-down, and of the warm-up if asked, to the earliest free slots
  /// that leave the peak as it is. Between the first last-backward and the last first-forward of
  /// rank 0 the blocks lie as they should.
  constexpr void pull_forward(bool warm_up) {
    int peak = 0;
    for (const lanes& mine : slots_) {
      peak = (std::max)(peak, peak_of(mine));
    }
    enum { warming, steady, cooling } phase = warming;
    constant_vector<constant_vector<char>> taken;
    for (const lanes& mine : slots_) {
      taken.emplace_back(index(end_of(mine)), char{0});
    }
    for (const cell& what : all_cells()) {
      if (what.type == 3 && what.rank == 0 && phase == warming) {
        phase = steady;
      }
      int& slot = slots_[index(what.rank)][index(what.type)][index(what.number)];
      constant_vector<char>& used = taken[index(what.rank)];
      if (phase == cooling || (phase == warming && warm_up)) {
        const int now = slot;
        for (slot = input_slot(what) + 1; slot < now; ++slot) {
          if (!used[index(slot)] && peak_of(slots_[index(what.rank)]) <= peak) {
            break;
          }
        }
      }
      if (phase == steady && what.type == 0 && what.number == m_ - 1) {
        phase = cooling;
      }
      used[index(slot)] = 1;
    }
  }

  /// Keeps each rank's order and lets each action run as soon as it can.
  constexpr void squeeze() {
    constant_vector<int> now(index(ranks_), 0);
    for (const cell& what : all_cells()) {
      int& slot = slots_[index(what.rank)][index(what.type)][index(what.number)];
      slot = (std::max)(now[index(what.rank)],
                        what.type == static_cast<int>(weight) ? 0 : input_slot(what) + 1);
      now[index(what.rank)] = slot + 1;
    }
  }

  int ranks_;
  int m_;
  constant_vector<lanes> slots_{};
};

/// A schedule of one block: `Schedule` has `name` and `block(ranks)`.
template <class Schedule>
struct block_schedule {
  constexpr void check(const shape& asked) const { require_whole(Schedule::name, asked); }
  [[nodiscard]] constexpr placement place(const shape& asked) const { return vee(asked.stages); }
  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    check(asked);
    return block_board{Schedule::block(asked.stages), asked.micro_batches}.order_of(rank);
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    check(asked);
    const block_board board{Schedule::block(asked.stages), asked.micro_batches};
    plan made{asked, place(asked), {}, Schedule::name};
    for (int rank = 0; rank < asked.stages; ++rank) {
      made.rows.push_back(board.order_of(rank));
    }
    return made;
  }
};

}  // namespace detail

/// A V of two chunks that holds half as much as 1F1B: floor((p+2)/2) micro-batches.
///
/// Bubble about half of 1F1B's where F, I and W are near to each other; 4m(p-1) messages. A row
/// costs as much as the plan, O(p^2 m): ask for the plan. Source: Qi et al. 2024, arXiv:2405.15362.
struct v_half : detail::block_schedule<v_half> {
  static constexpr std::string_view name = "v_half";

  [[nodiscard]] static constexpr constant_vector<detail::block_board::offsets> block(int p) {
    const int shift = p % 2 == 0 ? 3 : 0;
    constant_vector<detail::block_board::offsets> made;
    for (int r = 0; r < p; ++r) {
      made.push_back({2 * r, 3 * p - r - 2, 3 * p + shift + 2 * r - 1, 6 * p + shift - r - 2});
    }
    return made;
  }
};

/// A V of two chunks that holds as little as can be: floor((p+4)/3) micro-batches.
///
/// Bubble about two thirds of 1F1B's where F, I and W are near to each other; otherwise as
/// `v_half`.
struct v_min : detail::block_schedule<v_min> {
  static constexpr std::string_view name = "v_min";

  [[nodiscard]] static constexpr constant_vector<detail::block_board::offsets> block(int p) {
    const int shift = p % 3 == 0 ? 2 : 0;
    constant_vector<detail::block_board::offsets> made;
    for (int r = 0; r < p; ++r) {
      made.push_back({r, 2 * p - r - 1, 2 * p + shift + r, 4 * p + shift - r - 1});
    }
    return made;
  }
};

}  // namespace rondo::inline v0_1::pipeline
