// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/transport/cuda/detail/kernel_launch.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/local_ranks.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace rondo::inline v0_1::cuda {

/// GPUs of this process that load and store each other's memory: rank r is `devices[r]`. The same
/// kernels as on virtual ranks; each rank is a launch of its own.
///
///     rondo::cuda::peer_gpus gpus{std::vector{0, 1, 2, 3}, 64 << 20};
///     for (int rank = 0; rank < gpus.size(); ++rank) {
///       gpus.rank(rank).launch({.stream = streams[rank]}, kernel, arguments...);
///     }
class peer_gpus : public local_ranks {
 public:
  /// `window_bytes` of staging per rank. Slots are for the smallest of the GPUs.
  /// Errors: error_code::invalid_argument where one of the GPUs cannot reach another one's memory,
  /// and as virtual_ranks.
  /// Cost: a window on each GPU, zeroed; waits for the devices.
  peer_gpus(std::span<const int> devices, std::size_t window_bytes,
            const window_options& options = {})
      : local_ranks{static_cast<int>(devices.size()), window_bytes,
                    with_slots(options, fewest_multiprocessors(devices))} {
    for (const int device : devices) {
      const detail::device_guard here{device};
      for (const int other : devices) {
        detail::reach_device(other);
      }
      memory_.emplace_back(parts().shape.bytes());
    }
    open([&](int rank) { return memory_[static_cast<std::size_t>(rank)].data(); },
         [&](int rank) {
           const int device = memory_[static_cast<std::size_t>(rank)].device();
           return detail::kernel_launch{.device = device, .sharers = detail::most_sharers(devices)};
         });
  }

 private:
  [[nodiscard]] static int fewest_multiprocessors(std::span<const int> devices) {
    int fewest = 0;
    for (const int device : devices) {
      const int here = detail::attribute(cudaDevAttrMultiProcessorCount, device);
      fewest = fewest == 0 ? here : smaller(fewest, here);
    }
    return fewest;
  }

  std::vector<detail::zeroed_memory> memory_{};
};

}  // namespace rondo::inline v0_1::cuda
