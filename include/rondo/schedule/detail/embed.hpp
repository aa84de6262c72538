// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/builder.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1::schedule::detail {

/// What a smaller schedule's input or output is in the larger one: the same chunks of a memory, or
/// scratch, where the inner chunk `first` begins at `slot`.
struct standing_for {
  region where = region::input;
  int slot = 0;
  int first = 0;
};

/// How a smaller schedule becomes a phase of a larger one. Its rank r is `first_peer + r *
/// peer_stride`; its chunk c is `lanes` chunks, of which number j is
/// `first_chunk + c * chunk_stride + j * lane_stride`; its scratch begins at `first_slot`.
struct embedding {
  int first_peer = 0;
  int peer_stride = 1;
  int first_chunk = 0;
  int chunk_stride = 1;
  int lanes = 1;
  int lane_stride = 1;
  int first_slot = 0;
  standing_for input{region::input};
  standing_for output{region::output};

  /// Chunks that follow each other in the smaller schedule do so in the larger one.
  [[nodiscard]] constexpr bool keeps_runs() const {
    return lane_stride == 1 && chunk_stride == lanes && input.where != region::scratch &&
           output.where != region::scratch;
  }

  /// Chunk `index` of `inner`, of it lane `lane`.
  [[nodiscard]] constexpr run one(const run& inner, int index, int lane) const {
    const int chunk = first_chunk + (inner.first + index) * chunk_stride + lane * lane_stride;
    if (inner.where == region::scratch) {
      return in_scratch(first_slot + (inner.slot + index) * lanes + lane, chunk);
    }
    if (inner.where == region::input || inner.where == region::output) {
      const standing_for& memory = inner.where == region::input ? input : output;
      const int slot = memory.slot + (inner.first + index - memory.first) * lanes + lane;
      return {memory.where, chunk, 1, memory.where == region::scratch ? slot : 0};
    }
    return {inner.where, chunk, 1, 0};
  }

  [[nodiscard]] constexpr run whole(const run& inner) const {
    run large = one(inner, 0, 0);
    large.count = inner.count * lanes;
    return large;
  }
};

/// Appends `inner` to what `write` has, beginning with the round that `write` is in; copies of a
/// chunk onto itself are left out.
constexpr void append(builder& write, const program& inner, const embedding& as) {
  const int origin = write.round();
  int last = origin - 1;
  if (inner.uniform) {
    write.need_equal_chunks();
  }
  write.need_slots(as.first_slot + inner.slot_count * as.lanes);
  const auto add = [&](const step& from, auto map) {
    step next = from;
    next.round = origin + from.round;
    next.peer = from.peer < 0 ? from.peer : as.first_peer + from.peer * as.peer_stride;
    next.into = map(from.into);
    next.left = map(from.left);
    next.right = map(from.right);
    last = next.round;
    if (next.what != verb::copy || next.into != next.left) {
      write.add(next);
    }
  };
  for (const step& from : inner.steps) {
    const int chunks = from.what == verb::send ? from.left.count : from.into.count;
    if (as.keeps_runs() || chunks == 0) {
      add(from, [&](const run& small_run) {
        return small_run.where == region::nothing ? small_run : as.whole(small_run);
      });
      continue;
    }
    for (int index = 0; index < chunks; ++index) {
      for (int lane = 0; lane < as.lanes; ++lane) {
        add(from, [&](const run& small_run) {
          return small_run.where == region::nothing ? small_run : as.one(small_run, index, lane);
        });
      }
    }
  }
  write.at(last + 1);
}

}  // namespace rondo::inline v0_1::schedule::detail
