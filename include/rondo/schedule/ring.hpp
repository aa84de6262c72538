// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/detail/builder.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

/// Ring schedules: every rank sends to the next one and receives from the one before.
///
///     0 -> 1 -> 2 -> 3 -> 0        round k: rank r passes on what it received in round k - 1
///
/// n ranks, m bytes, messages and bytes sent per rank:
///
///     reduce_scatter, all_gather   n - 1     messages   m (n-1)/n     bytes
///     all_reduce                   2 (n-1)   messages   2 m (n-1)/n   bytes, the least possible
///     broadcast, reduce            n         messages   m             bytes, in 2n - 2 rounds
///
/// Folds start at the owner's successor, so their order is a rotation of the rank order.
/// Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
/// workstations", JPDC 69(2), 2009.
namespace rondo::inline v0_1::schedule {

namespace detail {

/// Chunk r ends, folded, in `owned` on rank r. `between(k, chunk)` is where round k's sum waits for
/// the next round.
template <class Between>
constexpr void ring_reduce_scatter(builder& write, place where, run owned, Between between) {
  const int size = where.size;
  const int next = wrap(where.rank + 1, size);
  const int before = wrap(where.rank - 1, size);
  for (int k = 0; k < size - 1; ++k) {
    const int leaving = wrap(where.rank - 1 - k, size);
    const int coming = wrap(where.rank - 2 - k, size);
    write.send(k == 0 ? in_input(leaving) : between(k - 1, leaving), next);
    write.receive_fold(k == size - 2 ? owned : between(k, coming), on_wire(coming),
                       in_input(coming), before);
    write.next_round();
  }
}

/// Chunk r starts in `owned` on rank r; all end in the output.
constexpr void ring_all_gather(builder& write, place where, run owned) {
  const int size = where.size;
  const int next = wrap(where.rank + 1, size);
  const int before = wrap(where.rank - 1, size);
  for (int k = 0; k < size - 1; ++k) {
    write.send(k == 0 ? owned : in_output(wrap(where.rank - k, size)), next);
    write.receive(in_output(wrap(where.rank - 1 - k, size)), before);
    write.next_round();
  }
}

}  // namespace detail

constexpr program generate(ring, make<collective::reduce_scatter>, place where) {
  detail::builder write{where.size};
  const run owned = in_output(where.rank);
  if (where.size == 1) {
    write.copy(owned, in_input(0));
    return write.finish();
  }
  write.need_slots(where.size > 2 ? 2 : 0);
  detail::ring_reduce_scatter(write, where, owned,
                              [](int k, int chunk) { return in_scratch(k % 2, chunk); });
  return write.finish();
}

constexpr program generate(ring, make<collective::all_gather>, place where) {
  detail::builder write{where.size};
  write.copy(in_output(where.rank), in_input(where.rank));
  detail::ring_all_gather(write, where, in_input(where.rank));
  return write.finish();
}

constexpr program generate(ring, make<collective::all_reduce>, place where) {
  detail::builder write{where.size};
  const run owned = in_output(where.rank);
  if (where.size == 1) {
    write.copy(owned, in_input(0));
    return write.finish();
  }
  detail::ring_reduce_scatter(write, where, owned, [](int, int chunk) { return in_output(chunk); });
  detail::ring_all_gather(write, where, owned);
  return write.finish();
}

/// A chain from the root on; chunk c makes hop h in round c + h.
constexpr program generate(ring, make<collective::broadcast>, place where) {
  const int size = where.size;
  const int hops = detail::wrap(where.rank - where.root, size);
  detail::builder write{size};
  if (hops == 0) {
    write.copy(in_output(0, size), in_input(0, size));
  }
  for (int round = (hops == 0 ? 0 : hops - 1); size > 1 && round < size + hops; ++round) {
    write.at(round);
    const int leaving = round - hops;
    const int coming = leaving + 1;
    if (hops < size - 1 && leaving >= 0) {
      write.send(hops == 0 ? in_input(leaving) : in_output(leaving),
                 detail::wrap(where.rank + 1, size));
    }
    if (hops > 0 && coming < size) {
      write.receive(in_output(coming), detail::wrap(where.rank - 1, size));
    }
  }
  return write.finish();
}

/// A chain towards the root, whose far end is the rank before it; with root 0 in rank order.
constexpr program generate(ring, make<collective::reduce>, place where) {
  const int size = where.size;
  const int hops = detail::wrap(where.rank - where.root, size);  // still to go
  detail::builder write{size};
  if (size == 1) {
    write.copy(in_output(0), in_input(0));
    return write.finish();
  }
  const bool first = hops == size - 1;
  const bool last = hops == 0;
  write.need_slots(first || last ? 0 : 2);
  const int wait = size - 1 - hops;  // rounds until this rank sends its first chunk
  for (int round = (first ? 0 : wait - 1); round < size + wait - (last ? 1 : 0); ++round) {
    write.at(round);
    const int leaving = round - wait;
    const int coming = leaving + 1;
    if (!last && leaving >= 0) {
      write.send(first ? in_input(leaving) : in_scratch(leaving % 2, leaving),
                 detail::wrap(where.rank - 1, size));
    }
    if (!first && coming < size) {
      write.receive_fold(last ? in_output(coming) : in_scratch(coming % 2, coming),
                         in_input(coming), on_wire(coming), detail::wrap(where.rank + 1, size));
    }
  }
  return write.finish();
}

template <collective What>
requires(What == collective::all_reduce || What == collective::reduce_scatter ||
         What == collective::all_gather) constexpr int rotation(ring, make<What>) {
  return 1;
}

}  // namespace rondo::inline v0_1::schedule
