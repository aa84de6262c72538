// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model.hpp"

#include <rondo/codec/error_feedback.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/rotated.hpp>
#include <rondo/codec/sign.hpp>
#include <rondo/rondo.hpp>

#include <span>
#include <vector>

/// Gradients that travel in fewer bits.
namespace demo {

/// 8 bits and a quarter a value.
struct sum_in_8_bits {
  template <class Comm>
  void operator()(Comm& comm, std::span<float> gradient) const {
    rondo::all_reduce(comm, gradient, rondo::codec::int8<128>{});
  }
};

/// 4 bits and a half, behind a rotation that spreads outliers.
struct sum_in_4_bits {
  template <class Comm>
  void operator()(Comm& comm, std::span<float> gradient) const {
    rondo::all_reduce(comm, gradient, rondo::codec::rotated{rondo::codec::int4<32>{}, 7});
  }
};

/// 1 bit; what it leaves out is remembered, and sent with the next step's gradient. The first steps
/// go in fp32, until the optimizer knows how large gradients are.
struct sum_in_1_bit {
  int warm_up = 0;  ///< steps
  int steps = 0;
  std::vector<float> residual = std::vector<float>(model::parameters);
  std::vector<float> residual_of_sum = std::vector<float>(model::parameters);

  template <class Comm>
  void operator()(Comm& comm, std::span<float> gradient) {
    if (steps++ < warm_up) {
      rondo::all_reduce(comm, gradient);
      return;
    }
    rondo::all_reduce(
        comm, gradient,
        rondo::codec::error_feedback{rondo::codec::sign<2048>{}, residual, residual_of_sum});
  }
};

}  // namespace demo
