// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/elastic/sample_order.hpp>
#include <rondo/version.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rondo::inline v0_1::elastic {

/// How far training has come: all there is to save of a data loader. Which samples are done follows
/// from it, whatever numbers of ranks did them.
struct cursor {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  std::uint64_t committed = 0;  ///< samples of this epoch that are in the weights
  friend constexpr auto operator<=>(const cursor&, const cursor&) = default;
};

/// Which samples a rank takes: of each batch, the next ones in the epoch's order, a stripe that
/// differs from other ranks' by at most one sample. An epoch's last batch is smaller, if it must
/// be: no sample is left out or taken twice, for any sequence of numbers of ranks and of batches.
struct sampler {
  std::uint64_t samples = 0;  ///< of an epoch
  std::uint64_t batch = 0;    ///< of all ranks together

  /// Samples of the next batch; none where the cursor is at the epoch's end or beyond it.
  [[nodiscard]] constexpr std::uint64_t taken(const cursor& at) const {
    const std::uint64_t left = at.committed < samples ? samples - at.committed : 0;
    return left < batch ? left : batch;
  }
  /// Where the cursor stands when the next batch is in the weights. Errors: as `stripe`'s.
  [[nodiscard]] constexpr cursor after(const cursor& at) const {
    check(at);
    const std::uint64_t done = at.committed + taken(at);
    return done == samples ? cursor{at.seed, at.epoch + 1, 0} : cursor{at.seed, at.epoch, done};
  }
  /// What rank `rank` of `ranks` takes of the next batch.
  /// Errors: an epoch or a batch without samples, a cursor beyond the epoch's end; a rank that is
  /// none.
  [[nodiscard]] std::vector<std::uint64_t> stripe(const cursor& at, int rank, int ranks) const {
    check(at, rank);
    if (rank < 0 || rank >= ranks) {
      refuse("elastic: stripe of rank " + std::to_string(rank) + " of " + std::to_string(ranks) +
                 " ranks; expected 0 .. below their number",
             rank);
    }
    const part own =
        even_part(taken(at), static_cast<std::size_t>(ranks), static_cast<std::size_t>(rank));
    const sample_order order{at.seed, at.epoch, samples};
    std::vector<std::uint64_t> indices(own.count);
    for (std::size_t i = 0; i < own.count; ++i) {
      indices[i] = order(at.committed + own.first + i);
    }
    return indices;
  }

 private:
  constexpr void check(const cursor& at, int rank = -1) const {
    if (samples == 0 || batch == 0 || at.committed >= samples) {
      refuse("elastic: " + std::to_string(at.committed) + " of " + std::to_string(samples) +
                 " samples committed, in batches of " + std::to_string(batch) +
                 "; expected fewer than all, and batches of one at least",
             rank);
    }
  }
};

namespace detail {

struct vote {
  cursor from{};
  cursor to{};
  std::uint64_t ready = 0;
};

template <class Comm>
[[nodiscard]] std::vector<vote> votes(source_location where, Comm& comm, const vote& own) {
  std::vector<vote> all(static_cast<std::size_t>(comm.size()));
  rondo::all_gather(comm, std::span{&own, 1}, all, where);
  return all;
}

[[noreturn]] inline void refuse_cursors(const std::vector<vote>& all, std::size_t rank) {
  const auto text = [&](std::size_t of) {
    const auto of_one = [](const cursor& one) {
      return "epoch " + std::to_string(one.epoch) + ", sample " + std::to_string(one.committed) +
             ", seed " + std::to_string(one.seed);
    };
    return "rank " + std::to_string(of) + " goes from (" + of_one(all[of].from) + ") to (" +
           of_one(all[of].to) + ")";
  };
  refuse("elastic: " + text(0) + ", but " + text(rank) +
             "; ranks that train together have one cursor (furthest() finds it)",
         static_cast<int>(rank));
}

}  // namespace detail

/// Moves every rank's cursor from `at` to `next` if every rank is ready, and none otherwise; says
/// which. Weights advance with it:
///
///     if (rondo::elastic::commit(comm, at, sampler.after(at), finite(gradient))) {
///       update(weights, gradient);   // what cannot fail any more
///     }                              // else: the same batch again
///
/// All ranks see all votes before any moves. A rank that dies within the call may leave some ranks
/// a batch ahead of others: `furthest` brings those who are left together.
/// Cost: all_gather of 56 B. Errors, on every rank alike: cursors that differ.
template <class Comm>
[[nodiscard]] bool commit(Comm& comm, cursor& at, const cursor& next, bool ready,
                          source_location where = source_location::current()) {
  const auto all = detail::votes(where, comm, {at, next, ready ? std::uint64_t{1} : 0});
  bool every = true;
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank].from != all[0].from || all[rank].to != all[0].to) {
      detail::refuse_cursors(all, rank);
    }
    every = every && all[rank].ready != 0;
  }
  at = every ? next : at;
  return every;
}

/// Sets every rank's cursor to the one that is furthest, and gives the first rank that stood there:
/// the root from which the others take the weights. For ranks that are left after a failure, and
/// for new ones, which come with a cursor of the same seed at the beginning.
/// Cost: all_gather of 56 B. Errors, on every rank alike: seeds that differ.
template <class Comm>
[[nodiscard]] int furthest(Comm& comm, cursor& at,
                           source_location where = source_location::current()) {
  const auto all = detail::votes(where, comm, {at, at, 0});
  std::size_t first = 0;
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank].from.seed != all[0].from.seed) {
      detail::refuse_cursors(all, rank);
    }
    first = all[rank].from > all[first].from ? rank : first;
  }
  at = all[first].from;
  return static_cast<int>(first);
}

}  // namespace rondo::inline v0_1::elastic
