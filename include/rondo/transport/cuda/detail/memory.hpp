// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <new>
#include <string>
#include <utility>

/// Memory of GPUs that frees itself.
namespace rondo::inline v0_1::cuda::detail {

/// Makes a device current, and the one before current again.
class device_guard {
 public:
  explicit device_guard(int device) {
    require(cudaGetDevice(&before_), "cudaGetDevice");
    require(cudaSetDevice(device), "cudaSetDevice");
  }
  /// For destructors, which clean up as well as they can.
  device_guard(int device, std::nothrow_t) noexcept {
    static_cast<void>(cudaGetDevice(&before_));
    static_cast<void>(cudaSetDevice(device));
  }
  device_guard(const device_guard&) = delete;
  device_guard& operator=(const device_guard&) = delete;
  ~device_guard() { static_cast<void>(cudaSetDevice(before_)); }

 private:
  int before_ = 0;
};

[[nodiscard]] inline int current_device() {
  int device = 0;
  require(cudaGetDevice(&device), "cudaGetDevice");
  return device;
}

[[nodiscard]] inline int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  require(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

/// Lets kernels on the current device load and store memory that `cudaMalloc` gave on another one.
/// Errors: error_code::invalid_argument where it cannot.
inline void reach_device(int other) {
  const int here = current_device();
  if (here == other) {
    return;
  }
  int reaches = 0;
  require(cudaDeviceCanAccessPeer(&reaches, here, other), "cudaDeviceCanAccessPeer");
  if (reaches == 0) {
    refuse("cuda: GPU " + std::to_string(here) + " cannot reach the memory of GPU " +
           std::to_string(other) + "; use NCCL between them");
  }
  const auto status = cudaDeviceEnablePeerAccess(other, 0);
  if (status == cudaErrorPeerAccessAlreadyEnabled) {
    static_cast<void>(cudaGetLastError());
  } else {
    require(status, "cudaDeviceEnablePeerAccess");
  }
}

/// Bytes on the device that is current when it is made, all zero, before anyone else can see them.
class zeroed_memory {
 public:
  zeroed_memory() = default;
  explicit zeroed_memory(std::size_t bytes) : device_{current_device()} {
    void* data = nullptr;
    require(cudaMalloc(&data, bytes), "cudaMalloc of a window");
    data_ = static_cast<std::byte*>(data);
    const auto status = cudaMemset(data_, 0, bytes);
    const auto done = status == cudaSuccess ? cudaDeviceSynchronize() : status;
    if (done != cudaSuccess) {
      release();
      require(done, "zeroing a window");
    }
  }
  zeroed_memory(zeroed_memory&& other) noexcept
      : data_{std::exchange(other.data_, nullptr)}, device_{other.device_} {}
  zeroed_memory& operator=(zeroed_memory&& other) noexcept {
    if (this != &other) {
      release();
      data_ = std::exchange(other.data_, nullptr);
      device_ = other.device_;
    }
    return *this;
  }
  ~zeroed_memory() { release(); }

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] int device() const noexcept { return device_; }

 private:
  void release() noexcept {
    if (data_ != nullptr) {
      static_cast<void>(cudaFree(data_));
      data_ = nullptr;
    }
  }
  std::byte* data_ = nullptr;
  int device_ = 0;
};

}  // namespace rondo::inline v0_1::cuda::detail
