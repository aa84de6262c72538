// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <string_view>

namespace rondo::inline v0_1::pipeline {
namespace detail {

/// The hand-made zero-bubble order: rank r runs ahead by (p-1-r) * slope forwards, then repeats F,
/// I, W; the first W waits until the ranks before it would else fall idle.
[[nodiscard]] constexpr row zero_bubble_row(const shape& asked, int rank, int slope) {
  const int m = asked.micro_batches;
  const int ahead = (std::min)((asked.stages - 1 - rank) * slope, m);
  const int held_back = (asked.stages - 1) * slope;
  row_writer out{3 * m};
  int weights = 0;
  for (int i = 0; i < ahead; ++i) {
    out.forward(rank, i);
  }
  for (int i = 0; i < m; ++i) {
    if (ahead + i < m) {
      out.forward(rank, ahead + i);
    }
    out.backward_input(rank, i);
    if (ahead + i >= held_back) {
      out.backward_weight(rank, weights++);
    }
  }
  while (weights < m) {
    out.backward_weight(rank, weights++);
  }
  return out.take();
}

}  // namespace detail

/// 1F1B with the backward pass split: weight gradients fill the bubble.
///
/// Bubble (p-1)(F+I-W); memory of 1F1B, and up to p-1 pending weight gradients.
/// Source: Qi et al. 2024, arXiv:2401.10241, section 2.2.
struct zero_bubble_h1 {
  static constexpr std::string_view name = "zero_bubble_h1";

  constexpr void check(const shape& asked) const { detail::require_whole(name, asked); }
  [[nodiscard]] constexpr placement place(const shape& asked) const { return looped(asked.stages); }
  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    return detail::zero_bubble_row(asked, rank, 1);
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

/// Runs ahead twice as far, so that each rank works without a gap.
///
/// Bubble of the span (p-1)(F+I-2W); holds 2p-1. The barrier clock still sees the skew between the
/// ranks, (p-1)F where F = I = W: the gain needs an optimizer that does not wait for all ranks.
/// Source: Qi et al. 2024, arXiv:2401.10241, section 2.3.
struct zero_bubble_h2 {
  static constexpr std::string_view name = "zero_bubble_h2";

  constexpr void check(const shape& asked) const {
    detail::require_whole(name, asked);
    if (asked.micro_batches < 2 * asked.stages) {
      detail::refuse_shape(name, asked, "micro_batches >= 2 * stages");
    }
  }
  [[nodiscard]] constexpr placement place(const shape& asked) const { return looped(asked.stages); }
  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    return detail::zero_bubble_row(asked, rank, 2);
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

/// Interleaved 1F1B with the backward pass split.
///
/// Bubble (p-1)(F+I-W) of one chunk; rank r holds (chunks-1) * group + p - r chunks.
/// Source: the order of PyTorch's ScheduleInterleavedZeroBubble, torch/distributed/pipelining.
struct interleaved_zero_bubble {
  static constexpr std::string_view name = "interleaved_zero_bubble";
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
    const int ahead = (std::min)((chunks - 1) * order.group + asked.stages - 1 - rank, total);
    detail::row_writer out{3 * total};
    const auto stage_of = [&](int chunk) { return chunk * asked.stages + rank; };
    const auto forward = [&](int k) {
      const auto next = order.forward(k);
      out.forward(stage_of(next.chunk), next.micro_batch);
    };
    int weights = 0;
    const auto weight = [&] {
      const auto next = order.backward(weights++);
      out.backward_weight(stage_of(next.chunk), next.micro_batch);
    };
    for (int k = 0; k < ahead; ++k) {
      forward(k);
    }
    for (int k = 0; k < total; ++k) {
      if (ahead + k < total) {
        forward(ahead + k);
      }
      const auto next = order.backward(k);
      out.backward_input(stage_of(next.chunk), next.micro_batch);
      if (k >= rank) {
        weight();
      }
    }
    while (weights < total) {
      weight();
    }
    return out.take();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

/// Two chunks per rank on a V, backward pass split: no gap on any rank if F = I = W, and every rank
/// holds 2p chunks, as much as rank 0 of 1F1B.
///
/// Span bubble 0; barrier bubble (p-1)F of one chunk; 4m(p-1) messages.
/// Source: Qi et al. 2024, arXiv:2405.15362; the order of PyTorch's ScheduleZBVZeroBubble.
struct zero_bubble_v {
  static constexpr std::string_view name = "zero_bubble_v";

  constexpr void check(const shape& asked) const { detail::require_whole(name, asked); }
  [[nodiscard]] constexpr placement place(const shape& asked) const { return vee(asked.stages); }

  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    const int p = asked.stages;
    // The order is made for at least 2p-1 micro-batches; what is beyond the asked number is left
    // out.
    const int made = (std::max)(asked.micro_batches, 2 * p - 1);
    const int stage[2] = {rank, 2 * p - 1 - rank};
    int forwards[2] = {0, 0};
    int inputs[2] = {0, 0};
    int weights[2] = {0, 0};
    detail::row_writer out{6 * asked.micro_batches};
    const auto next = [&](kind what, int chunk, int(&done)[2]) {
      if (done[chunk] < asked.micro_batches) {
        out.add(what, stage[chunk], done[chunk]);
      }
      ++done[chunk];
    };
    const auto forward = [&](int chunk) { next(kind::forward, chunk, forwards); };
    const auto input = [&](int chunk) { next(kind::backward_input, chunk, inputs); };
    const auto weight = [&](int chunk) { next(kind::backward_weight, chunk, weights); };

    for (int i = 0; i < 2 * (p - rank) - 1; ++i) {
      forward(0);
    }
    for (int i = 0; i < rank; ++i) {
      forward(1);
      forward(0);
    }
    for (int i = 0; i < p - rank; ++i) {
      forward(1);
      input(1);
      weight(1);
    }
    while (forwards[1] < forwards[0] || forwards[0] < made) {
      if (forwards[0] < made) {
        forward(0);
      }
      input(0);
      weight(0);
      forward(1);
      input(1);
      weight(1);
    }
    for (int i = 0; i < rank; ++i) {
      input(0);
      input(1);
    }
    for (int i = 0; i < p - rank; ++i) {
      input(0);
      weight(0);
    }
    while (weights[1] < inputs[1]) {
      weight(1);
    }
    while (weights[0] < inputs[0]) {
      weight(0);
    }
    return out.take();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

}  // namespace rondo::inline v0_1::pipeline
