// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <string>

/// Which block of a matrix each rank holds, and that it fits.
namespace rondo::inline v0_1::detail {

[[nodiscard]] inline std::string shape_text(std::size_t rows, std::size_t columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

/// One shard seen from the whole matrix: which rows and which columns each rank holds.
class blocks {
 public:
  blocks(const cut& division, int dimension, std::size_t rows, std::size_t columns)
      : division_{division}, dimension_{dimension}, all_{0, dimension == 0 ? columns : rows} {}

  [[nodiscard]] std::span<const part> rows(int rank) const {
    return dimension_ == 0 ? division_.runs(rank) : whole();
  }
  [[nodiscard]] std::span<const part> columns(int rank) const {
    return dimension_ == 0 ? whole() : division_.runs(rank);
  }
  [[nodiscard]] std::size_t elements(int rank) const { return division_.width(rank) * all_.count; }
  /// True where the ranks' blocks, one behind the other, are the matrix.
  [[nodiscard]] bool concatenate() const { return dimension_ == 0 && division_.contiguous(); }

 private:
  [[nodiscard]] std::span<const part> whole() const { return {&all_, 1}; }
  const cut& division_;
  int dimension_;
  part all_;
};

template <class P>
void check_shard(const char* who, const P& shard, int rank, int ranks) {
  const auto extent = P::dimension == 0 ? shard.values.rows : shard.values.columns;
  if (shard.division->ranks() != ranks || shard.division->width(rank) != extent) {
    refuse(std::string{who} + ": a shard of " +
               shape_text(shard.values.rows, shard.values.columns) + " on rank " +
               std::to_string(rank) + " of " + std::to_string(ranks) + ", but its cut is over " +
               std::to_string(shard.division->ranks()) + " ranks" +
               (rank < shard.division->ranks()
                    ? " and gives this one " + std::to_string(shard.division->width(rank))
                    : std::string{}),
           rank);
  }
}

inline void check_shape(const char* who, std::size_t got_rows, std::size_t got_columns,
                        std::size_t rows, std::size_t columns, int rank) {
  if (got_rows != rows || got_columns != columns) {
    refuse(std::string{who} + ": got " + shape_text(got_rows, got_columns) + ", expected " +
               shape_text(rows, columns),
           rank);
  }
}

/// A cut for other ranks says nothing, or something else, of this one.
inline void check_cut_over(const char* what, const cut& division, int ranks, int rank) {
  if (division.ranks() != ranks) {
    refuse(std::string{what} + " are cut over " + std::to_string(division.ranks()) +
               " ranks, but the axis has " + std::to_string(ranks),
           rank);
  }
}

/// An index that two ranks hold would be written twice, and its gradient counted once.
inline void check_disjoint(const char* who, const cut& division, int rank) {
  if (!division.disjoint()) {
    refuse(std::string{who} +
               ": a cut in which ranks hold the same indices; reduce among the "
               "ranks that share them instead",
           rank);
  }
}

}  // namespace rondo::inline v0_1::detail
