// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/reshard/detail/overlap.hpp>
#include <rondo/tensor/reshard/sharding.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// One block that rank `to` needs of a tensor and takes from rank `from`, maybe itself: for every
/// dimension some runs of global indices, and all their combinations.
struct reshard_move {
  std::size_t tensor = 0;
  int from = 0;
  int to = 0;
  std::size_t elements = 0;
  std::size_t first_piece = 0;  ///< of `reshard_plan::runs`
};

/// Who sends what to whom when tensors go from one sharding to another: any mesh to any other, with
/// uneven and fused cuts, pinned stages, replicas, more ranks or fewer. Rank r of a mesh is rank r
/// of the communicator.
///
/// What a rank needs and holds already it keeps, also where others hold it too; everything else
/// comes from one of its holders, once: the one that has sent least so far, the nearest by number
/// among equals. So the bytes moved are the least possible. A pure function of the two lists: every
/// rank makes the same plan, and no rank needs to be asked.
///
/// Cost: time in proportion to tensors x ranks x intersecting runs; 1,000 tensors on 8 ranks take a
/// few milliseconds (`bench/results/tensor_layout.md`).
/// Errors: lists that differ in length, or in a tensor's name, element size, shape or dimensions'
/// names.
class reshard_plan {
 public:
  reshard_plan(std::span<const tensor_sharding> before, std::span<const tensor_sharding> after)
      : before_{before.begin(), before.end()}, after_{after.begin(), after.end()} {
    if (before_.size() != after_.size()) {
      refuse("reshard: from " + std::to_string(before_.size()) + " tensors to " +
             std::to_string(after_.size()) + "; list the same tensors in both");
    }
    for (std::size_t t = 0; t < before_.size(); ++t) {
      check_pair(t);
      ranks_ = (std::max)({ranks_, before_[t].ranks(), after_[t].ranks()});
    }
    sent_.resize(static_cast<std::size_t>(ranks_));
    received_.resize(static_cast<std::size_t>(ranks_));
    for (std::size_t t = 0; t < before_.size(); ++t) {
      plan_tensor(t);
    }
  }

  [[nodiscard]] const std::vector<tensor_sharding>& before() const noexcept { return before_; }
  [[nodiscard]] const std::vector<tensor_sharding>& after() const noexcept { return after_; }
  /// Ranks of the larger mesh.
  [[nodiscard]] int ranks() const noexcept { return ranks_; }

  /// All moves, by tensor and then by receiver; where `from` is `to`, the block stays.
  [[nodiscard]] const std::vector<reshard_move>& moves() const noexcept { return moves_; }
  /// The global indices of a move along dimension `d`, each run in one piece on both sides.
  [[nodiscard]] std::span<const part> runs(const reshard_move& of, std::size_t d) const {
    const part piece = pieces_[of.first_piece + d];
    return {runs_.data() + piece.first, piece.count};
  }

  /// Bytes that leave or reach `rank`.
  [[nodiscard]] std::size_t sent_bytes(int rank) const {
    return sent_[static_cast<std::size_t>(rank)];
  }
  [[nodiscard]] std::size_t received_bytes(int rank) const {
    return received_[static_cast<std::size_t>(rank)];
  }
  /// Bytes that change ranks, and those that stay on theirs.
  [[nodiscard]] std::size_t moved_bytes() const noexcept {
    std::size_t sum = 0;
    for (const std::size_t bytes : sent_) {
      sum += bytes;
    }
    return sum;
  }
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_; }

  [[nodiscard]] std::string describe() const {
    return std::to_string(before_.size()) + " tensors over " + std::to_string(ranks_) +
           " ranks: " + std::to_string(moves_.size()) + " blocks, " +
           std::to_string(moved_bytes()) + " B moved, " + std::to_string(kept_) + " B kept";
  }

 private:
  void check_pair(std::size_t t) const {
    const tensor_sharding& from = before_[t];
    const tensor_sharding& to = after_[t];
    bool alike = from.name() == to.name() && from.element_bytes() == to.element_bytes() &&
                 from.dimensions().size() == to.dimensions().size();
    for (std::size_t d = 0; alike && d < from.dimensions().size(); ++d) {
      alike = from.dimensions()[d].division.extent() == to.dimensions()[d].division.extent();
    }
    if (!alike) {
      refuse("reshard: tensor " + std::to_string(t) + " is " + from.describe() + " before and " +
             to.describe() + " after; it keeps its name, its shape and its element size");
    }
    for (std::size_t d = 0; d < from.dimensions().size(); ++d) {
      if (from.dimensions()[d].name != to.dimensions()[d].name) {
        refuse("reshard: dimension " + std::to_string(d) + " of \"" + from.name() + "\" is \"" +
               from.dimensions()[d].name + "\" before and \"" + to.dimensions()[d].name +
               "\" after; it keeps its name");
      }
    }
  }

  void plan_tensor(std::size_t t) {
    const tensor_sharding& from = before_[t];
    const tensor_sharding& to = after_[t];
    const std::size_t dimensions = from.dimensions().size();
    overlaps_.resize((std::max)(overlaps_.size(), dimensions));
    std::size_t combinations = 1;
    for (std::size_t d = 0; d < dimensions; ++d) {
      overlaps_[d].assign(from.dimensions()[d].division, to.dimensions()[d].division, runs_);
      combinations *= overlaps_[d].owner_sets();
    }
    holders_.assign(combinations, {});
    holder_ranks_.clear();
    for (int rank = 0; rank < to.ranks(); ++rank) {
      if (to.held_by(rank)) {
        plan_receiver(t, rank);
      }
    }
  }

  /// All combinations of one piece per dimension, the last dimension fastest.
  void plan_receiver(std::size_t t, int rank) {
    const tensor_sharding& to = after_[t];
    const std::size_t dimensions = to.dimensions().size();
    chosen_.assign(dimensions, 0);
    for (std::size_t d = 0; d < dimensions; ++d) {
      if (overlaps_[d].pieces(to.place(rank, d)).empty()) {
        return;
      }
    }
    for (bool more = true; more;) {
      reshard_move made{t, -1, rank, 1, pieces_.size()};
      std::size_t combination = 0;
      for (std::size_t d = 0; d < dimensions; ++d) {
        const auto& piece = overlaps_[d].pieces(to.place(rank, d))[chosen_[d]];
        made.elements *= piece.indices;
        combination = combination * overlaps_[d].owner_sets() + piece.owners;
        pieces_.push_back(piece.runs);
      }
      made.from = pick(t, rank, combination);
      count(made, made.elements * to.element_bytes());
      moves_.push_back(made);
      more = false;
      for (std::size_t d = dimensions; d-- > 0 && !more;) {
        more = ++chosen_[d] < overlaps_[d].pieces(to.place(rank, d)).size();
        chosen_[d] = more ? chosen_[d] : 0;
      }
    }
  }

  void count(const reshard_move& made, std::size_t bytes) {
    if (made.from == made.to) {
      kept_ += bytes;
    } else {
      sent_[static_cast<std::size_t>(made.from)] += bytes;
      received_[static_cast<std::size_t>(made.to)] += bytes;
    }
  }

  /// The receiver itself if it holds the block, else the holder that has sent least.
  [[nodiscard]] int pick(std::size_t t, int receiver, std::size_t combination) {
    int best = -1;
    for (const int rank : holders(t, combination)) {
      if (rank == receiver) {
        return rank;
      }
      if (best < 0 || better(rank, best, receiver)) {
        best = rank;
      }
    }
    return best;
  }
  [[nodiscard]] bool better(int rank, int than, int receiver) const {
    const std::size_t load = sent_[static_cast<std::size_t>(rank)];
    const std::size_t other = sent_[static_cast<std::size_t>(than)];
    return load != other ? load < other : distance(rank, receiver) < distance(than, receiver);
  }
  [[nodiscard]] static int distance(int a, int b) { return a < b ? b - a : a - b; }

  /// Ranks that hold the indices of one owner set in every dimension; found once.
  [[nodiscard]] std::span<const int> holders(std::size_t t, std::size_t combination) {
    part& known = holders_[combination];
    if (known.count == 0) {
      const tensor_sharding& from = before_[t];
      known.first = holder_ranks_.size();
      for (int rank = 0; rank < from.ranks(); ++rank) {
        bool holds = from.held_by(rank);
        std::size_t rest = combination;
        for (std::size_t d = from.dimensions().size(); holds && d-- > 0;) {
          const std::size_t sets = overlaps_[d].owner_sets();
          holds = overlaps_[d].owns(rest % sets, from.place(rank, d));
          rest /= sets;
        }
        if (holds) {
          holder_ranks_.push_back(rank);
        }
      }
      known.count = holder_ranks_.size() - known.first;
    }
    return {holder_ranks_.data() + known.first, known.count};
  }

  std::vector<tensor_sharding> before_;
  std::vector<tensor_sharding> after_;
  int ranks_ = 1;
  std::vector<reshard_move> moves_;
  std::vector<part> pieces_;  ///< for every move and dimension, which of the runs
  std::vector<part> runs_;
  std::vector<std::size_t> sent_;
  std::vector<std::size_t> received_;
  std::size_t kept_ = 0;

  // While a tensor is planned.
  std::vector<detail::overlap> overlaps_;  ///< by dimension
  std::vector<std::size_t> chosen_;        ///< by dimension, which piece
  std::vector<part> holders_;              ///< by combination of owner sets, which of holder_ranks_
  std::vector<int> holder_ranks_;
};

}  // namespace rondo::inline v0_1
