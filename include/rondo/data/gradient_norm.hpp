// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_reduce.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/version.hpp>

#include <array>
#include <cmath>

namespace rondo::inline v0_1::data {

/// The Euclidean norm of a gradient that lies in parts on the ranks of `comm`: what clipping needs.
/// Each element is to be in one rank's `own` only: of what several ranks hold (parameters that are
/// replicated over tensor ranks, an embedding tied to another layer) one of them passes it.
/// Squares are added in double. Cost: all_reduce of 8 B. The same bits on every rank; others, in
/// the last place, where the parts are others.
template <class Comm, buffer Values>
[[nodiscard]] double gradient_norm(Comm& comm, const Values& own,
                                   source_location where = source_location::current()) {
  std::array<double, 1> squares{0};
  for (const auto value : readable(own)) {
    squares[0] += static_cast<double>(value) * static_cast<double>(value);
  }
  rondo::all_reduce(comm, squares, where);
  return std::sqrt(squares[0]);
}

}  // namespace rondo::inline v0_1::data
