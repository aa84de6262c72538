// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/detail/gpu_identity.hpp>
#include <rondo/transport/cuda/detail/host_reports.hpp>
#include <rondo/transport/cuda/detail/kernel_launch.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/cuda/window_rank.hpp>
#include <rondo/transport/nccl/communicator.hpp>
#include <rondo/transport/nccl/detail/check.hpp>
#include <rondo/transport/nccl/detail/registered_memory.hpp>
#include <rondo/transport/nccl/detail/state.hpp>
#include <rondo/version.hpp>

#include <nccl.h>

#include <cstddef>
#include <string>
#include <vector>

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
  symmetric_memory(state& in, std::size_t window_bytes, const cuda::window_options& options)
      : options_{cuda::with_slots(
            options, cuda::detail::attribute(cudaDevAttrMultiProcessorCount, in.device))},
        parts_{cuda::parts_for(in.size, window_bytes, options_)},
        reports_{in.size},
        launcher_{.device = in.device},
        memory_{fitting(in), (parts_.shape.bytes() + granule - 1) / granule * granule} {
    parts_.reports = reports_.data();
    parts_.rank = in.rank;
    parts_.reaches_everything = false;
    require_reach(in);
    launcher_.sharers = sharers(in);
    const cuda::detail::zeroed_memory found{sizeof parts_.memory};
    find_peers<><<<1, device::most_ranks>>>(memory_.registered(), in.size,
                                            reinterpret_cast<std::byte**>(found.data()));
    cuda::require(cudaGetLastError(), "nccl::window: launch of find_peers", in.rank);
    cuda::require(
        cudaMemcpy(parts_.memory, found.data(), sizeof parts_.memory, cudaMemcpyDeviceToHost),
        "nccl::window: cudaMemcpy", in.rank);
  }

  [[nodiscard]] const cuda::window_options& options() const noexcept { return options_; }
  [[nodiscard]] const device::window::parts& parts() const noexcept { return parts_; }
  [[nodiscard]] cuda::detail::kernel_launch launcher() const noexcept { return launcher_; }

 private:
  static constexpr std::size_t granule = NCCL_WIN_REQUIRED_ALIGNMENT;

  [[nodiscard]] static state& fitting(state& in) {
    require_version(library_version(), NCCL_VERSION_CODE, fit::exact);
    return in;
  }

  /// NCCL knows teams from the first registration on.
  static void require_reach(const state& in) {
    const ncclTeam_t reached = ncclTeamLsa(in.raw);
    if (reached.nRanks != in.size) {
      refuse("nccl::window: rank " + std::to_string(in.rank) + " reaches the memory of " +
                 std::to_string(reached.nRanks) + " of " + std::to_string(in.size) +
                 " ranks; a window needs all: split the communicator, or send messages",
             in.rank);
    }
  }

  /// Ranks on the GPU that most have.
  [[nodiscard]] static unsigned sharers(const state& in) {
    using cuda::detail::gpu_identity;
    const gpu_identity mine = cuda::detail::identity_of(in.device);
    std::vector<gpu_identity> all(static_cast<std::size_t>(in.size));
    const cuda::detail::zeroed_memory told{(all.size() + 1) * sizeof mine};
    std::byte* const from = told.data() + all.size() * sizeof mine;
    cuda::require(cudaMemcpy(from, &mine, sizeof mine, cudaMemcpyHostToDevice),
                  "nccl::window: cudaMemcpy", in.rank);
    check(in.settled(
              ncclAllGather(from, told.data(), sizeof mine, ncclUint8, in.raw, cudaStreamLegacy)),
          "ncclAllGather of a window", in.rank);
    cuda::require(
        cudaMemcpy(all.data(), told.data(), all.size() * sizeof mine, cudaMemcpyDeviceToHost),
        "nccl::window: cudaMemcpy", in.rank);
    return cuda::detail::most_sharers(all);
  }

  cuda::window_options options_;
  device::window::parts parts_;
  cuda::detail::host_reports reports_;
  cuda::detail::kernel_launch launcher_;
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
/// communicator must outlive it, and may be aborted before. Peers reach the window alone: buffers
/// for two_shot from buffer to buffer come from its heap. Ranks that share a GPU each take their
/// part of its blocks.
class window : detail::symmetric_memory, public cuda::window_rank<cuda::detail::kernel_launch> {
 public:
  /// `window_bytes` of staging per rank, on the communicator's device, which is current.
  /// Errors: error_code::transport for a library that is not the version of the headers, with both,
  /// and for what NCCL and CUDA report; error_code::invalid_argument for ranks that do not all
  /// reach each other's memory, and as cuda::shape_for.
  /// Cost: a registration with NCCL, which meets all ranks; waits for the device.
  template <class Work>
  window(basic_communicator<Work>& comm, std::size_t window_bytes,
         const cuda::window_options& options = {})
      : symmetric_memory{*comm.state_, window_bytes, options},
        window_rank{parts(), symmetric_memory::options(), launcher()} {}
};

}  // namespace rondo::inline v0_1::nccl
