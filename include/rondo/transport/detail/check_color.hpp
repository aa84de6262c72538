// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <string>

namespace rondo::inline v0_1::detail {

/// Refuses a color of `split` that stands for no part.
inline void check_color(int color, int rank) {
  if (color < 0) {
    refuse("split: color " + std::to_string(color) + " on rank " + std::to_string(rank) +
               "; pass a number from 0 on, one of its own for a rank that wants no part",
           rank);
  }
}

}  // namespace rondo::inline v0_1::detail
