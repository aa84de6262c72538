// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <string_view>

namespace rondo::inline v0_1::pipeline {
namespace detail {

/// The eight phases that both DualPipe schedules share. A rank holds a near stage, which it reaches
/// early, and a far one; `reach` ranks lie between the end of the pipeline and its turn, `depth` of
/// them beyond this one counted from the outside.
struct dual_pipe_rank {
  int reach = 1;  ///< ranks of one side
  int depth = 0;  ///< 0 for the outermost rank
  int near_stage = 0;
  int far_stage = 0;
  int near_first = 0;  ///< first micro-batch that comes in on the near side
  int far_first = 0;
  int per_side = 0;  ///< micro-batches of each side

  [[nodiscard]] constexpr row write() const {
    const int outer = reach - depth - 1;
    int near_forwards = 0;
    int far_forwards = 0;
    int near_backwards = 0;
    int far_backwards = 0;
    row pending;  // weight gradients, first in, first out
    std::size_t taken = 0;
    row_writer out{5 * per_side};

    const auto forward_near = [&] { out.forward(near_stage, near_first + near_forwards++); };
    const auto forward_far = [&] { out.forward(far_stage, far_first + far_forwards++); };
    const auto whole = [&](bool is_near) {
      is_near ? out.backward(near_stage, near_first + near_backwards++)
              : out.backward(far_stage, far_first + far_backwards++);
    };
    const auto split = [&](bool is_near) {
      const int stage = is_near ? near_stage : far_stage;
      const int i = is_near ? near_first + near_backwards++ : far_first + far_backwards++;
      out.backward_input(stage, i);
      pending.push_back(make_action(kind::backward_weight, stage, i));
    };
    const auto weight = [&] {
      const action next = pending[taken++];
      out.backward_weight(next.stage, next.micro_batch);
    };
    const auto near_with_far = [&] {  // forward near, backward far
      forward_near();
      out.join_next();
      whole(false);
    };
    const auto far_with_near = [&] {
      forward_far();
      out.join_next();
      whole(true);
    };

    for (int i = 0; i < 2 * outer; ++i) {
      forward_near();
    }
    for (int i = 0; i < depth + 1; ++i) {
      forward_near();
      forward_far();
    }
    for (int i = 0; i < outer; ++i) {
      split(false);
      weight();
      forward_far();
    }
    for (int i = 0; i < per_side - 2 * reach + depth + 1; ++i) {
      if (i == 0 && outer == 0) {  // at the turn, the first backward needs the forward before it
        forward_near();
        whole(false);
      } else {
        near_with_far();
      }
      far_with_near();
    }
    for (int i = 0; i < outer; ++i) {
      whole(false);
      far_with_near();
    }
    bool deferred = false;
    const auto backward = [&](bool is_near) { deferred ? split(is_near) : whole(is_near); };
    for (int i = 0; i < depth + 1; ++i) {
      const bool half_way = i == (depth + 1) / 2;
      deferred = deferred || (half_way && depth % 2 == 1);
      backward(false);
      deferred = deferred || half_way;
      backward(true);
    }
    for (int i = 0; i < outer; ++i) {
      weight();
      split(true);
    }
    for (int i = 0; i < depth + 1; ++i) {
      weight();
    }
    return out.take();
  }
};

}  // namespace detail

/// Two pipelines in opposite directions over the same ranks, forwards of one run together with
/// backwards of the other. Micro-batches 0 .. m/2-1 enter at rank 0, the rest at the last rank.
/// Every rank holds two parts of the model: weights take twice the memory and their replicas must
/// be summed.
///
/// Idle (p/2-1)(FB+B-3W) where F = I >= W; holds p+1; 2m(p-1) messages.
/// Source: DeepSeek-AI 2024, arXiv:2412.19437, and github.com/deepseek-ai/DualPipe.
struct dual_pipe {
  static constexpr std::string_view name = "dual_pipe";

  constexpr void check(const shape& asked) const {
    detail::require_whole(name, asked);
    if (asked.stages % 2 != 0 || asked.micro_batches % 2 != 0 ||
        asked.micro_batches < 2 * asked.stages) {
      detail::refuse_shape(name, asked,
                           "even stages, even micro_batches, and micro_batches >= 2 * stages");
    }
  }
  [[nodiscard]] constexpr placement place(const shape& asked) const {
    return mirrored(asked.stages);
  }
  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    const int p = asked.stages;
    const int half = asked.micro_batches / 2;
    const int down = rank;              // stage of the chain that starts at rank 0
    const int up = p + (p - 1 - rank);  // stage of the chain that starts at the last rank
    return rank < p / 2
               ? detail::dual_pipe_rank{p / 2, rank, down, up, 0, half, half}.write()
               : detail::dual_pipe_rank{p / 2, p - 1 - rank, up, down, half, 0, half}.write();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

/// DualPipe cut in half: one pipeline on a V, without the second copy of the weights.
///
/// Idle (p-1)(FB+B-3W) where F = I >= W; holds 2p+1 chunks; 4m(p-1) messages.
/// Source: github.com/deepseek-ai/DualPipe (DualPipeV), after sail-sg's "cut in half".
struct dual_pipe_v {
  static constexpr std::string_view name = "dual_pipe_v";

  constexpr void check(const shape& asked) const {
    detail::require_whole(name, asked);
    if (asked.micro_batches < 2 * asked.stages) {
      detail::refuse_shape(name, asked, "micro_batches >= 2 * stages");
    }
  }
  [[nodiscard]] constexpr placement place(const shape& asked) const { return vee(asked.stages); }

  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    const int p = asked.stages;
    return detail::dual_pipe_rank{p, rank, rank, 2 * p - 1 - rank, 0, 0, asked.micro_batches}
        .write();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

}  // namespace rondo::inline v0_1::pipeline
