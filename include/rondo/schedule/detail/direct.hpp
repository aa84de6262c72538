// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/builder.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

/// Pieces of the schedules in which every rank talks to every other one itself.
namespace rondo::inline v0_1::schedule::detail {

/// Calls `visit(peer)` for rank + 1, rank + 2, ... so that no rank is everybody's first.
template <class Visit>
constexpr void for_each_after(place where, Visit visit) {
  for (int k = 1; k < where.size; ++k) {
    visit(wrap(where.rank + k, where.size));
  }
}

/// The same in the order in which their messages come: rank - 1, rank - 2, ...
template <class Visit>
constexpr void for_each_before(place where, Visit visit) {
  for (int k = 1; k < where.size; ++k) {
    visit(wrap(where.rank - k, where.size));
  }
}

/// The slot that holds what `peer` sent; there is none for the rank itself.
[[nodiscard]] constexpr int slot_of(int peer, place where) {
  return peer < where.rank ? peer : peer - 1;
}

/// into <- operand(0) + operand(1) + ... from left to right. Sums wait in scratch, on an operand
/// that is used up, so that `into` may be the memory of any operand.
template <class Operand>
constexpr void fold_in_order(builder& write, int operands, run into, Operand operand) {
  run sum = operand(0);
  if (operands == 1) {
    write.copy(into, sum);
    write.next_round();
  }
  for (int next = 1; next < operands; ++next) {
    const run right = operand(next);
    const run kept = sum.where == region::scratch ? sum : right;
    const run target = next == operands - 1 ? into : kept;
    write.fold(target, sum, right);
    write.next_round();
    sum = target;
  }
}

/// into <- chunk `chunk` of every rank's input, in rank order; the peers' lie in their slots.
constexpr void fold_in_rank_order(builder& write, place where, int chunk, run into) {
  fold_in_order(write, where.size, into, [&](int rank) {
    return rank == where.rank ? in_input(chunk) : in_scratch(slot_of(rank, where), chunk);
  });
}

/// One round in which every rank sends chunk d to rank d, then the folds: chunk r ends in `owned`.
constexpr void direct_reduce_scatter(builder& write, place where, run owned) {
  write.need_slots(where.size - 1);
  for_each_after(where, [&](int peer) { write.send(in_input(peer), peer); });
  for_each_before(
      where, [&](int peer) { write.receive(in_scratch(slot_of(peer, where), where.rank), peer); });
  write.next_round();
  fold_in_rank_order(write, where, where.rank, owned);
}

/// One round in which every rank sends its own chunk, which lies in `owned`, to all others.
constexpr void direct_all_gather(builder& write, place where, run owned) {
  for_each_after(where, [&](int peer) { write.send(owned, peer); });
  for_each_before(where, [&](int peer) { write.receive(in_output(peer), peer); });
  write.next_round();
}

}  // namespace rondo::inline v0_1::schedule::detail
