// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/policies.hpp>
#include <rondo/version.hpp>

struct CUstream_st;  // what cudaStream_t points to; needs no CUDA header

namespace rondo::inline v0_1 {

/// Enqueue the call on this stream and return at once. The default is the default stream.
struct on {
  static constexpr policy kind = policy::stream;
  CUstream_st* stream = nullptr;
};

}  // namespace rondo::inline v0_1
