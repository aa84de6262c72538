// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

namespace rondo::inline v0_1::cuda::detail {

/// A GPU by its UUID: the same in every process, whatever number it has there.
struct gpu_identity {
  unsigned char bytes[sizeof(cudaUUID_t)] = {};

  bool operator==(const gpu_identity&) const = default;
};

[[nodiscard]] inline gpu_identity identity_of(int device) {
  cudaDeviceProp about{};
  require(cudaGetDeviceProperties(&about, device), "cudaGetDeviceProperties");
  gpu_identity made;
  for (unsigned i = 0; i < sizeof made.bytes; ++i) {
    made.bytes[i] = static_cast<unsigned char>(about.uuid.bytes[i]);
  }
  return made;
}

}  // namespace rondo::inline v0_1::cuda::detail
