// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/detail/launch_at_once.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/launch_shape.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

namespace rondo::inline v0_1::cuda::detail {

#if defined(__CUDACC__)

/// All threads of a block of one dimension, as collectives see their group: a
/// cooperative_groups::thread_block without its header.
struct whole_block {
  [[nodiscard]] static __device__ unsigned thread_rank() { return threadIdx.x; }
  [[nodiscard]] static __device__ unsigned size() { return blockDim.x; }
  static __device__ void sync() { __syncthreads(); }
  [[nodiscard]] static __device__ dim3 group_index() { return blockIdx; }
  [[nodiscard]] static __device__ dim3 thread_index() { return threadIdx; }
};

/// A collective call of the host's.
template <class Call>
__global__ void __launch_bounds__(512, 1) collective_kernel(device::window window, Call call) {
  call(whole_block{}, window);
}

#endif

/// How many ranks share the GPU that most ranks have, by the GPU of each. Blocks wait for those of
/// the same number on all ranks, so one that has a GPU to itself launches no more than they.
template <class Gpus>
[[nodiscard]] unsigned most_sharers(const Gpus& of_ranks) {
  unsigned most = 1;
  for (const auto& one : of_ranks) {
    unsigned here = 0;
    for (const auto& other : of_ranks) {
      here += other == one ? 1 : 0;
    }
    most = larger(most, here);
  }
  return most;
}

/// How the kernels of a window get to one GPU: the user's, and those that are calls of the host's.
struct kernel_launch {
  using shape_type = launch_shape;

  int device = 0;
  unsigned sharers = 1;   ///< ranks on the GPU that most have: all launch as many blocks
  unsigned together = 1;  ///< of these, ranks of one launch: gridDim.y

  /// Blocks of a rank that run at once whatever its call is: every multiprocessor has room for one.
  [[nodiscard]] unsigned certain_blocks() const {
    const int processors = attribute(cudaDevAttrMultiProcessorCount, device);
    return larger(1u, static_cast<unsigned>(processors) / sharers);
  }

  /// Blocks of a rank that run at once, if `sharers` ranks have as many.
  template <class Call>
  [[nodiscard]] unsigned most_blocks() const {
    const device_guard here{device};
    return larger(1u, resident_blocks(address_of<Call>(), threads, 0) / sharers);
  }

  /// Enqueues `call` on all threads of `blocks` blocks.
  template <class Call>
  void operator()([[maybe_unused]] const device::window& window, [[maybe_unused]] unsigned blocks,
                  [[maybe_unused]] CUstream_st* stream, [[maybe_unused]] const Call& call) const {
#if defined(__CUDACC__)
    const device_guard here{device};
    const launch_shape shape{.blocks = blocks, .threads = threads, .stream = stream};
    launch_at_once<device::window, Call>(&collective_kernel<Call>, dim3{blocks, together, 1}, shape,
                                         how(), window, call);
#else
    need_nvcc<Call>();
#endif
  }

  /// Enqueues a kernel of the user's; what `wanted` leaves open is filled in.
  /// Errors: error_code::invalid_argument for more blocks than `slot_count`, or than run at once.
  template <class... P>
  void run(const launch_shape& wanted, unsigned slot_count, const device::window& window,
           void (*kernel)(device::window, P...), P... arguments) const {
    const device_guard here{device};
    const auto shape = settled(wanted, reinterpret_cast<const void*>(kernel), sharers, slot_count);
    launch_at_once<device::window, P...>(kernel, dim3{shape.blocks, together, 1}, shape, how(),
                                         window, arguments...);
  }

 private:
  static constexpr unsigned threads = 512;

  [[nodiscard]] residence how() const {
    return sharers == together ? residence::guaranteed : residence::shared;
  }
  template <class Call>
  [[nodiscard]] static const void* address_of() {
#if defined(__CUDACC__)
    return reinterpret_cast<const void*>(&collective_kernel<Call>);
#else
    need_nvcc<Call>();
    return nullptr;
#endif
  }
  template <class Any>
  static consteval void need_nvcc() {
    static_assert(sizeof(Any) == 0,
                  "rondo: collectives over a window are kernels: compile this file with nvcc");
  }
};

}  // namespace rondo::inline v0_1::cuda::detail
