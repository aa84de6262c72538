// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <string_view>

namespace rondo::inline v0_1::pipeline {

/// One forward, one backward: rank r runs ahead by p-1-r forwards, then alternates.
///
///     rank 0   F0 F1 .  .  B0 F2 B1 F3 B2 .  B3
///     rank 1   .  F0 B0 F1 .  B1 F2 B2 F3 B3
///
/// Bubble (p-1)(F+B); rank r holds min(m, p-r); 2m(p-1) messages. Any number of micro-batches.
/// Source: Narayanan et al. 2021, arXiv:2006.09503 (PipeDream-Flush).
struct one_f_one_b {
  static constexpr std::string_view name = "one_f_one_b";

  constexpr void check(const shape& asked) const { detail::require_whole(name, asked); }
  [[nodiscard]] constexpr placement place(const shape& asked) const { return looped(asked.stages); }

  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    const int m = asked.micro_batches;
    const int ahead = (std::min)(asked.stages - 1 - rank, m);
    detail::row_writer out{2 * m};
    for (int i = 0; i < ahead; ++i) {
      out.forward(rank, i);
    }
    for (int i = 0; i < m; ++i) {
      if (ahead + i < m) {
        out.forward(rank, ahead + i);
      }
      out.backward(rank, i);
    }
    return out.take();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

namespace detail {

/// The order in which a rank with several chunks takes its work: groups of micro-batches, each
/// group through all chunks before the next group.
struct grouped_order {
  int micro_batches = 1;
  int chunks = 1;
  int group = 1;

  struct item {
    int chunk;
    int micro_batch;
  };

  [[nodiscard]] constexpr int count() const { return micro_batches * chunks; }

  [[nodiscard]] constexpr item forward(int k) const {
    const int first = k / (group * chunks) * group;
    const int size = (std::min)(group, micro_batches - first);
    const int within = k - first * chunks;
    return {within / size, first + within % size};
  }
  [[nodiscard]] constexpr item backward(int k) const {
    const item mirrored = forward(k);
    return {chunks - 1 - mirrored.chunk, mirrored.micro_batch};
  }
};

/// The group that is given or, for 0, as many equal groups of at least `stages` as there are.
[[nodiscard]] constexpr grouped_order make_grouped_order(std::string_view schedule,
                                                         const shape& asked, int chunks,
                                                         int group) {
  require_whole(schedule, asked);
  require_chunks(schedule, asked, chunks);
  const int m = asked.micro_batches;
  if (group == 0) {
    const int rounds = (std::max)(1, m / asked.stages);
    if (m % rounds != 0) {
      refuse_shape(schedule, asked,
                   "micro_batches that divide into equal groups of at least `stages`; "
                   "give .group = n for a last group that is smaller");
    }
    return {m, chunks, m / rounds};
  }
  if (group < (std::min)(asked.stages, m) || group > m) {
    refuse_shape(schedule, asked, "stages <= group <= micro_batches");
  }
  if (m % group != 0 && m % group < asked.stages) {
    refuse_shape(schedule, asked, "a last group of 0 or at least `stages` micro-batches");
  }
  return {m, chunks, group};
}

}  // namespace detail

/// 1F1B over several chunks per rank, stage = chunk * p + rank.
///
/// Bubble (p-1)(F+B) of one chunk: 1/chunks of 1F1B's. Rank r holds up to
/// 2(p-1-r) + (chunks-1) * group + 1 chunks; 2m(pv-1) messages.
/// `group` micro-batches (0: chosen, at least p) pass a chunk before the rank turns to the next.
/// Source: Narayanan et al. 2021, arXiv:2104.04473, section 2.2.
struct interleaved_one_f_one_b {
  static constexpr std::string_view name = "interleaved_one_f_one_b";
  int chunks = 2;
  int group = 0;

  constexpr void check(const shape& asked) const {
    static_cast<void>(detail::make_grouped_order(name, asked, chunks, group));
  }
  [[nodiscard]] constexpr placement place(const shape& asked) const {
    return looped(asked.stages, chunks);
  }
  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    const auto order = detail::make_grouped_order(name, asked, chunks, group);
    const int total = order.count();
    const int ahead = (std::min)(2 * (asked.stages - 1 - rank) + (chunks - 1) * order.group, total);
    detail::row_writer out{2 * total};
    const auto forward = [&](int k) {
      const auto next = order.forward(k);
      out.forward(next.chunk * asked.stages + rank, next.micro_batch);
    };
    for (int k = 0; k < ahead; ++k) {
      forward(k);
    }
    for (int k = 0; k < total; ++k) {
      if (ahead + k < total) {
        forward(ahead + k);
      }
      const auto next = order.backward(k);
      out.backward(next.chunk * asked.stages + rank, next.micro_batch);
    }
    return out.take();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

/// 1F1B over slices of each micro-batch's sequence. Slices go forward in order and backward in
/// reverse, for each one attends to those before it.
///
/// `slices` here overrules 1 in the shape. Bubble (p-1)(f+b) of one slice: 1/slices of 1F1B's;
/// holds p+slices-1 slices. Source: Sun et al. 2024, arXiv:2406.03488.
struct sequence_one_f_one_b {
  static constexpr std::string_view name = "sequence_one_f_one_b";
  int slices = 2;

  constexpr void check(const shape& asked) const {
    detail::require_shape(name, sliced(asked));
    if (asked.slices != 1 && asked.slices != slices) {
      detail::refuse_shape(name, asked, "the same slices in the shape and in the schedule");
    }
  }
  [[nodiscard]] constexpr placement place(const shape& asked) const { return looped(asked.stages); }

  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    const int total = asked.micro_batches * slices;
    const int ahead = (std::min)(asked.stages - 2 - rank + slices, total);
    detail::row_writer out{2 * total};
    for (int k = 0; k < ahead; ++k) {
      out.forward(rank, k / slices, k % slices);
    }
    for (int k = 0; k < total; ++k) {
      if (const int next = ahead + k; next < total) {
        out.forward(rank, next / slices, next % slices);
      }
      out.backward(rank, k / slices, slices - 1 - k % slices);
    }
    return out.take();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    plan made = detail::tabulate(*this, asked);
    made.shape = sliced(asked);
    return made;
  }

 private:
  [[nodiscard]] constexpr shape sliced(shape asked) const {
    asked.slices = slices;
    return asked;
  }
};

}  // namespace rondo::inline v0_1::pipeline
