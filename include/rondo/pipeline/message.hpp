// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/action.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstdint>

/// The messages that a plan of compute actions needs.
namespace rondo::inline v0_1::pipeline {

/// The stage that the other half of a message names: a send's receive, or a receive's send.
[[nodiscard]] constexpr int far_stage(const action& message) {
  const bool up = message.kind == kind::send_forward || message.kind == kind::receive_backward;
  return detail::stage_after(message.stage, up);
}

/// Whether that stage exists: nothing is sent past the ends of a chain.
[[nodiscard]] constexpr bool has_far_stage(const action& message, const placement& where) {
  const bool up = message.kind == kind::send_forward || message.kind == kind::receive_backward;
  return !detail::leaves_at(message.stage, up, where);
}

/// The other half of a message.
[[nodiscard]] constexpr action other_half(const action& message) {
  action half = message;
  half.stage = static_cast<std::int16_t>(far_stage(message));
  switch (message.kind) {
    case kind::send_forward:
      half.kind = kind::receive_forward;
      break;
    case kind::receive_forward:
      half.kind = kind::send_forward;
      break;
    case kind::send_backward:
      half.kind = kind::receive_backward;
      break;
    default:
      half.kind = kind::send_backward;
      break;
  }
  return half;
}

/// The send that follows F, B or I; `idle` where nothing is sent: at the end of a chain, or where
/// the next stage is on the same rank.
[[nodiscard]] constexpr action send_after(const action& what, const placement& where) {
  action send = what;
  send.with_next = false;
  send.kind = what.kind == kind::forward        ? kind::send_forward
              : makes_input_gradient(what.kind) ? kind::send_backward
                                                : kind::idle;
  const bool leaves = send.kind != kind::idle && has_far_stage(send, where) &&
                      where.rank_of(far_stage(send)) != where.rank_of(what.stage);
  return leaves ? send : action{};
}

/// The receive that F, B or I needs; `idle` where its input is on the rank already.
[[nodiscard]] constexpr action receive_before(const action& what, const placement& where) {
  action receive = what;
  receive.with_next = false;
  receive.kind = what.kind == kind::forward        ? kind::receive_forward
                 : makes_input_gradient(what.kind) ? kind::receive_backward
                                                   : kind::idle;
  const bool comes = receive.kind != kind::idle && has_far_stage(receive, where) &&
                     where.rank_of(far_stage(receive)) != where.rank_of(what.stage);
  return comes ? receive : action{};
}

namespace detail {

/// The number of a receive, by which both halves of a message know it.
[[nodiscard]] inline std::uint64_t number_of(const action& receive, const shape& s) {
  const auto stage = static_cast<std::uint64_t>(receive.stage);
  const auto unit = static_cast<std::uint64_t>(s.unit_of(receive.micro_batch, receive.slice));
  return 2 * (stage * static_cast<std::uint64_t>(s.units()) + unit) +
         (receive.kind == kind::receive_forward ? 0 : 1);
}

/// The receive of that number; its stage may be one that no plan has.
[[nodiscard]] inline action receive_of(std::uint64_t number, const shape& s) {
  const auto units = static_cast<std::uint64_t>(s.units());
  const auto slices = static_cast<std::uint64_t>(s.slices);
  const std::uint64_t unit = number / 2 % units;
  const std::uint64_t stage = (std::min)(number / 2 / units, std::uint64_t{32767});
  return make_action(number % 2 == 0 ? kind::receive_forward : kind::receive_backward,
                     static_cast<int>(stage), static_cast<int>(unit / slices),
                     static_cast<int>(unit % slices));
}

}  // namespace detail
}  // namespace rondo::inline v0_1::pipeline
