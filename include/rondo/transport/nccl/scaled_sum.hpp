// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <string_view>

namespace rondo::inline v0_1::nccl {

/// The sum of all ranks' values, each multiplied by its own rank's factor before: what mixed
/// precision does to gradients anyway, at no cost of its own. NCCL alone has it.
template <class T>
struct scaled_sum {
  static constexpr std::string_view name = "scaled_sum";
  static constexpr bool commutes = true;
  T factor{};

  RONDO_HOST_DEVICE constexpr T operator()(T a, T b) const { return static_cast<T>(a + b); }
};

}  // namespace rondo::inline v0_1::nccl
