// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/detail/host_reports.hpp>
#include <rondo/transport/cuda/detail/kernel_launch.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/cuda/window_rank.hpp>
#include <rondo/transport/nccl/communicator.hpp>
#include <rondo/transport/nccl/detail/check.hpp>
#include <rondo/version.hpp>

#include <nccl.h>

#include <cstddef>
#include <string>
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

namespace detail {

/// Where the memory of each peer is, as NCCL has mapped it on this device. A template, so that it
/// may be defined in many files.
template <int = 0>
__global__ void find_peers(ncclWindow_t in, int ranks, std::byte** found) {
  const int peer = static_cast<int>(threadIdx.x);
  if (peer < ranks) {
    found[peer] = static_cast<std::byte*>(ncclGetLsaPointer(in, 0, peer));
  }
}

/// The memory of a window: this rank's, and the peers' as NCCL has mapped it here.
class symmetric_memory {
 protected:
  template <class Work>
  symmetric_memory(basic_communicator<Work>& comm, std::size_t window_bytes,
                   const cuda::window_options& options)
      : options_{options},
        parts_{cuda::parts_for(comm.size(), window_bytes, options)},
        reports_{comm.size()},
        device_{comm.device()},
        memory_{comm.raw(), (parts_.shape.bytes() + granule - 1) / granule * granule} {
    parts_.reports = reports_.data();
    parts_.rank = comm.rank();
    parts_.reaches_everything = false;
    const cuda::detail::zeroed_memory found{sizeof parts_.memory};
    find_peers<><<<1, device::most_ranks>>>(memory_.registered(), comm.size(),
                                            reinterpret_cast<std::byte**>(found.data()));
    cuda::require(cudaGetLastError(), "nccl::window: launch of find_peers", comm.rank());
    cuda::require(
        cudaMemcpy(parts_.memory, found.data(), sizeof parts_.memory, cudaMemcpyDeviceToHost),
        "nccl::window: cudaMemcpy", comm.rank());
  }

  [[nodiscard]] const cuda::window_options& options() const noexcept { return options_; }
  [[nodiscard]] const device::window::parts& parts() const noexcept { return parts_; }
  [[nodiscard]] cuda::detail::kernel_launch launcher() const noexcept {
    return {.device = device_};
  }

  /// The options with slots, of ranks that can have a window.
  template <class Work>
  [[nodiscard]] static cuda::window_options checked(const cuda::window_options& options,
                                                    basic_communicator<Work>& comm) {
    detail::require_version(detail::library_version(), NCCL_VERSION_CODE, detail::fit::exact);
    const ncclTeam_t reached = ncclTeamLsa(comm.raw());
    if (reached.nRanks != comm.size()) {
      refuse("nccl::window: rank " + std::to_string(comm.rank()) + " reaches the memory of " +
                 std::to_string(reached.nRanks) + " of " + std::to_string(comm.size()) +
                 " ranks; a window needs all: split the communicator, or send messages",
             comm.rank());
    }
    return cuda::with_slots(options,
                            cuda::detail::attribute(cudaDevAttrMultiProcessorCount, comm.device()));
  }

 private:
  /// Zeroed before any peer can see it.
  class registered_memory {
   public:
    registered_memory(ncclComm_t comm, std::size_t bytes) : comm_{comm} {
      void* data = nullptr;
      detail::check(ncclMemAlloc(&data, bytes), "ncclMemAlloc of a window");
      data_ = static_cast<std::byte*>(data);
      try_or_release(cudaMemset(data, 0, bytes), "zeroing a window");
      try_or_release(cudaDeviceSynchronize(), "zeroing a window");
      const ncclResult_t result =
          ncclCommWindowRegister(comm, data, bytes, &window_, NCCL_WIN_COLL_SYMMETRIC);
      if (result != ncclSuccess) {
        release();
        detail::raise_failure(result, "ncclCommWindowRegister", -1, comm);
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
        cuda::require(result, what);
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

  static constexpr std::size_t granule = NCCL_WIN_REQUIRED_ALIGNMENT;

  cuda::window_options options_;
  device::window::parts parts_;
  cuda::detail::host_reports reports_;
  int device_;
  registered_memory memory_;
};

}  // namespace detail

/// A window of NCCL's symmetric memory, over ranks that load and store each other's memory: what
/// `rondo::device` collectives in kernels run on.
///
///     rondo::nccl::window window{comm, 64 << 20};
///     window.launch({.stream = stream}, kernel, arguments...);
///     rondo::all_reduce(window, values, rondo::on{stream});
///
/// What it can do is said at cuda::window_rank. Making and destroying are collective. The
/// communicator must outlive it. Peers reach the window alone: buffers for two_shot from buffer to
/// buffer come from its heap.
class window : detail::symmetric_memory,
               public cuda::window_rank<cuda::detail::kernel_launch> {
 public:
  /// `window_bytes` of staging per rank, on the communicator's device, which is current.
  /// Errors: error_code::transport for a library that is not the version of the headers, with both,
  /// and for what NCCL and CUDA report; error_code::invalid_argument for ranks that do not all
  /// reach each other's memory, and as cuda::shape_for.
  /// Cost: a registration with NCCL, which meets all ranks; waits for the device.
  template <class Work>
  window(basic_communicator<Work>& comm, std::size_t window_bytes,
         const cuda::window_options& options = {})
      : symmetric_memory{comm, window_bytes, checked(options, comm)},
        window_rank{parts(), symmetric_memory::options(), launcher()} {}
};

}  // namespace rondo::inline v0_1::nccl
