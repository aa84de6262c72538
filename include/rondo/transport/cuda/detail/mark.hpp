// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/cuda/require.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

namespace rondo::inline v0_1::cuda::detail {

/// A point in a stream that another stream waits for: an event without its clock.
class mark : public rondo::detail::counted_owner {
 public:
  mark() { require(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreate"); }
  mark(const mark&) = delete;
  mark& operator=(const mark&) = delete;
  ~mark() { static_cast<void>(cudaEventDestroy(event_)); }

  void set(cudaStream_t in) const { require(cudaEventRecord(event_, in), "cudaEventRecord"); }
  /// What is enqueued on `later` from now on waits for where the mark was set last.
  void hold_back(cudaStream_t later) const {
    require(try_to_hold_back(later), "cudaStreamWaitEvent");
  }
  [[nodiscard]] cudaError_t try_to_hold_back(cudaStream_t later) const noexcept {
    return cudaStreamWaitEvent(later, event_, 0);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace rondo::inline v0_1::cuda::detail
