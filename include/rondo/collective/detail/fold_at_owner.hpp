// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/execute.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

/// Folds over messages where partial results are not values: one_shot and two_shot send values as
/// they are, and who folds them has those of all ranks at hand. A bfloat16 travels as 2 bytes and
/// not as the 4 of its partial sum, a float of op::reproducible_sum as 4 and not as 48, and all are
/// folded in one pass, in the order of ranks.
namespace rondo::inline v0_1::detail {

template <class Algorithm, class Fold>
inline constexpr bool values_travel = Fold::lifts&& is_direct<Algorithm>;

/// One element of what all ranks sent: rank r's values begin at `values + r * stride`.
template <class Reduction, class T>
struct fold_of_ranks {
  const T* values;
  std::size_t stride;
  int ranks;
  T* to;
  Reduction with;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const {
    auto folded = Reduction::lift(values[i]);
    for (int rank = 1; rank < ranks; ++rank) {
      folded =
          with.fold(folded, Reduction::lift(values[static_cast<std::size_t>(rank) * stride + i]));
    }
    to[i] = with.lower(folded);
  }
};

/// One round in which all ranks get values, or `root` alone, if there is one: `given(peer)` are
/// those for a peer, those of a peer arrive in `got(peer)`.
template <class Comm, class Turn, class Given, class Got>
void exchange_values(Comm& comm, Turn& turn, int root, const Given& given, const Got& got) {
  auto& lists = lists_of(comm);
  lists.out.clear();
  lists.in.clear();
  for_each_peer(turn, [&](int after, int before) {
    if (root < 0 || root == after) {
      const auto sent = std::as_bytes(given(after));
      lists.out.push_back({after, sent.data(), sent.size()});
    }
    if (root < 0 || root == turn.rank()) {
      const auto into = std::as_writable_bytes(got(before));
      lists.in.push_back({before, into.data(), into.size()});
    }
  });
  turn.exchange(lists.out, lists.in, [](std::size_t, const std::byte*) {});
}

/// `to` = the fold of what this rank owns of every rank's `in`: rank r owns the part `owned(r)`. On
/// `root` alone, if there is one. `to` may be this rank's own part of `in`.
template <class Comm, class Turn, class T, class Owned, class Fold>
void fold_at_owner(Comm& comm, Turn& turn, const T* in, T* to, const Owned& owned, const Fold& fold,
                   int root = -1) {
  const int size = turn.size();
  const int self = turn.rank();
  const bool folds = root < 0 || root == self;
  const part own = owned(self);
  const std::size_t count = folds ? own.count : 0;
  T* const values = comm.scratch().template get<T>(static_cast<std::size_t>(size) * count);
  const auto of_rank = [&](int rank) { return values + static_cast<std::size_t>(rank) * count; };
  exchange_values(
      comm, turn, root,
      [&](int peer) {
        const part theirs = owned(peer);
        return std::span{in + theirs.first, theirs.count};
      },
      [&](int peer) {
        return std::span{of_rank(peer), count};
      });
  using reduction = std::remove_const_t<decltype(fold.reduction)>;
  if constexpr (works_elsewhere<Turn>) {
    turn.copy(of_rank(self), in + own.first, count * sizeof(T));
    turn.each(count, fold_of_ranks<reduction, T>{values, count, size, to, fold.reduction});
  } else {
    protocol::one_thread alone;
    const auto source = [&](int rank) -> const T* {
      return rank == self ? in + own.first : of_rank(rank);
    };
    fold_each(
        alone, source, folds ? size : 0, [&](int) { return to; }, 1, 0, count, fold.reduction);
  }
}

/// Every owner's part of the result to all ranks, or to `root` alone; `own` is this rank's, which
/// lies where it belongs on those that get all.
template <class Comm, class Turn, class T>
void gather_from_owners(Comm& comm, Turn& turn, const T* own, T* out, const chunking& cut,
                        int root = -1) {
  exchange_values(
      comm, turn, root,
      [&](int) {
        return std::span{own, cut.count(turn.rank())};
      },
      [&](int peer) {
        return std::span{out + cut.offset(peer), cut.count(peer)};
      });
}

}  // namespace rondo::inline v0_1::detail
