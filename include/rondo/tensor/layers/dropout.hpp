// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/detail/mix.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <string>

namespace rondo::inline v0_1 {

/// Which elements of a layer dropout drops: a function of seed, layer and the element's place in
/// the whole tensor. So a mask is the same however the tensor is split, and the same again when a
/// layer is recomputed; nothing is kept or sent. Your kernels ask it, on host or device, with the
/// indices of the whole tensor:
///
///     const rondo::dropout drop{seed, layer, 0.1};
///     y(i, j) *= drop.factor(tokens.first + i, features.first + j);
///
/// (Megatron-LM seeds each tensor rank apart, so its masks depend on how many ranks there are.)
/// A training step takes a seed of its own. Cost: two hashes of 64 bits an element, one of them the
/// same for a row. Errors: error_code::invalid_argument for a rate that is not from 0 to below 1.
/// Source: Srivastava et al., Dropout (2014), scaled when training.
class dropout {
 public:
  constexpr dropout(std::uint64_t seed, std::uint64_t layer, double rate)
      : key_{detail::mixed(detail::mixed(seed) ^ layer)},
        dropped_{static_cast<std::uint64_t>(checked(rate) * 0x1p32)},
        kept_{static_cast<float>(1 / (1 - rate))} {}

  [[nodiscard]] RONDO_HOST_DEVICE constexpr bool keeps(std::uint64_t row,
                                                       std::uint64_t column) const {
    return detail::mixed(detail::mixed(key_ ^ row) ^ column) >> 32 >= dropped_;
  }
  /// 0 of an element that is dropped, 1 / (1 - rate) of one that is kept: the gradient's factor,
  /// too.
  [[nodiscard]] RONDO_HOST_DEVICE constexpr float factor(std::uint64_t row,
                                                         std::uint64_t column) const {
    return keeps(row, column) ? kept_ : 0.0F;
  }

 private:
  [[nodiscard]] static constexpr double checked(double rate) {
    if (!(rate >= 0 && rate < 1)) {
      refuse("dropout: a rate of " + std::to_string(rate) + "; expected 0 to below 1");
    }
    return rate;
  }

  std::uint64_t key_;
  std::uint64_t dropped_;  ///< how many of 2^32 hashes
  float kept_;
};

}  // namespace rondo::inline v0_1
