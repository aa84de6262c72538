// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>

namespace rondo::inline v0_1::codec {

/// Asks by name for a schedule that encodes the partial sum anew at every hop, such as a ring. Its
/// noise grows with the ranks: (n + 1) / 2 times that of one trip, where two_shot stays at 2.
template <codec Codec>
struct requantised : Codec {
  static constexpr bool requantises_per_hop = true;

  constexpr requantised() = default;
  constexpr explicit requantised(const Codec& codec) : Codec{codec} {}
};

}  // namespace rondo::inline v0_1::codec
