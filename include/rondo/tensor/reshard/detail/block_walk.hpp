// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/partition.hpp>
#include <rondo/tensor/reshard/reshard_plan.hpp>
#include <rondo/tensor/reshard/sharding.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

/// Where a move's block lies in a rank's memory, and how to go through it.
namespace rondo::inline v0_1::detail {

/// A block in one memory: by dimension the local place of each run, and the memory's extent.
struct block_place {
  std::vector<std::vector<std::size_t>> starts;
  std::vector<std::size_t> extents;

  /// Run after run with no gaps: how a block travels.
  void pack(const reshard_plan& plan, const reshard_move& move) {
    const std::size_t dimensions = plan.before()[move.tensor].dimensions().size();
    starts.resize(dimensions);
    extents.assign(dimensions, 0);
    for (std::size_t d = 0; d < dimensions; ++d) {
      starts[d].clear();
      for (const part run : plan.runs(move, d)) {
        starts[d].push_back(extents[d]);
        extents[d] += run.count;
      }
    }
  }
};

/// Finds runs of global indices in the memory of one rank.
class local_index {
 public:
  /// Of the tensor as `rank` holds it.
  void assign(const tensor_sharding& of, int rank) {
    by_dimension_.resize(of.dimensions().size());
    for (std::size_t d = 0; d < by_dimension_.size(); ++d) {
      auto& known = by_dimension_[d];
      known.sorted.clear();
      known.extent = 0;
      for (const part run : of.runs(rank, d)) {
        if (run.count != 0) {
          known.sorted.push_back({run.first, known.extent});
          known.extent += run.count;
        }
      }
      std::sort(known.sorted.begin(), known.sorted.end(),
                [](const entry& a, const entry& b) { return a.first < b.first; });
    }
  }

  void find(const reshard_plan& plan, const reshard_move& move, block_place& found) const {
    found.starts.resize(by_dimension_.size());
    found.extents.resize(by_dimension_.size());
    for (std::size_t d = 0; d < by_dimension_.size(); ++d) {
      found.extents[d] = by_dimension_[d].extent;
      found.starts[d].clear();
      for (const part run : plan.runs(move, d)) {
        found.starts[d].push_back(by_dimension_[d].local(run.first));
      }
    }
  }

 private:
  struct entry {
    std::size_t first = 0;
    std::size_t local = 0;
  };
  struct dimension_index {
    std::vector<entry> sorted;
    std::size_t extent = 0;
    [[nodiscard]] std::size_t local(std::size_t global) const {
      const auto next =
          std::upper_bound(sorted.begin(), sorted.end(), global,
                           [](std::size_t at, const entry& one) { return at < one.first; });
      const entry& holder = *(next - 1);
      return holder.local + (global - holder.first);
    }
  };
  std::vector<dimension_index> by_dimension_;
};

/// Goes through a block in two memories at once, in pieces that have no gap in either:
/// act(elements into the first, elements into the second, elements).
class block_walk {
 public:
  template <class Act>
  void operator()(const reshard_plan& plan, const reshard_move& move, const block_place& a,
                  const block_place& b, const Act& act) {
    const std::size_t dimensions = a.extents.size();
    std::size_t chunk = 1;
    std::size_t outer = dimensions;  // the dimensions before this one have gaps behind their runs
    while (outer > 0) {
      const auto runs = plan.runs(move, outer - 1);
      if (runs.size() != 1 || runs[0].count != a.extents[outer - 1] ||
          runs[0].count != b.extents[outer - 1]) {
        break;
      }
      chunk *= runs[0].count;
      --outer;
    }
    if (outer == 0) {
      act(std::size_t{0}, std::size_t{0}, chunk);
      return;
    }
    const auto last = plan.runs(move, outer - 1);
    stride_a_.assign(outer, chunk);
    stride_b_.assign(outer, chunk);
    for (std::size_t d = outer - 1; d-- > 0;) {
      stride_a_[d] = stride_a_[d + 1] * a.extents[d + 1];
      stride_b_[d] = stride_b_[d + 1] * b.extents[d + 1];
    }
    at_.assign(outer - 1, {});
    for (bool more = true; more;) {
      std::size_t base_a = 0;
      std::size_t base_b = 0;
      for (std::size_t d = 0; d + 1 < outer; ++d) {
        base_a += (a.starts[d][at_[d].run] + at_[d].index) * stride_a_[d];
        base_b += (b.starts[d][at_[d].run] + at_[d].index) * stride_b_[d];
      }
      for (std::size_t r = 0; r < last.size(); ++r) {
        act(base_a + a.starts[outer - 1][r] * chunk, base_b + b.starts[outer - 1][r] * chunk,
            last[r].count * chunk);
      }
      more = false;
      for (std::size_t d = outer - 1; d-- > 0 && !more;) {
        more = next(at_[d], plan.runs(move, d));
      }
    }
  }

 private:
  struct index_in_run {
    std::size_t run = 0;
    std::size_t index = 0;
  };
  /// Goes one further, or back to the beginning.
  static bool next(index_in_run& at, std::span<const part> runs) {
    if (++at.index < runs[at.run].count) {
      return true;
    }
    at.index = 0;
    if (++at.run < runs.size()) {
      return true;
    }
    at.run = 0;
    return false;
  }

  std::vector<std::size_t> stride_a_;
  std::vector<std::size_t> stride_b_;
  std::vector<index_in_run> at_;
};

}  // namespace rondo::inline v0_1::detail
