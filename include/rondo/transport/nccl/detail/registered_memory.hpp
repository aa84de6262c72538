// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/transport/nccl/detail/check.hpp>
#include <rondo/transport/nccl/detail/state.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <cstddef>
#include <new>
#include <utility>

#if NCCL_VERSION_CODE >= 22700

namespace rondo::inline v0_1::nccl::detail {

/// Symmetric memory of a communicator, on its device, which is current: zeroed before any peer can
/// see it. Made on all ranks together. Where NCCL does not block, waits for the registration, no
/// longer than the deadline: the memory of one that comes later stays until the process ends.
class registered_memory {
 public:
  registered_memory(state& in, std::size_t bytes) : in_{in} {
    void* data = nullptr;
    check(ncclMemAlloc(&data, bytes), "ncclMemAlloc of a window", in.rank);
    data_ = static_cast<std::byte*>(data);
    try_or_release(cudaMemset(data, 0, bytes));
    try_or_release(cudaDeviceSynchronize());
    // where the wait is in vain, NCCL may yet use the memory, which stays
    const ncclResult_t result =
        in.settled(ncclCommWindowRegister(in.raw, data, bytes, &window_, NCCL_WIN_COLL_SYMMETRIC));
    if (result != ncclSuccess) {
      release();
      raise_failure(result, "ncclCommWindowRegister", in.rank, in.raw);
    }
    if (window_ == nullptr) {
      release();
      refuse(
          "nccl::window: NCCL has no symmetric memory here; see NCCL_CUMEM_ENABLE and "
          "NCCL_DEBUG=INFO",
          in.rank);
    }
  }
  registered_memory(const registered_memory&) = delete;
  registered_memory& operator=(const registered_memory&) = delete;
  /// Waits for the device. A communicator that has been aborted has taken the registration with it.
  /// Of one that is dead and has not been, the memory stays until the process ends.
  ~registered_memory() {
    if (in_.is_stuck()) {
      return;
    }
    const cuda::detail::device_guard here{in_.device, std::nothrow};
    static_cast<void>(cudaDeviceSynchronize());
    release();
  }

  [[nodiscard]] ncclWindow_t registered() const noexcept { return window_; }

 private:
  void try_or_release(cudaError_t result) {
    if (result != cudaSuccess) {
      release();
      cuda::require(result, "zeroing a window", in_.rank);
    }
  }
  void release() noexcept {
    if (window_ != nullptr && in_.raw != nullptr &&
        ncclCommWindowDeregister(in_.raw, window_) == ncclInProgress &&
        in_.settled_or_late() == ncclInProgress) {
      return;  // NCCL may yet use the memory
    }
    static_cast<void>(ncclMemFree(data_));
  }

  state& in_;
  std::byte* data_ = nullptr;
  ncclWindow_t window_ = nullptr;
};

}  // namespace rondo::inline v0_1::nccl::detail

#endif
