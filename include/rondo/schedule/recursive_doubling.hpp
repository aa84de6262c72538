// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/detail/power_of_two_group.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

/// Recursive doubling: in round k a rank exchanges all it has with the rank whose number differs in
/// bit k.
///
///     round 0   0<->1   2<->3   4<->5   6<->7
///     round 1   0<->2   1<->3   4<->6   5<->7
///     round 2   0<->4   1<->5   2<->6   3<->7
///
/// n ranks, m bytes, L = floor(log2 n); messages and bytes sent per rank:
///
///     all_reduce   L messages   m L        bytes
///     all_gather   L messages   m (n-1)/n  bytes
///
/// and if n is no power of two, one message more before and one after for 2 (n - 2^L) ranks. The
/// folds of an all-reduce keep the rank order. Source: Thakur, Rabenseifner, Gropp, "Optimization
/// of collective communication operations in MPICH", IJHPCA 19(1), 2005.
namespace rondo::inline v0_1::schedule {

constexpr program generate(recursive_doubling, make<collective::all_reduce>, place where) {
  detail::builder write{1};
  const run input = in_input(0);
  const run output = in_output(0);
  if (where.size == 1) {
    write.copy(output, input);
    return write.finish();
  }
  const detail::power_of_two_group group{where.size};
  const bool paired = group.paired(where.rank);
  const int rounds = group.rounds();
  if (group.hands_over(where.rank)) {
    write.send(input, where.rank + 1);
    write.at(rounds + 2);
    write.receive(output, where.rank + 1);
    return write.finish();
  }
  // A sum never goes where the one that is being sent lies, not even if input and output are the
  // same memory.
  write.need_slots(2);
  run sum = input;
  if (paired) {
    sum = in_scratch(1, 0);
    write.receive_fold(sum, on_wire(0), input, where.rank - 1);
  }
  const int member = group.member(where.rank);
  for (int k = 0; k < rounds; ++k) {
    write.next_round();
    const int peer = group.rank(member ^ (1 << k));
    const bool last = k == rounds - 1;
    const run into = last && sum != input ? output : in_scratch(k % 2, 0);
    write.send(sum, peer);
    if (last && sum == input) {
      write.receive(into, peer);
      write.next_round();
      write.fold(output, peer < where.rank ? into : input, peer < where.rank ? input : into);
    } else if (peer < where.rank) {
      write.receive_fold(into, on_wire(0), sum, peer);
    } else {
      write.receive_fold(into, sum, on_wire(0), peer);
    }
    sum = into;
  }
  if (paired) {
    write.at(rounds + 2);
    write.send(output, where.rank - 1);
  }
  return write.finish();
}

constexpr program generate(recursive_doubling, make<collective::all_gather>, place where) {
  const int size = where.size;
  const detail::power_of_two_group group{size};
  detail::builder write{size};
  const int rounds = group.rounds();
  if (group.hands_over(where.rank)) {
    write.send(in_input(where.rank), where.rank + 1);
    write.at(rounds + 1);
    write.receive(in_output(0, size), where.rank + 1);
    return write.finish();
  }
  const bool paired = group.paired(where.rank);
  write.copy(in_output(where.rank), in_input(where.rank));
  if (paired) {
    write.receive(in_output(where.rank - 1), where.rank - 1);
  }
  const int member = group.member(where.rank);
  const auto gathered = [&](int first, int members) {
    const int begin = group.first(first);
    return in_output(begin, group.first(first + members) - begin);
  };
  for (int bit = 1; bit < group.members; bit *= 2) {
    write.next_round();
    const int own = member & ~(bit - 1);
    const int peer = group.rank(member ^ bit);
    write.send(bit == 1 && !paired ? in_input(where.rank) : gathered(own, bit), peer);
    write.receive(gathered(own ^ bit, bit), peer);
  }
  if (paired) {
    write.at(rounds + 1);
    write.send(in_output(0, size), where.rank - 1);
  }
  return write.finish();
}

}  // namespace rondo::inline v0_1::schedule
