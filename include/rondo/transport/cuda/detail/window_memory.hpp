// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/cuda/detail/driver.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/sharing.hpp>
#include <rondo/transport/detail/descriptors.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/version.hpp>

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

/// Memory of a GPU that other processes map.
namespace rondo::inline v0_1::cuda::detail {

/// What another process needs to map it, besides a descriptor.
struct window_handle {
  static constexpr std::size_t most = 64;
  unsigned char bytes[most] = {};
};
static_assert(sizeof(cudaIpcMemHandle_t) <= window_handle::most);

[[nodiscard]] inline CUmemAllocationHandleType handle_type_of(sharing how) {
#if CUDA_VERSION >= 12040
  if (how == sharing::fabric) {
    static_assert(sizeof(CUmemFabricHandle) <= window_handle::most);
    return CU_MEM_HANDLE_TYPE_FABRIC;
  }
#endif
  static_cast<void>(how);
  return CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
}

/// Physical memory mapped into this process: made here, or by another one.
class virtual_memory : public rondo::detail::counted_owner {
 public:
  virtual_memory(const driver& calls, CUmemGenericAllocationHandle memory, std::size_t bytes,
                 int device)
      : calls_{calls}, memory_{memory}, bytes_{bytes} {
    try_or_release(calls.reserve(&at_, bytes, 0, 0, 0), "cuMemAddressReserve of a window");
    try_or_release(calls.map(at_, bytes, 0, memory, 0), "cuMemMap of a window");
    mapped_ = true;
    try_or_release(calls.let(device, at_, bytes), "cuMemSetAccess of a window");
  }
  virtual_memory(const virtual_memory&) = delete;
  virtual_memory& operator=(const virtual_memory&) = delete;
  ~virtual_memory() { release(); }

  [[nodiscard]] std::byte* data() const noexcept {
    return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(at_));
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  void try_or_release(CUresult status, const char* what) {
    if (status != CUDA_SUCCESS) {
      release();
      calls_.require(status, what);
    }
  }
  void release() noexcept {
    if (mapped_) {
      static_cast<void>(calls_.unmap(at_, bytes_));
    }
    if (at_ != 0) {
      static_cast<void>(calls_.free_addresses(at_, bytes_));
    }
    static_cast<void>(calls_.release(memory_));
    mapped_ = false;
    at_ = 0;
  }

  driver calls_;
  CUmemGenericAllocationHandle memory_;
  std::size_t bytes_;
  CUdeviceptr at_ = 0;
  bool mapped_ = false;
};

/// A window's memory on the current device, zeroed before any other process can map it.
class window_memory {
 public:
  /// Errors: no memory; a device or a driver that cannot share it so, with what to do.
  window_memory(std::size_t bytes, sharing how)
      : how_{how}, device_{current_device()}, bytes_{bytes} {
    if (how == sharing::ipc) {
      // Smaller allocations share a block with others, all of which peers would map with it.
      constexpr std::size_t block = std::size_t{2} << 20;
      plain_ = zeroed_memory{(bytes + block - 1) / block * block};
      cudaIpcMemHandle_t handle{};
      require(cudaIpcGetMemHandle(&handle, plain_.data()), "cudaIpcGetMemHandle");
      std::memcpy(handle_.bytes, &handle, sizeof handle);
    } else {
      make_virtual(bytes);
    }
  }

  [[nodiscard]] std::byte* data() const noexcept {
    return virtual_ ? virtual_->data() : plain_.data();
  }
  [[nodiscard]] int device() const noexcept { return device_; }
  [[nodiscard]] const window_handle& handle() const noexcept { return handle_; }
  /// As it is mapped: a multiple of the driver's granule.
  [[nodiscard]] std::size_t bytes() const noexcept { return virtual_ ? virtual_->bytes() : bytes_; }
  /// With sharing::descriptor: what is sent to other processes, once.
  [[nodiscard]] rondo::detail::descriptor take_descriptor() noexcept { return std::move(file_); }

 private:
  void make_virtual(std::size_t bytes) {
    const driver calls;
    require_support(calls);
    CUmemAllocationProp about{};
    about.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    about.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    about.location.id = device_;
    about.requestedHandleTypes = handle_type_of(how_);
    std::size_t granule = 0;
    calls.require(calls.granularity(&granule, &about, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED),
                  "cuMemGetAllocationGranularity");
    bytes = (bytes + granule - 1) / granule * granule;
    CUmemGenericAllocationHandle physical{};
    calls.require(calls.create(&physical, bytes, &about, 0), "cuMemCreate of a window");
    virtual_ = rondo::detail::shared{new virtual_memory{calls, physical, bytes, device_}};
    require(cudaMemset(data(), 0, bytes), "zeroing a window");
    require(cudaDeviceSynchronize(), "zeroing a window");
    if (how_ == sharing::descriptor) {
      int number = -1;
      calls.require(calls.to_handle(&number, physical, about.requestedHandleTypes, 0),
                    "cuMemExportToShareableHandle of a window");
      file_ = rondo::detail::descriptor{number};
    } else {
      calls.require(calls.to_handle(handle_.bytes, physical, about.requestedHandleTypes, 0),
                    "cuMemExportToShareableHandle of a window");
    }
  }

  void require_support(const driver& calls) const {
    const auto has = [&](CUdevice_attribute which) {
      int value = 0;
      calls.require(calls.attribute_of(&value, which, device_), "cuDeviceGetAttribute");
      return value != 0;
    };
    if (how_ == sharing::descriptor) {
      if (!has(CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED)) {
        refuse("cuda: this GPU does not share virtual memory by descriptors; use sharing::ipc");
      }
      return;
    }
#if CUDA_VERSION >= 12040
    if (has(CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_FABRIC_SUPPORTED)) {
      return;
    }
#endif
    refuse(
        "cuda: no fabric handles here (they need CUDA 12.4, a GPU with NVLink fabric, and the "
        "IMEX service); use sharing::descriptor inside a node");
  }

  sharing how_;
  int device_;
  std::size_t bytes_;
  zeroed_memory plain_{};
  rondo::detail::shared<virtual_memory> virtual_{};
  window_handle handle_{};
  rondo::detail::descriptor file_{};
};

/// Lets the current device reach the window of another rank of this process.
inline void reach_window(std::byte* at, std::size_t bytes, int of_device, sharing how) {
  if (how == sharing::ipc) {
    reach_device(of_device);
  } else if (of_device != current_device()) {
    const driver calls;
    calls.require(calls.let(current_device(), reinterpret_cast<CUdeviceptr>(at), bytes),
                  "cuMemSetAccess of a peer's window");
  }
}

/// The window of a rank in another process, mapped on the current device.
class mapped_window {
 public:
  /// `file` is that process's descriptor, if it shares by descriptors.
  mapped_window(const window_handle& theirs, const rondo::detail::descriptor& file, sharing how,
                std::size_t bytes) {
    if (how == sharing::ipc) {
      cudaIpcMemHandle_t handle{};
      std::memcpy(&handle, theirs.bytes, sizeof handle);
      require(cudaIpcOpenMemHandle(&opened_, handle, cudaIpcMemLazyEnablePeerAccess),
              "cudaIpcOpenMemHandle");
      return;
    }
    const driver calls;
    auto copy = theirs;
    void* const handle = how == sharing::descriptor
                             ? reinterpret_cast<void*>(static_cast<std::intptr_t>(file.get()))
                             : static_cast<void*>(copy.bytes);
    CUmemGenericAllocationHandle physical{};
    calls.require(calls.from_handle(&physical, handle, handle_type_of(how)),
                  "cuMemImportFromShareableHandle of a window");
    virtual_ = rondo::detail::shared{new virtual_memory{calls, physical, bytes, current_device()}};
  }
  mapped_window(mapped_window&& other) noexcept
      : opened_{std::exchange(other.opened_, nullptr)}, virtual_{std::move(other.virtual_)} {}
  mapped_window& operator=(mapped_window&&) = delete;
  ~mapped_window() {
    if (opened_ != nullptr) {
      static_cast<void>(cudaIpcCloseMemHandle(opened_));
    }
  }

  [[nodiscard]] std::byte* data() const noexcept {
    return virtual_ ? virtual_->data() : static_cast<std::byte*>(opened_);
  }

 private:
  void* opened_ = nullptr;
  rondo::detail::shared<virtual_memory> virtual_{};
};

}  // namespace rondo::inline v0_1::cuda::detail
