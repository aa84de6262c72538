// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// The least heads, not fewer than `heads`, of which all of `ranks` hold alike: equally many query
/// heads, in whole groups or in one. Groups stay as large as they are:
///
///     padded_heads({28, 7, 128}, 2) == {32, 8, 128}       16 over 4 on each, not 14 over 4
///     padded_heads({32, 4, 128}, 8) == {32, 4, 128}       4 over 1 on each, which two ranks share
///
/// No attention here needs them: `head_split` takes any heads. What they buy is one call of the
/// kernel on each rank, for the same shape, and where ranks are no more than key/value heads
/// nothing of those is held twice, so that their gradients need no sum. What they cost is the work
/// of the heads added.
/// The heads added come last. Where their columns of the projections, and their rows of the output
/// projection, are 0, they add 0 to what the block gives, all their gradients are 0, and they stay
/// 0 in training; other heads keep their bits.
/// Errors: those of `attention_heads::check`; no rank.
[[nodiscard]] inline attention_heads padded_heads(attention_heads heads, int ranks) {
  heads.check();
  if (ranks < 1) {
    refuse("padded_heads: for " + std::to_string(ranks) + " ranks; expected at least 1");
  }
  const std::size_t group = heads.group();
  const auto all = static_cast<std::size_t>(ranks);
  const auto alike = [&](std::size_t key_value) {
    return key_value % all == 0 || (all % key_value == 0 && group % (all / key_value) == 0);
  };
  while (!alike(heads.key_value)) {
    ++heads.key_value;
  }
  heads.query = heads.key_value * group;
  return heads;
}

/// Attention heads over ranks, for any ratio of query heads to key/value heads to ranks. Query
/// heads are cut evenly, the first ranks get one more; a rank holds the key/value heads that its
/// query heads read, so with more ranks than key/value heads several ranks hold the same one, and
/// each has a term of its gradient.
///
/// A rank's query heads need not be whole groups: its first key/value head may serve fewer of them
/// than the next. `groups(rank)` says which serves which.
class head_split {
 public:
  head_split(attention_heads heads, int ranks) : heads_{heads} {
    heads_.check();
    query_ = cut::even(heads_.query, ranks);
    std::vector<std::vector<part>> runs;
    for (int rank = 0; rank < ranks; ++rank) {
      auto& held = runs.emplace_back();
      for (const part own : query_.runs(rank)) {
        const std::size_t first = own.first / heads_.group();
        const std::size_t last = (own.first + own.count - 1) / heads_.group();
        held.push_back({first, last + 1 - first});
      }
    }
    key_value_ = {heads_.key_value, std::move(runs)};
  }

  [[nodiscard]] const attention_heads& heads() const noexcept { return heads_; }
  /// Query heads and key/value heads of each rank, in heads.
  [[nodiscard]] const cut& query() const noexcept { return query_; }
  [[nodiscard]] const cut& key_value() const noexcept { return key_value_; }
  /// The same in columns.
  [[nodiscard]] cut query_columns() const { return query_.scaled(heads_.width); }
  [[nodiscard]] cut key_value_columns() const { return key_value_.scaled(heads_.width); }
  /// The columns of a fused [query; key; value] projection.
  [[nodiscard]] cut fused_columns() const {
    const std::array parts{query_columns(), key_value_columns(), key_value_columns()};
    return cut::fused(parts);
  }
  /// True where no key/value head is held twice.
  [[nodiscard]] bool disjoint() const { return key_value_.disjoint(); }

  /// Query heads of `rank` that read one of its key/value heads: local indices.
  struct group {
    part query;
    std::size_t key_value = 0;
  };
  [[nodiscard]] std::vector<group> groups(int rank) const {
    std::vector<group> all;
    for (const part own : query_.runs(rank)) {
      for (std::size_t head = own.first; head < own.first + own.count; ++head) {
        const std::size_t reads = head / heads_.group() - own.first / heads_.group();
        if (all.empty() || all.back().key_value != reads) {
          all.push_back({{head - own.first, 0}, reads});
        }
        ++all.back().query.count;
      }
    }
    return all;
  }

 private:
  attention_heads heads_;
  cut query_;
  cut key_value_;
};

namespace detail {

/// Calls `act(heads, local query heads, local key/value heads)` for what one kernel call can do:
/// all of a rank's heads where they are groups of one size, else one group; or one query head.
template <class Act>
void for_each_group(const head_split& split, int rank, bool each_query_head, const Act& act) {
  const std::size_t width = split.heads().width;
  const auto groups = split.groups(rank);
  if (groups.empty()) {
    return;
  }
  if (each_query_head) {
    for (const auto& one : groups) {
      for (std::size_t head = 0; head < one.query.count; ++head) {
        act(attention_heads{1, 1, width}, part{one.query.first + head, 1}, part{one.key_value, 1});
      }
    }
    return;
  }
  const bool alike = std::all_of(groups.begin(), groups.end(), [&](const auto& one) {
    return one.query.count == groups.front().query.count;
  });
  if (alike) {
    const part all{0, groups.back().query.first + groups.back().query.count};
    act(attention_heads{all.count, groups.size(), width}, all, part{0, groups.size()});
    return;
  }
  for (const auto& one : groups) {
    act(attention_heads{one.query.count, 1, width}, one.query, part{one.key_value, 1});
  }
}

[[nodiscard]] constexpr part columns_of(part heads, std::size_t width) {
  return {heads.first * width, heads.count * width};
}

}  // namespace detail

}  // namespace rondo::inline v0_1
