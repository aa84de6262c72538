// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>

namespace rondo::inline v0_1::cuda {

/// What a launch of a kernel with collectives needs. Zeros: chosen by the library.
struct launch_shape {
  unsigned blocks = 0;   ///< of each rank; 0: as many as run at once, up to the window's slots
  unsigned threads = 0;  ///< of each block; 0: 512, or as many as the kernel's registers allow
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
  unsigned channel = 0;  ///< launches that may run at the same time use different ones
};

}  // namespace rondo::inline v0_1::cuda
