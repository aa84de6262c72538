// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/detail/direct.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

/// Bruck schedules: in round k the distance is 2^k, so that any number of ranks needs
/// L = ceil(log2 n) rounds.
///
///     round 0   0->1->2->3->4->0          what a rank knows after k rounds:
///     round 1   0->2->4->1->3->0          its own and the next 2^k - 1 ranks'
///     round 2   0->4->3->2->1->0
///
/// n ranks, m bytes; messages and bytes sent per rank:
///
///     barrier      L messages, empty
///     all_gather   L messages (2 where chunks wrap around the end)   m (n-1)/n         bytes
///     all_reduce   L messages                                        m (n-1)           bytes
///     all_to_all   L messages                                        m L/2, about      bytes
///
/// all_reduce gathers every input and folds from left to right in rank order.
/// Source: Bruck, Ho, Kipnis, Upfal, Weathersby, "Efficient algorithms for all-to-all
/// communications in multiport message-passing systems", IEEE TPDS 8(11), 1997; the barrier:
/// Hensgen, Finkel, Manber, "Two algorithms for barrier synchronization", IJPP 17(1), 1988.
namespace rondo::inline v0_1::schedule {

constexpr program generate(bruck, make<collective::barrier>, place where) {
  detail::builder write{1};
  for (int distance = 1; distance < where.size; distance *= 2) {
    write.send(no_data, detail::wrap(where.rank + distance, where.size));
    write.receive(no_data, detail::wrap(where.rank - distance, where.size));
    write.next_round();
  }
  return write.finish();
}

constexpr program generate(bruck, make<collective::all_gather>, place where) {
  const int size = where.size;
  detail::builder write{size};
  write.copy(in_output(where.rank), in_input(where.rank));
  // Calls visit(run) for chunks first .. first + count - 1, which may wrap around the end.
  const auto in_pieces = [size](int first, int count, auto visit) {
    const int start = detail::wrap(first, size);
    const int before_end = count < size - start ? count : size - start;
    visit(in_output(start, before_end));
    if (before_end < count) {
      visit(in_output(0, count - before_end));
    }
  };
  for (int distance = 1; distance < size; distance *= 2) {
    const int count = distance < size - distance ? distance : size - distance;
    const int to = detail::wrap(where.rank - distance, size);
    const int from = detail::wrap(where.rank + distance, size);
    if (distance == 1) {
      write.send(in_input(where.rank), to);
    } else {
      in_pieces(where.rank, count, [&](run piece) { write.send(piece, to); });
    }
    in_pieces(from, count, [&](run piece) { write.receive(piece, from); });
    write.next_round();
  }
  return write.finish();
}

/// Slot j holds the input of rank + j.
constexpr program generate(bruck, make<collective::all_reduce>, place where) {
  const int size = where.size;
  detail::builder write{1};
  if (size == 1) {
    write.copy(in_output(0), in_input(0));
    return write.finish();
  }
  write.need_equal_chunks();
  write.need_slots(size);
  write.copy(in_scratch(0, 0), in_input(0));
  for (int distance = 1; distance < size; distance *= 2) {
    const int count = distance < size - distance ? distance : size - distance;
    write.send(distance == 1 ? in_input(0) : in_scratch(0, 0, count),
               detail::wrap(where.rank - distance, size));
    write.receive(in_scratch(distance, 0, count), detail::wrap(where.rank + distance, size));
    write.next_round();
  }
  detail::fold_in_order(write, size, in_output(0), [&](int rank) {
    return in_scratch(detail::wrap(rank - where.rank, size), 0);
  });
  return write.finish();
}

/// Block j is on its way to rank + j and makes a hop of 2^k in round k if j has that bit. It lies
/// in slot j between two hops; a hop packs its blocks at `packed` and receives them at `landed`.
constexpr program generate(bruck, make<collective::all_to_all>, place where) {
  const int size = where.size;
  detail::builder write{size};
  write.need_equal_chunks();
  write.copy(in_output(where.rank), in_input(where.rank));
  const int packed = size;
  const int landed = packed + size / 2 + 1;
  for (int distance = 1; distance < size; distance *= 2) {
    int count = 0;
    for (int block = distance; block < size; ++block) {
      if ((block & distance) != 0) {
        const bool moved = (block & (distance - 1)) != 0;
        write.copy(in_scratch(packed + count, 0),
                   moved ? in_scratch(block, 0) : in_input(detail::wrap(where.rank + block, size)));
        ++count;
      }
    }
    write.next_round();
    write.need_slots(landed + count);
    write.send(in_scratch(packed, 0, count), detail::wrap(where.rank + distance, size));
    write.receive(in_scratch(landed, 0, count), detail::wrap(where.rank - distance, size));
    write.next_round();
    count = 0;
    for (int block = distance; block < size; ++block) {
      if ((block & distance) != 0) {
        const bool arrived = block < 2 * distance;
        write.copy(
            arrived ? in_output(detail::wrap(where.rank - block, size)) : in_scratch(block, 0),
            in_scratch(landed + count, 0));
        ++count;
      }
    }
    write.next_round();
  }
  return write.finish();
}

template <collective What>
requires(What == collective::all_reduce || What == collective::all_to_all ||
         What == collective::barrier) constexpr int rotation(bruck, make<What>) {
  return 1;
}

}  // namespace rondo::inline v0_1::schedule
