// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/shape.hpp>
#include <rondo/version.hpp>

/// What schedules take in closed form, for costs that are the same everywhere: exact, and
/// independent of the simulator. `c` is one hop; F, I, W are times of one chunk, B = I + W.
namespace rondo::inline v0_1::pipeline::formula {

/// F + I + W: what one micro-batch costs one chunk.
[[nodiscard]] constexpr ticks work(const costs& of) {
  return of.forward + of.backward_input + of.backward_weight;
}

/// GPipe: (m + p - 1)(F + B) + 2(p - 1)c.
[[nodiscard]] constexpr ticks gpipe(const shape& s, const costs& of) {
  return (s.micro_batches + s.stages - 1) * work(of) + 2 * (s.stages - 1) * of.hop;
}

/// 1F1B where p divides m: (m + p - 1)X + c(2(p - 1)m/p + 2(p - 2)). The term that grows with m is
/// a stall of the steady state: a hop is never free in 1F1B.
[[nodiscard]] constexpr ticks one_f_one_b(const shape& s, const costs& of) {
  const ticks p = s.stages;
  const ticks m = s.micro_batches;
  const ticks stalls = p <= 1 ? 0 : 2 * (p - 1) * m / p + 2 * (p - 2);
  return (m + p - 1) * work(of) + of.hop * stalls;
}

/// Interleaved 1F1B without hops, where p divides m: (mv + p - 1)X.
[[nodiscard]] constexpr ticks interleaved(const shape& s, int chunks, const costs& of) {
  return (static_cast<ticks>(s.micro_batches) * chunks + s.stages - 1) * work(of);
}

/// ZB-H1: mX + (p - 1)(F + I - W + 4c); barrier and span alike.
[[nodiscard]] constexpr ticks zero_bubble_h1(const shape& s, const costs& of) {
  return s.micro_batches * work(of) +
         (s.stages - 1) * (of.forward + of.backward_input - of.backward_weight + 4 * of.hop);
}

/// ZB-H2, span: mX + (p - 1)(F + I - 2W + 2c).
[[nodiscard]] constexpr ticks zero_bubble_h2_span(const shape& s, const costs& of) {
  return s.micro_batches * work(of) +
         (s.stages - 1) * (of.forward + of.backward_input - 2 * of.backward_weight + 2 * of.hop);
}

/// DualPipe, idle of the middle ranks where F = I >= W: (p/2 - 1)(FB + B - 3W).
[[nodiscard]] constexpr ticks dual_pipe_idle(const shape& s, const costs& of) {
  const ticks both = of.backward_input + of.backward_weight;
  const ticks pair = of.overlapped < 0 ? of.forward + both : of.overlapped;
  return (s.stages / 2 - 1) * (pair + both - 3 * of.backward_weight);
}

/// DualPipeV, idle: (p - 1)(FB + B - 3W).
[[nodiscard]] constexpr ticks dual_pipe_v_idle(const shape& s, const costs& of) {
  const ticks both = of.backward_input + of.backward_weight;
  const ticks pair = of.overlapped < 0 ? of.forward + both : of.overlapped;
  return (s.stages - 1) * (pair + both - 3 * of.backward_weight);
}

/// No schedule with a split backward pass ends before: mvX + (p - 1)(F + c).
[[nodiscard]] constexpr ticks barrier_bound(const shape& s, int chunks, const costs& of) {
  return static_cast<ticks>(s.micro_batches) * chunks * work(of) +
         (s.stages - 1) * (of.forward + of.hop);
}

/// Nor one with whole backwards before: mvX + (p - 1)(F + B + 2c). So 1F1B without hops is optimal
/// among those with one chunk.
[[nodiscard]] constexpr ticks whole_backward_bound(const shape& s, int chunks, const costs& of) {
  return static_cast<ticks>(s.micro_batches) * chunks * work(of) +
         (s.stages - 1) * (work(of) + 2 * of.hop);
}

}  // namespace rondo::inline v0_1::pipeline::formula
