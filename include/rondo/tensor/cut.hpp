// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// How one dimension is divided among ranks: for each rank the global indices it holds, as runs in
/// the order in which they lie in its memory. Widths may differ, a rank may hold nothing, and two
/// ranks may hold the same indices (key/value heads with more ranks than heads).
class cut {
 public:
  cut() = default;

  /// Each rank's runs, as given. Errors: a run beyond `extent`, an index that no rank holds, or one
  /// that a rank holds twice.
  cut(std::size_t extent, std::vector<std::vector<part>> runs)
      : extent_{extent}, runs_{std::move(runs)} {
    check();
  }

  /// Every rank holds all of it.
  [[nodiscard]] static cut whole(std::size_t extent, int ranks) {
    check_ranks(ranks);
    return {extent,
            std::vector<std::vector<part>>(static_cast<std::size_t>(ranks), one_run({0, extent}))};
  }

  /// Widths that differ by at most one granule, larger ones first. Errors: no ranks, a granule of
  /// 0, or more indices, with one granule, than a number has.
  [[nodiscard]] static cut even(std::size_t extent, int ranks, std::size_t granule = 1) {
    check_ranks(ranks);
    check_granule(extent, granule);
    std::vector<std::vector<part>> runs;
    for (int rank = 0; rank < ranks; ++rank) {
      runs.push_back(one_run(even_part(extent, static_cast<std::size_t>(ranks),
                                       static_cast<std::size_t>(rank), granule)));
    }
    return {extent, std::move(runs)};
  }

  /// Rank r holds the next `widths[r]` indices.
  [[nodiscard]] static cut widths(std::span<const std::size_t> widths) {
    std::vector<std::vector<part>> runs;
    std::size_t first = 0;
    for (const std::size_t width : widths) {
      if (width > most - first) {
        refuse_long();
      }
      runs.push_back(one_run({first, width}));
      first += width;
    }
    return {first, std::move(runs)};
  }

  /// Parts that lie one behind the other in the whole tensor (query, key, value; gate, up), each
  /// cut on its own: rank r holds [part 0 of r; part 1 of r; ...]. All parts have as many ranks.
  [[nodiscard]] static cut fused(std::span<const cut> parts) {
    std::size_t extent = 0;
    std::vector<std::vector<part>> runs(parts.empty() ? 0 : parts.front().runs_.size());
    for (const cut& one : parts) {
      if (one.runs_.size() != runs.size()) {
        refuse("cut: fused parts over " + std::to_string(runs.size()) + " and " +
               std::to_string(one.runs_.size()) + " ranks; all parts lie on the same ranks");
      }
      for (std::size_t rank = 0; rank < runs.size(); ++rank) {
        for (const part& run : one.runs_[rank]) {
          runs[rank].push_back({extent + run.first, run.count});
        }
      }
      if (one.extent_ > most - extent) {
        refuse_long();
      }
      extent += one.extent_;
    }
    return {extent, std::move(runs)};
  }

  /// The same cut of a dimension whose indices stand for `width` indices each: heads to columns.
  [[nodiscard]] cut scaled(std::size_t width) const {
    if (width != 0 && extent_ > most / width) {
      refuse_long();
    }
    cut wider = *this;
    wider.extent_ *= width;
    for (auto& held : wider.runs_) {
      for (part& run : held) {
        run = {run.first * width, run.count * width};
      }
    }
    return wider;
  }

  /// Every index with the first rank that holds it: the same cut where no two ranks hold the same.
  [[nodiscard]] cut first_holders() const {
    cut once;
    once.extent_ = extent_;
    std::vector<part> before;  // what earlier ranks hold
    for (const auto& held : runs_) {
      auto& kept = once.runs_.emplace_back();
      for (part rest : held) {
        for (const part taken : before) {  // ascending
          const std::size_t end = taken.first + taken.count;
          if (rest.count == 0 || end <= rest.first || taken.first >= rest.first + rest.count) {
            continue;
          }
          if (taken.first > rest.first) {
            kept.push_back({rest.first, taken.first - rest.first});
          }
          const std::size_t last = (std::max)(end, rest.first);
          const std::size_t until = rest.first + rest.count;
          rest = last < until ? part{last, until - last} : part{until, 0};
        }
        if (rest.count > 0) {
          kept.push_back(rest);
        }
      }
      before.insert(before.end(), kept.begin(), kept.end());
      std::sort(before.begin(), before.end(), [](part a, part b) { return a.first < b.first; });
    }
    return once;
  }

  /// True where no index is held twice.
  [[nodiscard]] bool disjoint() const {
    std::size_t held = 0;
    for (int rank = 0; rank < ranks(); ++rank) {
      held += width(rank);
    }
    return held == extent_;
  }

  /// Length of the whole dimension.
  [[nodiscard]] std::size_t extent() const noexcept { return extent_; }
  /// Number of ranks.
  [[nodiscard]] int ranks() const noexcept { return static_cast<int>(runs_.size()); }
  /// What `rank` holds. Errors: a rank that is none.
  [[nodiscard]] std::span<const part> runs(int rank) const {
    if (rank < 0 || rank >= ranks()) {
      refuse("cut: runs of rank " + std::to_string(rank) + " of " + std::to_string(ranks()) +
                 " ranks; expected 0 .. below their number",
             rank);
    }
    return runs_[static_cast<std::size_t>(rank)];
  }
  /// The runs of every rank.
  [[nodiscard]] const std::vector<std::vector<part>>& runs() const noexcept { return runs_; }
  /// How many indices `rank` holds. Errors: as `runs`.
  [[nodiscard]] std::size_t width(int rank) const {
    std::size_t held = 0;
    for (const part& run : runs(rank)) {
      held += run.count;
    }
    return held;
  }
  /// The width of every rank.
  [[nodiscard]] std::vector<std::size_t> widths() const {
    std::vector<std::size_t> all;
    for (int rank = 0; rank < ranks(); ++rank) {
      all.push_back(width(rank));
    }
    return all;
  }
  /// The global index of local index `local` on `rank`.
  [[nodiscard]] std::size_t global(int rank, std::size_t local) const {
    for (const part& run : runs(rank)) {
      if (local < run.count) {
        return run.first + local;
      }
      local -= run.count;
    }
    refuse("cut: local index beyond the width of rank " + std::to_string(rank), rank);
  }
  /// True where the ranks' widths, one behind the other, are the dimension: gathering is
  /// concatenating.
  [[nodiscard]] bool contiguous() const noexcept {
    std::size_t next = 0;
    for (const auto& held : runs_) {
      for (const part& run : held) {
        if (run.count != 0 && run.first != next) {
          return false;
        }
        next += run.count;
      }
    }
    return next == extent_;
  }

  friend bool operator==(const cut&, const cut&) = default;

  /// Refuses what no cut takes.
  static void check_ranks(int ranks) {
    if (ranks < 1) {
      refuse("cut: for " + std::to_string(ranks) + " ranks; expected at least 1");
    }
  }
  static void check_granule(std::size_t extent, std::size_t granule) {
    if (granule == 0) {
      refuse("cut: a granule of 0; expected at least 1");
    }
    if (granule - 1 > most - extent) {
      refuse_long();
    }
  }

 private:
  static constexpr std::size_t most = (std::numeric_limits<std::size_t>::max)();

  [[noreturn]] static void refuse_long() {
    refuse("cut: a dimension of more indices than a number has");
  }
  [[nodiscard]] static std::vector<part> one_run(part run) {
    return run.count == 0 ? std::vector<part>{} : std::vector<part>{run};
  }
  void check() const {
    std::vector<part> all;
    for (const auto& held : runs_) {
      all.insert(all.end(), held.begin(), held.end());
    }
    std::sort(all.begin(), all.end(), [](part a, part b) { return a.first < b.first; });
    std::size_t covered = 0;
    for (const part run : all) {
      if (run.first > extent_ || run.count > extent_ - run.first) {
        refuse("cut: indices " + std::to_string(run.first) + " to " +
               std::to_string(run.first + run.count) + " of a dimension of " +
               std::to_string(extent_));
      }
      if (run.first > covered) {
        break;
      }
      covered = (std::max)(covered, run.first + run.count);
    }
    if (covered < extent_) {
      refuse("cut: no rank holds index " + std::to_string(covered) + " of " +
             std::to_string(extent_));
    }
    for (int rank = 0; rank < ranks(); ++rank) {
      if (runs(rank).size() > 1) {
        check_once(rank, all);
      }
    }
  }
  /// The runs of a rank do not meet; `sorted`: memory.
  void check_once(int rank, std::vector<part>& sorted) const {
    sorted.clear();
    for (const part run : runs(rank)) {
      if (run.count != 0) {
        sorted.push_back(run);
      }
    }
    std::sort(sorted.begin(), sorted.end(), [](part a, part b) { return a.first < b.first; });
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      if (sorted[i].first - sorted[i - 1].first < sorted[i - 1].count) {
        refuse("cut: rank " + std::to_string(rank) + " holds index " +
               std::to_string(sorted[i].first) + " twice");
      }
    }
  }

  std::size_t extent_ = 0;
  std::vector<std::vector<part>> runs_;
};

}  // namespace rondo::inline v0_1
