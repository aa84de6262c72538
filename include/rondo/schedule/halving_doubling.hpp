// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/detail/power_of_two_group.hpp>
#include <rondo/schedule/recursive_doubling.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

/// Recursive halving, then recursive doubling (Rabenseifner's all-reduce).
///
///     chunks that rank 2 of 4 holds    0 1 2 3      sends 2 3 to rank 3, receives 0 1
///                                      0 1 . .      sends 0 to rank 0, receives 1
///                                      . 1 . .      folded over all ranks; now all the way back
///
/// n ranks, m bytes, L = floor(log2 n), N = 2^L; messages and bytes sent per rank:
///
///     all_reduce       2 L messages   2 m (N-1)/N   bytes
///     reduce_scatter   L messages     m (N-1)/N     bytes
///     all_gather       as recursive_doubling
///
/// and if n is no power of two, one message of m bytes more before and one after for 2 (n - N)
/// ranks. The folds of an all-reduce keep the rank order; those of a reduce-scatter, whose chunks
/// must end at their owners, do not. Source: Rabenseifner, "Optimization of collective reduction
/// operations", ICCS 2004; Thakur, Rabenseifner, Gropp, IJHPCA 19(1), 2005.
namespace rondo::inline v0_1::schedule {

/// Neighbours first, so that folds join neighbouring ranks: member j ends with the chunk whose
/// number is j with its bits reversed.
constexpr program generate(halving_doubling, make<collective::all_reduce>, place where) {
  const detail::power_of_two_group group{where.size};
  const int chunks = group.members;
  detail::builder write{chunks};
  if (where.size == 1) {
    write.copy(in_output(0), in_input(0));
    return write.finish();
  }
  const int rounds = group.rounds();
  if (group.hands_over(where.rank)) {
    write.send(in_input(0, chunks), where.rank + 1);
    write.at(2 * rounds + 1);
    write.receive(in_output(0, chunks), where.rank + 1);
    return write.finish();
  }
  const bool paired = group.paired(where.rank);
  if (paired) {
    write.receive_fold(in_output(0, chunks), on_wire(0, chunks), in_input(0, chunks),
                       where.rank - 1);
  }
  const int member = group.member(where.rank);
  bool untouched = !paired;  // all of this rank's sum is still its input
  int first = 0;
  for (int bit = 1; bit < chunks; bit *= 2) {
    write.next_round();
    const int half = chunks / (2 * bit);
    const int peer = group.rank(member ^ bit);
    const bool upper = (member & bit) != 0;
    const int leaving = upper ? first : first + half;
    const int kept = upper ? first + half : first;
    const run mine = untouched ? in_input(kept, half) : in_output(kept, half);
    write.send(untouched ? in_input(leaving, half) : in_output(leaving, half), peer);
    write.receive_fold(in_output(kept, half), upper ? on_wire(kept, half) : mine,
                       upper ? mine : on_wire(kept, half), peer);
    first = kept;
    untouched = false;
  }
  for (int bit = chunks / 2; bit > 0; bit /= 2) {
    write.next_round();
    const int half = chunks / (2 * bit);
    const int peer = group.rank(member ^ bit);
    const int other = (member & bit) != 0 ? first - half : first + half;
    write.send(in_output(first, half), peer);
    write.receive(in_output(other, half), peer);
    first = first < other ? first : other;
  }
  if (paired) {
    write.next_round();
    write.send(in_output(0, chunks), where.rank - 1);
  }
  return write.finish();
}

/// The farthest first: a member keeps the half of the chunks that its half of the ranks will own.
constexpr program generate(halving_doubling, make<collective::reduce_scatter>, place where) {
  const int size = where.size;
  const detail::power_of_two_group group{size};
  detail::builder write{size};
  const run owned = in_output(where.rank);
  if (size == 1) {
    write.copy(owned, in_input(0));
    return write.finish();
  }
  write.need_equal_chunks();
  const int rounds = group.rounds();
  if (group.hands_over(where.rank)) {
    write.send(in_input(0, size), where.rank + 1);
    write.at(rounds + 1);
    write.receive(owned, where.rank + 1);
    return write.finish();
  }
  const bool paired = group.paired(where.rank);
  if (paired) {
    write.need_slots(size);
    write.receive_fold(in_scratch(0, 0, size), on_wire(0, size), in_input(0, size), where.rank - 1);
  }
  const int member = group.member(where.rank);
  bool untouched = !paired;
  int base = 0;  // the chunk in slot 0
  for (int bit = group.members / 2; bit > 0; bit /= 2) {
    write.next_round();
    const int own = member & ~(bit - 1);
    const int other = own ^ bit;
    const int peer = group.rank(member ^ bit);
    const auto chunks_of = [&](int members) {
      const int begin = group.first(members);
      const int count = group.first(members + bit) - begin;
      return untouched ? in_input(begin, count) : in_scratch(begin - base, begin, count);
    };
    const run leaving = chunks_of(other);
    const run mine = chunks_of(own);
    if (untouched) {
      base = mine.first;
      write.need_slots(bit == 1 ? 0 : mine.count);
    }
    const bool last = bit == 1 && !paired;
    const run into = last ? owned : in_scratch(mine.first - base, mine.first, mine.count);
    const run coming = on_wire(mine.first, mine.count);
    write.send(leaving, peer);
    write.receive_fold(into, peer < where.rank ? coming : mine, peer < where.rank ? mine : coming,
                       peer);
    untouched = false;
  }
  if (paired) {
    write.next_round();
    write.copy(owned, in_scratch(where.rank, where.rank));
    write.send(in_scratch(where.rank - 1, where.rank - 1), where.rank - 1);
  }
  return write.finish();
}

constexpr program generate(halving_doubling, make<collective::all_gather> what, place where) {
  return generate(recursive_doubling{}, what, where);
}

}  // namespace rondo::inline v0_1::schedule
