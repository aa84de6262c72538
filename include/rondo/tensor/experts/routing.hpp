// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// Which token goes to which expert, and who is first where an expert is full.
namespace rondo::inline v0_1 {

/// A rank's tokens and their experts, best first: `expert` and `weight` are [own tokens, choices].
template <class W>
struct routing {
  matrix<const int> expert{};
  matrix<const W> weight{};
};

/// Tokens that an expert takes at most: ceil(tokens * choices / experts * factor).
/// Errors: no experts, or a factor that is not above 0, for which 0 would read as no limit; a
/// capacity beyond 2^63.
/// Source: Lepikhin et al., GShard (2020), arXiv:2006.16668.
[[nodiscard]] inline std::size_t expert_capacity(std::size_t tokens, std::size_t choices,
                                                 std::size_t experts, double factor) {
  const double rows = std::ceil(static_cast<double>(tokens) * static_cast<double>(choices) /
                                static_cast<double>(experts) * factor);
  if (experts == 0 || !(factor > 0) || !(rows < 0x1p63)) {
    refuse("expert_capacity: got factor " + std::to_string(factor) + " and " +
           std::to_string(experts) + " experts; expected a finite factor above 0 and at least 1 " +
           "expert (where there is no limit, the capacity is 0 itself)");
  }
  return static_cast<std::size_t>(rows);
}

/// The `choices` likeliest experts of each token, best first, of equal ones the first; weights are
/// their probabilities. probabilities: [tokens, experts]; expert, weight: [tokens, choices].
template <class W>
void choose_experts(matrix<const W> probabilities, matrix<int> expert, matrix<W> weight) {
  if (expert.columns > probabilities.columns || expert.rows != probabilities.rows ||
      weight.rows != expert.rows || weight.columns != expert.columns) {
    refuse("choose_experts: " + std::to_string(expert.columns) + " choices for " +
           std::to_string(expert.rows) + " tokens out of probabilities [" +
           std::to_string(probabilities.rows) + ", " + std::to_string(probabilities.columns) + "]");
  }
  for (std::size_t token = 0; token < expert.rows; ++token) {
    const auto row = probabilities.row(token);
    for (std::size_t slot = 0; slot < expert.columns; ++slot) {
      std::size_t best = row.size();
      for (std::size_t e = 0; e < row.size(); ++e) {
        const auto taken = expert.row(token).first(slot);
        if (std::find(taken.begin(), taken.end(), static_cast<int>(e)) == taken.end() &&
            (best == row.size() || row[e] > row[best])) {
          best = e;
        }
      }
      expert(token, slot) = static_cast<int>(best);
      weight(token, slot) = row[best];
    }
  }
}

/// How many tokens of each run of tokens go to each expert, known to all ranks, and what follows
/// from it: everyone's place in every expert's queue.
///
/// An expert's queue is in the order of the tokens in the whole sequence, whatever rank holds them;
/// those beyond the capacity are dropped. So what is dropped, and the order of an expert's rows,
/// does not depend on the number of ranks.
class expert_queues {
 public:
  expert_queues() = default;

  /// `counts` lies [run, expert]; runs of rank 0 first, in the order of its memory.
  /// `capacity` 0: no limit.
  expert_queues(const cut& tokens, std::size_t experts, std::size_t capacity,
                std::span<const int> counts)
      : experts_{experts} {
    struct run {
      std::size_t first;
      std::size_t index;
    };
    std::vector<run> order;
    for (int rank = 0; rank < tokens.ranks(); ++rank) {
      first_run_.push_back(order.size());
      for (const part each : tokens.runs(rank)) {
        order.push_back({each.first, order.size()});
      }
    }
    first_run_.push_back(order.size());
    places_.resize(order.size() * experts);
    lengths_.resize(experts);
    std::sort(order.begin(), order.end(), [](run a, run b) { return a.first < b.first; });
    for (std::size_t e = 0; e < experts; ++e) {
      std::size_t next = 0;
      for (const run each : order) {
        const auto wants = static_cast<std::size_t>(counts[each.index * experts + e]);
        const std::size_t room = capacity == 0 ? wants : capacity - next;
        places_[each.index * experts + e] = {next, (std::min)(wants, room)};
        next += (std::min)(wants, room);
      }
      lengths_[e] = next;
    }
  }

  /// Rows of `expert`, of all ranks.
  [[nodiscard]] std::size_t length(std::size_t expert) const { return lengths_[expert]; }

  /// The places in the queue of `expert` that run `run` of `rank` has.
  [[nodiscard]] part places(int rank, std::size_t run, std::size_t expert) const {
    return places_[(first_run_[static_cast<std::size_t>(rank)] + run) * experts_ + expert];
  }

  /// Rows that go from `rank` to the experts of `owned`.
  [[nodiscard]] std::size_t rows(int rank, std::span<const part> owned) const {
    std::size_t sum = 0;
    for_each(rank, owned, [&](std::size_t, std::size_t, part places) { sum += places.count; });
    return sum;
  }

  /// Calls `act(expert, run, places)` for the experts of `owned` and every run of `rank`: the order
  /// in which rows travel.
  template <class Act>
  void for_each(int rank, std::span<const part> owned, const Act& act) const {
    const auto r = static_cast<std::size_t>(rank);
    for (const part some : owned) {
      for (std::size_t e = some.first; e < some.first + some.count; ++e) {
        for (std::size_t run = 0; run < first_run_[r + 1] - first_run_[r]; ++run) {
          act(e, run, places(rank, run, e));
        }
      }
    }
  }

 private:
  std::size_t experts_ = 0;
  std::vector<std::size_t> first_run_;  ///< of each rank
  std::vector<part> places_;            ///< [run, expert]
  std::vector<std::size_t> lengths_;
};

}  // namespace rondo::inline v0_1
