// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <string>

namespace rondo::inline v0_1::cuda {

/// What every call of the CUDA runtime goes through: `require(cudaMalloc(..), "cudaMalloc")`. The
/// runtime keeps a failure for cudaGetLastError, where the next launch would find it and be blamed
/// for it; it is taken from there. What no call can take away, a kernel that ended in a fault, say,
/// is in every later call of this process.
/// Errors: `error_code::transport` of `rank`, with `what`, and CUDA's own words and name for it.
inline void require(cudaError_t status, const char* what, int rank = -1) {
  if (status != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    raise(error{error_code::transport,
                std::string{what} + ": " + cudaGetErrorString(status) + " (" +
                    cudaGetErrorName(status) + ")",
                rank});
  }
}

}  // namespace rondo::inline v0_1::cuda
