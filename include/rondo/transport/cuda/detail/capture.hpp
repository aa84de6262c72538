// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

namespace rondo::inline v0_1::cuda::detail {

[[nodiscard]] inline bool is_captured(cudaStream_t stream) {
  auto capturing = cudaStreamCaptureStatusNone;
  require(cudaStreamIsCapturing(stream, &capturing), "cudaStreamIsCapturing");
  return capturing != cudaStreamCaptureStatusNone;
}

/// What `who` keeps on the device grows to `bytes` for a call on `stream`: not while that is
/// captured, which an allocation would end. Errors: error_code::invalid_argument, with what to do.
inline void require_no_capture(cudaStream_t stream, std::size_t bytes, const char* who) {
  if (is_captured(stream)) {
    refuse(std::string{who} + ": a call needs " + std::to_string(bytes) +
           " bytes of scratch, which cannot be had while its stream is captured; make the same "
           "call once before, on the same stream");
  }
}

}  // namespace rondo::inline v0_1::cuda::detail
