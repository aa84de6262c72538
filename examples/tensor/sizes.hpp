// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/attention/attention.hpp>

#include <cstddef>

namespace tensor_example {

/// Sizes of both networks. Whole leaves on every rank for 1, 2, 3, 4 and 8 of them, so that exact
/// mode gives the same bits on each.
struct sizes {
  static constexpr std::size_t words = 256;  ///< bytes
  static constexpr std::size_t vocabulary = 264;
  static constexpr std::size_t d_model = 32;
  static constexpr std::size_t d_ff = 96;
  static constexpr rondo::attention_heads heads{4, 2, 8};
  static constexpr std::size_t length = 24;
  static constexpr std::size_t batch = 6;
  static constexpr double smoothing = 0.05;
};

}  // namespace tensor_example
