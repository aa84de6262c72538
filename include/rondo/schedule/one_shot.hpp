// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/detail/direct.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

/// Direct schedules of one round: every message goes straight from its origin to its end.
///
///     0 --> 1      round 0: all messages;     then local folds, in rank order
///     |\   /^
///     v  X  |
///     2 --> 3
///
/// n ranks, m bytes; messages and bytes sent per rank:
///
///     all_reduce                              n - 1 messages   m (n-1)     bytes
///     reduce_scatter, all_gather, all_to_all  n - 1 messages   m (n-1)/n   bytes
///     broadcast, scatter at the root          n - 1 messages   m (n-1), m (n-1)/n bytes
///     reduce, gather elsewhere                1 message        m, m/n      bytes
///
/// The folds run from left to right, 0 + 1 + ... + (n-1), on every rank alike.
/// Source: Thakur, Rabenseifner, Gropp, "Optimization of collective communication operations in
/// MPICH", IJHPCA 19(1), 2005 (the linear and pairwise exchanges).
namespace rondo::inline v0_1::schedule {

constexpr program generate(one_shot, make<collective::all_reduce>, place where) {
  detail::builder write{1};
  write.need_slots(where.size - 1);
  detail::for_each_after(where, [&](int peer) { write.send(in_input(0), peer); });
  detail::for_each_before(
      where, [&](int peer) { write.receive(in_scratch(detail::slot_of(peer, where), 0), peer); });
  write.next_round();
  detail::fold_in_rank_order(write, where, 0, in_output(0));
  return write.finish();
}

constexpr program generate(one_shot, make<collective::reduce_scatter>, place where) {
  detail::builder write{where.size};
  detail::direct_reduce_scatter(write, where, in_output(where.rank));
  return write.finish();
}

constexpr program generate(one_shot, make<collective::all_gather>, place where) {
  detail::builder write{where.size};
  write.copy(in_output(where.rank), in_input(where.rank));
  detail::direct_all_gather(write, where, in_input(where.rank));
  return write.finish();
}

constexpr program generate(one_shot, make<collective::all_to_all>, place where) {
  detail::builder write{where.size};
  write.copy(in_output(where.rank), in_input(where.rank));
  detail::for_each_after(where, [&](int peer) { write.send(in_input(peer), peer); });
  detail::for_each_before(where, [&](int peer) { write.receive(in_output(peer), peer); });
  return write.finish();
}

constexpr program generate(one_shot, make<collective::broadcast>, place where) {
  detail::builder write{1};
  if (where.rank == where.root) {
    write.copy(in_output(0), in_input(0));
    detail::for_each_after(where, [&](int peer) { write.send(in_input(0), peer); });
  } else {
    write.receive(in_output(0), where.root);
  }
  return write.finish();
}

constexpr program generate(one_shot, make<collective::reduce>, place where) {
  detail::builder write{1};
  if (where.rank != where.root) {
    write.send(in_input(0), where.root);
    return write.finish();
  }
  write.need_slots(where.size - 1);
  detail::for_each_after(
      where, [&](int peer) { write.receive(in_scratch(detail::slot_of(peer, where), 0), peer); });
  write.next_round();
  detail::fold_in_rank_order(write, where, 0, in_output(0));
  return write.finish();
}

constexpr program generate(one_shot, make<collective::gather>, place where) {
  detail::builder write{where.size};
  if (where.rank == where.root) {
    write.copy(in_output(where.rank), in_input(where.rank));
    detail::for_each_after(where, [&](int peer) { write.receive(in_output(peer), peer); });
  } else {
    write.send(in_input(where.rank), where.root);
  }
  return write.finish();
}

constexpr program generate(one_shot, make<collective::scatter>, place where) {
  detail::builder write{where.size};
  if (where.rank == where.root) {
    write.copy(in_output(where.rank), in_input(where.rank));
    detail::for_each_after(where, [&](int peer) { write.send(in_input(peer), peer); });
  } else {
    write.receive(in_output(where.rank), where.root);
  }
  return write.finish();
}

constexpr program generate(one_shot, make<collective::barrier>, place where) {
  detail::builder write{1};
  detail::for_each_after(where, [&](int peer) { write.send(no_data, peer); });
  detail::for_each_before(where, [&](int peer) { write.receive(no_data, peer); });
  return write.finish();
}

template <collective What>
requires(What == collective::all_reduce || What == collective::reduce_scatter ||
         What == collective::all_gather || What == collective::all_to_all ||
         What == collective::barrier) constexpr int rotation(one_shot, make<What>) {
  return 1;
}

}  // namespace rondo::inline v0_1::schedule
