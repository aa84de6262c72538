// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>

namespace rondo::inline v0_1::schedule::detail {

/// What a cell of memory holds: nothing, or the fold of some ranks' chunk `chunk`.
struct symbol {
  static constexpr int nothing = -1;
  int chunk = nothing;
  int lowest = 0;  ///< of the ranks folded in
  int highest = 0;
  bool ordered = true;        ///< operands stand in rank order
  bool left_to_right = true;  ///< and were folded one by one
  std::uint64_t expression = 0;
};

/// Cells with a symbol and a set of ranks each.
class symbols {
 public:
  static constexpr int no_rank = -1;

  constexpr symbols(std::size_t cells, int ranks)
      : words_{(static_cast<std::size_t>(ranks) + 63) / 64},
        cells_(cells),
        sets_(cells * words_, 0) {}

  [[nodiscard]] constexpr const symbol& operator[](std::size_t cell) const { return cells_[cell]; }
  [[nodiscard]] constexpr bool empty(std::size_t cell) const {
    return cells_[cell].chunk == symbol::nothing;
  }

  /// The cell holds `rank`'s own chunk.
  constexpr void put(std::size_t cell, int rank, int chunk) {
    clear(cell);
    cells_[cell] = {
        chunk, rank, rank,
        true,  true, mix(static_cast<std::uint64_t>(rank) + 1, static_cast<std::uint64_t>(chunk))};
    insert(cell, rank);
  }
  constexpr void clear(std::size_t cell) {
    cells_[cell] = {};
    for (std::size_t w = 0; w < words_; ++w) {
      sets_[cell * words_ + w] = 0;
    }
  }
  constexpr void copy(std::size_t into, std::size_t from) {
    cells_[into] = cells_[from];
    for (std::size_t w = 0; w < words_; ++w) {
      sets_[into * words_ + w] = sets_[from * words_ + w];
    }
  }

  /// into <- left + right. Gives a rank that is in both, and then does nothing, or `no_rank`.
  constexpr int fold(std::size_t into, std::size_t left, std::size_t right) {
    for (std::size_t w = 0; w < words_; ++w) {
      const std::uint64_t both = sets_[left * words_ + w] & sets_[right * words_ + w];
      if (both != 0) {
        return lowest_in(both, w);
      }
    }
    const symbol a = cells_[left];
    const symbol b = cells_[right];
    const bool ordered = a.ordered && b.ordered && a.highest < b.lowest;
    cells_[into] = {a.chunk,
                    a.lowest < b.lowest ? a.lowest : b.lowest,
                    a.highest > b.highest ? a.highest : b.highest,
                    ordered,
                    ordered && a.left_to_right && b.lowest == b.highest,
                    mix(a.expression, b.expression)};
    for (std::size_t w = 0; w < words_; ++w) {
      sets_[into * words_ + w] = sets_[left * words_ + w] | sets_[right * words_ + w];
    }
    return no_rank;
  }

  constexpr void insert(std::size_t cell, int rank) {
    const auto at = static_cast<std::size_t>(rank);
    sets_[cell * words_ + at / 64] |= std::uint64_t{1} << (at % 64);
  }
  constexpr void unite(std::size_t into, std::size_t with) {
    for (std::size_t w = 0; w < words_; ++w) {
      sets_[into * words_ + w] |= sets_[with * words_ + w];
    }
  }
  [[nodiscard]] constexpr bool contains(std::size_t cell, int rank) const {
    const auto at = static_cast<std::size_t>(rank);
    return (sets_[cell * words_ + at / 64] >> (at % 64) & 1) != 0;
  }
  /// The lowest of `ranks` ranks that is missing, or `no_rank`.
  [[nodiscard]] constexpr int missing(std::size_t cell, int ranks) const {
    for (int rank = 0; rank < ranks; ++rank) {
      if (!contains(cell, rank)) {
        return rank;
      }
    }
    return no_rank;
  }

  /// One number that stands for two, in their order.
  [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t left, std::uint64_t right) {
    std::uint64_t x = left * 0x9e3779b97f4a7c15u + (right ^ (right >> 29)) * 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 29);
  }

 private:
  [[nodiscard]] static constexpr int lowest_in(std::uint64_t bits, std::size_t word) {
    int at = 0;
    while ((bits >> at & 1) == 0) {
      ++at;
    }
    return static_cast<int>(word) * 64 + at;
  }

  std::size_t words_;
  constant_vector<symbol> cells_;
  constant_vector<std::uint64_t> sets_;
};

}  // namespace rondo::inline v0_1::schedule::detail
