// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/kernel_launch.hpp>
#include <rondo/transport/cuda/launch.hpp>
#include <rondo/transport/cuda/memory.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/cuda/window_rank.hpp>
#include <rondo/transport/nccl/communicator.hpp>
#include <rondo/transport/nccl/handle.hpp>
#include <rondo/transport/shared.hpp>
#include <rondo/version.hpp>

#include <nccl.h>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

// NCCL's headers for devices, from 2.28 on. Kernels and the library share data structures there
// that differ between versions, so the library that runs must be the very version of the headers.
#if NCCL_VERSION_CODE < 22800
#error "rondo: nccl::window needs NCCL 2.28 or newer (windows of symmetric memory)"
#endif
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif
#include <nccl_device.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace rondo::inline v0_1::nccl {

/// Where the memory of each peer is, as NCCL has mapped it on this device. A template, so that it
/// may be defined in many files.
template <int = 0>
__global__ void find_peers(ncclWindow_t in, int ranks, std::byte** found) {
  const int peer = static_cast<int>(threadIdx.x);
  if (peer < ranks) {
    found[peer] = static_cast<std::byte*>(ncclGetLsaPointer(in, 0, peer));
  }
}

/// A window of NCCL's symmetric memory, over ranks that load and store each other's memory: what
/// `rondo::device` collectives in kernels run on.
///
///     rondo::nccl::window window{comm, 64 << 20};
///     window.launch({.stream = stream}, kernel, arguments...);
///
/// Making and destroying are collective. The communicator must outlive it. Peers reach the window
/// alone: buffers for two_shot from buffer to buffer come from its heap.
class window {
 public:
  /// On the communicator's device, which is current. Errors: error_code::transport for a library
  /// that is not the version of the headers, with both; error_code::invalid_argument for ranks that
  /// do not all reach each other's memory.
  template <class Work>
  window(basic_communicator<Work>& comm, std::size_t window_bytes,
         const cuda::window_options& with = {})
      : options_{with_slots(with, comm)},
        shape_{cuda::shape_for(comm.size(), window_bytes, options_)},
        reports_{comm.size()},
        device_{comm.device()},
        memory_{comm.raw(), (shape_.bytes() + granule - 1) / granule * granule} {
    parts_.shape = shape_;
    parts_.reports = reports_.data();
    parts_.patience_ns = cuda::nanoseconds_of(options_);
    parts_.rank = comm.rank();
    parts_.reaches_everything = false;
    cuda::zeroed_memory found{sizeof parts_.memory};
    find_peers<><<<1, device::most_ranks>>>(memory_.registered(), comm.size(),
                                            reinterpret_cast<std::byte**>(found.data()));
    check(cudaGetLastError(), "nccl::window", comm.rank());
    check(cudaMemcpy(parts_.memory, found.data(), sizeof parts_.memory, cudaMemcpyDeviceToHost),
          "nccl::window", comm.rank());
    calls_ = rondo::detail::shared{
        new cuda::window_rank<cuda::kernel_launch>(parts_, options_, cuda::kernel_launch{device_})};
  }

  [[nodiscard]] int rank() const noexcept { return parts_.rank; }
  [[nodiscard]] int size() const noexcept { return shape_.ranks; }
  [[nodiscard]] unsigned slots() const noexcept { return options_.slots; }

  /// This rank on one stream, for collectives that the host calls: `rondo::all_reduce(window,
  /// values, rondo::on{stream})`; see window_rank.
  static constexpr bool device_memory = true;
  [[nodiscard]] auto on(CUstream_st* stream) { return calls_->on(stream); }
  template <class T>
  [[nodiscard]] cuda::window_forecast forecast(std::size_t count) const {
    return calls_->template forecast<T>(count);
  }

  /// The argument for a kernel that the caller launches.
  [[nodiscard]] device::window handle(unsigned channel = 0) const {
    auto parts = parts_;
    parts.first_slot = channel * options_.slots;
    return device::window{parts};
  }

  /// Enqueues `kernel(window, arguments...)`; every rank does, with as many blocks.
  template <class... P>
  void launch(const cuda::launch_shape& wanted, void (*kernel)(device::window, P...),
              std::type_identity_t<P>... arguments) {
    check_reports();
    const cuda::device_guard here{device_};
    const auto shape =
        cuda::detail::settled(wanted, reinterpret_cast<const void*>(kernel), 1, slots());
    cuda::detail::launch_at_once<device::window, P...>(kernel, dim3{shape.blocks, 1, 1}, shape,
                                                       cuda::detail::residence::guaranteed,
                                                       handle(shape.channel), arguments...);
  }

  /// Errors: what kernels that have ended reported.
  void check_reports() const { reports_.check(cuda::nanoseconds_of(options_)); }

  /// This rank's heap, as the host passes it to kernels.
  [[nodiscard]] std::byte* heap() const { return memory_.data() + shape_.heap(); }

 private:
  static constexpr std::size_t granule = NCCL_WIN_REQUIRED_ALIGNMENT;

  /// Zeroed before any peer can see it.
  class registered_memory {
   public:
    registered_memory(ncclComm_t comm, std::size_t bytes) : comm_{comm} {
      void* data = nullptr;
      check(ncclMemAlloc(&data, bytes), "ncclMemAlloc of a window");
      data_ = static_cast<std::byte*>(data);
      try_or_release(cudaMemset(data, 0, bytes), "zeroing a window");
      try_or_release(cudaDeviceSynchronize(), "zeroing a window");
      const ncclResult_t result =
          ncclCommWindowRegister(comm, data, bytes, &window_, NCCL_WIN_COLL_SYMMETRIC);
      if (result != ncclSuccess) {
        release();
        raise_failure(result, "ncclCommWindowRegister", -1, comm);
      }
      if (window_ == nullptr) {
        release();
        refuse(
            "nccl::window: NCCL has no symmetric memory here; see NCCL_CUMEM_ENABLE and "
            "NCCL_DEBUG=INFO");
      }
    }
    registered_memory(const registered_memory&) = delete;
    registered_memory& operator=(const registered_memory&) = delete;
    ~registered_memory() {
      static_cast<void>(cudaDeviceSynchronize());
      release();
    }

    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    [[nodiscard]] ncclWindow_t registered() const noexcept { return window_; }

   private:
    void try_or_release(cudaError_t result, const char* what) {
      if (result != cudaSuccess) {
        release();
        check(result, what);
      }
    }
    void release() noexcept {
      if (window_ != nullptr) {
        static_cast<void>(ncclCommWindowDeregister(comm_, std::exchange(window_, nullptr)));
      }
      static_cast<void>(ncclMemFree(data_));
    }

    ncclComm_t comm_;
    std::byte* data_ = nullptr;
    ncclWindow_t window_ = nullptr;
  };

  template <class Work>
  [[nodiscard]] static cuda::window_options with_slots(cuda::window_options options,
                                                       basic_communicator<Work>& comm) {
    require_version(library_version(), NCCL_VERSION_CODE, fit::exact);
    const ncclTeam_t reached = ncclTeamLsa(comm.raw());
    if (reached.nRanks != comm.size()) {
      refuse("nccl::window: rank " + std::to_string(comm.rank()) + " reaches the memory of " +
                 std::to_string(reached.nRanks) + " of " + std::to_string(comm.size()) +
                 " ranks; a window needs all: split the communicator, or send messages",
             comm.rank());
    }
    if (options.slots == 0) {
      options.slots =
          static_cast<unsigned>(2 * cuda::attribute(cudaDevAttrMultiProcessorCount, comm.device()));
    }
    return options;
  }

  cuda::window_options options_;
  device::window_shape shape_;
  cuda::host_reports reports_;
  int device_;
  registered_memory memory_;
  device::window::parts parts_{};
  rondo::detail::shared<cuda::window_rank<cuda::kernel_launch>> calls_{};
};

}  // namespace rondo::inline v0_1::nccl
