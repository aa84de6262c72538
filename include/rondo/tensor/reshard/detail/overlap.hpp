// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/partition.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace rondo::inline v0_1::detail {

/// One dimension cut in two ways: for every place of the second cut, its indices sorted by which
/// places of the first hold them.
class overlap {
 public:
  /// Indices with the same owners.
  struct piece {
    std::size_t owners = 0;   ///< which owner set
    std::size_t indices = 0;  ///< how many
    part runs;                ///< which of the pool
  };

  /// Appends to `pool` runs that lie in one piece in both cuts.
  void assign(const cut& from, const cut& to, std::vector<part>& pool) {
    places_ = static_cast<std::size_t>(from.ranks());
    list_owners(from);
    pieces_.clear();
    pieces_of_.clear();
    for (int place = 0; place < to.ranks(); ++place) {
      const std::size_t first = pieces_.size();
      cut_up(to.runs(place), pool);
      pieces_of_.push_back({first, pieces_.size() - first});
    }
  }

  /// Sets of places of the first cut that hold some index together; at least one.
  [[nodiscard]] std::size_t owner_sets() const noexcept { return owners_.size() / places_; }
  [[nodiscard]] bool owns(std::size_t set, int place) const {
    return owners_[set * places_ + static_cast<std::size_t>(place)] != 0;
  }
  /// The pieces of one place of the second cut.
  [[nodiscard]] std::span<const piece> pieces(int place) const {
    const part which = pieces_of_[static_cast<std::size_t>(place)];
    return {pieces_.data() + which.first, which.count};
  }

 private:
  struct stretch {
    part indices;
    std::size_t owners = 0;
  };

  /// Divides the dimension where an owner begins or ends.
  void list_owners(const cut& from) {
    edges_.clear();
    stretches_.clear();
    owners_.clear();
    for (int place = 0; place < from.ranks(); ++place) {
      for (const part run : from.runs(place)) {
        if (run.count != 0) {
          edges_.push_back({run.first, place, true});
          edges_.push_back({run.first + run.count, place, false});
        }
      }
    }
    std::sort(edges_.begin(), edges_.end(), [](const edge& a, const edge& b) {
      return a.at != b.at ? a.at < b.at : a.begins < b.begins;
    });
    holding_.assign(places_, 0);
    alone_.assign(places_, none);
    holders_ = 0;
    std::size_t since = 0;
    for (std::size_t e = 0; e < edges_.size();) {
      const std::size_t at = edges_[e].at;
      if (at > since) {
        stretches_.push_back({{since, at - since}, set_of_holding()});
      }
      for (; e < edges_.size() && edges_[e].at == at; ++e) {
        holding_[static_cast<std::size_t>(edges_[e].place)] = edges_[e].begins ? 1 : 0;
        holders_ += edges_[e].begins ? 1 : -1;
      }
      since = at;
    }
    if (owners_.empty()) {  // a dimension of no indices
      owners_.assign(places_, 0);
    }
  }

  [[nodiscard]] std::size_t set_of_holding() {
    if (holders_ == 1) {
      const auto only = static_cast<std::size_t>(
          std::find(holding_.begin(), holding_.end(), char{1}) - holding_.begin());
      if (alone_[only] == none) {
        alone_[only] = add_set();
      }
      return alone_[only];
    }
    for (std::size_t set = 0; set < owner_sets(); ++set) {
      if (std::equal(holding_.begin(), holding_.end(),
                     owners_.begin() + static_cast<std::ptrdiff_t>(set * places_))) {
        return set;
      }
    }
    return add_set();
  }
  [[nodiscard]] std::size_t add_set() {
    owners_.insert(owners_.end(), holding_.begin(), holding_.end());
    return owner_sets() - 1;
  }

  /// Intersects runs with the stretches and sorts the results by owner set.
  void cut_up(std::span<const part> runs, std::vector<part>& pool) {
    found_.clear();
    for (const part run : runs) {
      const std::size_t end = run.first + run.count;
      auto next = std::upper_bound(
          stretches_.begin(), stretches_.end(), run.first,
          [](std::size_t at, const stretch& one) { return at < one.indices.first; });
      if (run.count == 0 || next == stretches_.begin()) {
        continue;
      }
      for (--next; next != stretches_.end() && next->indices.first < end; ++next) {
        const std::size_t from = (std::max)(run.first, next->indices.first);
        const std::size_t until = (std::min)(end, next->indices.first + next->indices.count);
        found_.push_back({{from, until - from}, next->owners});
      }
    }
    const auto by_owners = [](const stretch& a, const stretch& b) { return a.owners < b.owners; };
    if (!std::is_sorted(found_.begin(), found_.end(), by_owners)) {
      std::stable_sort(found_.begin(), found_.end(), by_owners);
    }
    for (std::size_t f = 0; f < found_.size();) {
      piece made{found_[f].owners, 0, {pool.size(), 0}};
      for (; f < found_.size() && found_[f].owners == made.owners; ++f) {
        made.indices += found_[f].indices.count;
        pool.push_back(found_[f].indices);
      }
      made.runs.count = pool.size() - made.runs.first;
      pieces_.push_back(made);
    }
  }

  struct edge {
    std::size_t at = 0;
    int place = 0;
    bool begins = false;
  };

  static constexpr auto none = static_cast<std::size_t>(-1);

  std::size_t places_ = 1;
  std::vector<char> owners_;        ///< [set][place]
  std::vector<std::size_t> alone_;  ///< by place, the set of it alone
  int holders_ = 0;                 ///< how many places are in holding_
  std::vector<stretch> stretches_;
  std::vector<piece> pieces_;
  std::vector<part> pieces_of_;  ///< by place, which of pieces_
  std::vector<edge> edges_;
  std::vector<char> holding_;
  std::vector<stretch> found_;
};

}  // namespace rondo::inline v0_1::detail
