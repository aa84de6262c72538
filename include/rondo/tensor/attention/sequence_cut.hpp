// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/partition.hpp>
#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

/// Context parallelism: the tokens of one sequence over the ranks of an axis.
namespace rondo::inline v0_1 {

/// The order in which a causal sequence is fair to its ranks: cut in 2n pieces, rank r holds pieces
/// r and 2n-1-r, so that every rank has as many pairs of query and key. Pieces begin on a multiple
/// of `granule`. Errors: as `cut::even`.
[[nodiscard]] inline cut zigzag(std::size_t tokens, int ranks, std::size_t granule = 1) {
  cut::check_ranks(ranks);
  cut::check_granule(tokens, granule);
  std::vector<std::vector<part>> runs;
  const auto pieces = 2 * static_cast<std::size_t>(ranks);
  for (int rank = 0; rank < ranks; ++rank) {
    const auto r = static_cast<std::size_t>(rank);
    auto& held = runs.emplace_back();
    for (const std::size_t piece : {r, pieces - 1 - r}) {
      const part run = even_part(tokens, pieces, piece, granule);
      if (run.count > 0) {
        held.push_back(run);
      }
    }
  }
  return {tokens, std::move(runs)};
}

/// Pairs of query and key that `rank` computes.
[[nodiscard]] inline std::size_t attention_work(const cut& tokens, int rank, visibility seen) {
  std::size_t pairs = 0;
  for (int other = 0; other < tokens.ranks(); ++other) {
    detail::for_each_seen_pair(seen, tokens.runs(rank), tokens.runs(other),
                               [&](part queries, part keys, attention_block block) {
                                 for (std::size_t q = 0; q < queries.count; ++q) {
                                   const std::size_t before = block.first_query + q + 1;
                                   pairs += !block.causal ? keys.count
                                            : before <= block.first_key
                                                ? 0
                                                : (std::min)(keys.count, before - block.first_key);
                                 }
                               });
  }
  return pairs;
}

}  // namespace rondo::inline v0_1
