// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <string_view>
#include <type_traits>

namespace rondo::inline v0_1::nccl {

/// The sum of all ranks' values, each multiplied by its own rank's factor before: what mixed
/// precision does to gradients anyway, at no cost of its own. NCCL alone has it.
template <class T>
struct scaled_sum {
  static constexpr std::string_view name = "scaled_sum";
  static constexpr bool commutes = true;
  T factor{};

  /// There to be known as an operation on T; a template, as only a call of it is refused.
  template <class Value>
  requires std::is_same_v<Value, T> RONDO_HOST_DEVICE constexpr Value operator()(Value,
                                                                                 Value) const {
    static_assert(sizeof(Value) == 0,
                  "rondo: nccl::scaled_sum is NCCL's own: leave out the algorithm, and use a type "
                  "that NCCL sums on an nccl::communicator");
    return {};
  }
};

}  // namespace rondo::inline v0_1::nccl
