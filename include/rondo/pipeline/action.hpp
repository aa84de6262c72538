// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rondo::inline v0_1::pipeline {

/// What one action of a rank does. The first four are compute; in the field's letters F, B, I, W.
enum class kind : std::uint8_t {
  forward,           ///< F: outputs of a stage from its inputs
  backward,          ///< B: both halves of the backward pass at once
  backward_input,    ///< I: gradient of the inputs; all that the stage before waits for
  backward_weight,   ///< W: gradient of the weights; nobody waits for it
  send_forward,      ///< outputs of `stage`, to the stage after it
  receive_forward,   ///< inputs of `stage`, from the stage before it
  send_backward,     ///< input gradients of `stage`, to the stage before it
  receive_backward,  ///< output gradients of `stage`, from the stage after it
  unshard,           ///< gather the sharded weights of `stage`
  reshard,           ///< drop the gathered weights of `stage`
  reduce_gradient,   ///< reduce the weight gradients of `stage` over data-parallel ranks
  idle               ///< an empty cell of a written table; takes no time
};

[[nodiscard]] constexpr bool is_compute(kind what) { return what <= kind::backward_weight; }
[[nodiscard]] constexpr bool is_message(kind what) {
  return kind::send_forward <= what && what <= kind::receive_backward;
}
[[nodiscard]] constexpr bool is_send(kind what) {
  return what == kind::send_forward || what == kind::send_backward;
}
[[nodiscard]] constexpr bool is_receive(kind what) {
  return what == kind::receive_forward || what == kind::receive_backward;
}
/// B or I: what frees the activations of a stage and hands a gradient on.
[[nodiscard]] constexpr bool makes_input_gradient(kind what) {
  return what == kind::backward || what == kind::backward_input;
}

/// One thing that one rank does; 8 bytes.
struct action {
  std::int32_t micro_batch = 0;
  std::int16_t stage = 0;  ///< counted over all chunks: 0 .. placement.stages() - 1
  pipeline::kind kind = pipeline::kind::idle;
  std::uint8_t slice : 7 = 0;
  bool with_next : 1 = false;  ///< runs at the same time as the action after it

  friend constexpr bool operator==(const action&, const action&) = default;
};
static_assert(sizeof(action) == 8);

using row = constant_vector<action>;

[[nodiscard]] constexpr action make_action(pipeline::kind what, int stage, int micro_batch,
                                           int slice = 0) {
  action made{};
  made.micro_batch = micro_batch;
  made.stage = static_cast<std::int16_t>(stage);
  made.kind = what;
  made.slice = static_cast<std::uint8_t>(slice & 0x7f);
  return made;
}

/// F, B, I, W, SEND_F, ... ; empty for idle.
[[nodiscard]] constexpr std::string_view letters_of(kind what) {
  constexpr std::string_view letters[] = {"F",       "B",       "I",           "W",
                                          "SEND_F",  "RECV_F",  "SEND_B",      "RECV_B",
                                          "UNSHARD", "RESHARD", "REDUCE_GRAD", ""};
  return letters[static_cast<std::size_t>(what)];
}

/// Stage, letters, micro-batch and, where there are any, slice: 3F12, 3F12s1. Empty for idle.
[[nodiscard]] inline std::string to_text(const action& what) {
  if (what.kind == kind::idle) {
    return {};
  }
  std::string text = std::to_string(what.stage);
  text += letters_of(what.kind);
  if (is_compute(what.kind) || is_message(what.kind)) {
    text += std::to_string(what.micro_batch);
    if (what.slice != 0) {
      text += 's' + std::to_string(what.slice);
    }
  }
  return text;
}

}  // namespace rondo::inline v0_1::pipeline
