// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/detail/direct.hpp>
#include <rondo/schedule/one_shot.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

/// Direct schedules of two rounds: every rank owns one chunk.
///
///     round 0   chunk d of every rank  -->  rank d        folds chunk d in rank order
///     then      chunk d of rank d      -->  every rank
///
/// n ranks, m bytes; messages and bytes sent per rank:
///
///     all_reduce   2 (n-1) messages   2 m (n-1)/n bytes
///     broadcast    n - 1 at the root, n - 2 elsewhere; m and m (n-2)/n bytes at most
///     reduce       n messages at most, m bytes
///
/// Half of an all-reduce is the direct exchange of `one_shot`, so those two collectives are the
/// same. Source: the direct reduce-scatter and all-gather in Thakur, Rabenseifner, Gropp, IJHPCA
/// 19(1), 2005.
namespace rondo::inline v0_1::schedule {

constexpr program generate(two_shot, make<collective::all_reduce>, place where) {
  detail::builder write{where.size};
  detail::direct_reduce_scatter(write, where, in_output(where.rank));
  detail::direct_all_gather(write, where, in_output(where.rank));
  return write.finish();
}

constexpr program generate(two_shot, make<collective::reduce_scatter> what, place where) {
  return generate(one_shot{}, what, where);
}

constexpr program generate(two_shot, make<collective::all_gather> what, place where) {
  return generate(one_shot{}, what, where);
}

/// Scatter, then all-gather; the root, who has everything, only sends.
constexpr program generate(two_shot, make<collective::broadcast>, place where) {
  detail::builder write{where.size};
  if (where.rank == where.root) {
    write.copy(in_output(0, where.size), in_input(0, where.size));
    detail::for_each_after(where, [&](int peer) { write.send(in_input(peer), peer); });
    write.next_round();
    detail::for_each_after(where, [&](int peer) { write.send(in_input(where.root), peer); });
    return write.finish();
  }
  write.receive(in_output(where.rank), where.root);
  write.next_round();
  detail::for_each_after(where, [&](int peer) {
    if (peer != where.root) {
      write.send(in_output(where.rank), peer);
    }
  });
  detail::for_each_before(where, [&](int peer) { write.receive(in_output(peer), peer); });
  return write.finish();
}

/// Reduce-scatter, then gather at the root.
constexpr program generate(two_shot, make<collective::reduce>, place where) {
  detail::builder write{where.size};
  if (where.rank == where.root) {
    detail::direct_reduce_scatter(write, where, in_output(where.rank));
    detail::for_each_after(where, [&](int peer) { write.receive(in_output(peer), peer); });
    return write.finish();
  }
  const run folded = in_scratch(0, where.rank);
  detail::direct_reduce_scatter(write, where, folded);
  write.send(folded, where.root);
  return write.finish();
}

template <collective What>
requires(What == collective::all_reduce || What == collective::reduce_scatter ||
         What == collective::all_gather) constexpr int rotation(two_shot, make<What>) {
  return 1;
}

}  // namespace rondo::inline v0_1::schedule
