// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <cstddef>

/// codec::cast as bodies of kernels, one element after another: it has no blocks whose values
/// threads would have to look at together.
namespace rondo::inline v0_1::cuda::detail {

template <class T, class Wire>
struct cast_value {
  const T* from;
  Wire* to;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const {
    to[i] = static_cast<Wire>(static_cast<float>(from[i]));
  }
};
template <class Wire>
struct add_cast {
  const Wire* from;
  float* sums;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const { sums[i] += static_cast<float>(from[i]); }
};
/// The wires' sum, in the order of ranks, divided.
template <class Wire, int Most>
struct sum_casts {
  const Wire* from[std::size_t{Most}];
  int ranks;
  float divisor;
  Wire* to;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const {
    float sum = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      sum += static_cast<float>(from[rank][i]);
    }
    to[i] = static_cast<Wire>(sum / divisor);
  }
};

}  // namespace rondo::inline v0_1::cuda::detail
