// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/launch_shape.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

/// Launches of kernels whose blocks wait for each other.
namespace rondo::inline v0_1::cuda::detail {

/// Blocks of `threads` that are resident on the current device at once. Lets the kernel have the
/// shared memory: without asking it has 48 KiB, less what it declares itself. Errors: more of it
/// than the device has.
[[nodiscard]] inline unsigned resident_blocks(const void* kernel, unsigned threads,
                                              std::size_t shared_bytes) {
  cudaFuncAttributes attributes{};
  if (shared_bytes != 0) {
    require(cudaFuncGetAttributes(&attributes, kernel), "cudaFuncGetAttributes");
  }
  if (shared_bytes > static_cast<std::size_t>(attributes.maxDynamicSharedSizeBytes)) {
    require(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(shared_bytes)),
            "cudaFuncSetAttribute of a kernel's shared memory");
  }
  int per_processor = 0;
  require(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_processor, kernel,
                                                        static_cast<int>(threads), shared_bytes),
          "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  return static_cast<unsigned>(per_processor *
                               attribute(cudaDevAttrMultiProcessorCount, current_device()));
}

/// Fills in what was left to the library, for `ranks` ranks on the current device. Blocks wait for
/// each other, so all must be resident at once. Errors: they are not.
[[nodiscard]] inline launch_shape settled(launch_shape shape, const void* kernel, unsigned ranks,
                                          unsigned slot_count) {
  if (shape.threads == 0) {
    cudaFuncAttributes attributes{};
    require(cudaFuncGetAttributes(&attributes, kernel), "cudaFuncGetAttributes");
    const auto most = static_cast<unsigned>(attributes.maxThreadsPerBlock);
    shape.threads = smaller(512u, most / 32 * 32);
  }
  const unsigned fit = resident_blocks(kernel, shape.threads, shape.shared_bytes);
  if (shape.blocks == 0) {
    shape.blocks = larger(1u, smaller(slot_count, fit / ranks));
  }
  if (shape.blocks > slot_count) {
    refuse("cuda: launch of " + std::to_string(shape.blocks) +
           " blocks per rank, but the window has slots for " + std::to_string(slot_count) +
           "; make it with window_options{.slot_count = " + std::to_string(shape.blocks) + "}");
  }
  if (shape.blocks * ranks > fit) {
    refuse("cuda: launch of " + std::to_string(ranks) + " ranks x " + std::to_string(shape.blocks) +
           " blocks of " + std::to_string(shape.threads) + " threads = " +
           std::to_string(shape.blocks * ranks) + " blocks, but " + std::to_string(fit) +
           " run at once on this GPU; launch fewer blocks or threads, or give "
           "the kernel __launch_bounds__");
  }
  return shape;
}

/// How the blocks of a launch come to run at the same time.
enum class residence {
  guaranteed,  ///< a cooperative launch: all blocks run at once, or it fails
  shared       ///< other launches that they wait for share the GPU; the caller has counted blocks
};

/// Enqueues a kernel on the current device. May be captured in a graph.
template <class... P>
void launch_at_once(void (*kernel)(P...), dim3 grid, const launch_shape& shape, residence how,
                    P... arguments) {
  cudaLaunchAttribute together{};
  together.id = cudaLaunchAttributeCooperative;
  together.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3{shape.threads, 1, 1};
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = shape.stream;
  config.attrs = &together;
  config.numAttrs = how == residence::guaranteed ? 1 : 0;
  void* pointers[] = {static_cast<void*>(&arguments)...};
  require(cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), pointers),
          "launch of a kernel with collectives");
}

}  // namespace rondo::inline v0_1::cuda::detail
