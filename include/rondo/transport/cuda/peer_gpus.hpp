// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/kernel_launch.hpp>
#include <rondo/transport/cuda/launch.hpp>
#include <rondo/transport/cuda/memory.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/cuda/window_rank.hpp>
#include <rondo/transport/shared.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace rondo::inline v0_1::cuda {

/// GPUs of this process that load and store each other's memory: rank r is `devices[r]`. The same
/// kernels as on virtual ranks; each rank is a launch of its own.
///
///     rondo::cuda::peer_gpus gpus{std::vector{0, 1, 2, 3}, 64 << 20};
///     for (int rank = 0; rank < gpus.size(); ++rank) {
///       gpus.launch(rank, {.stream = streams[rank]}, kernel, arguments...);
///     }
class peer_gpus {
 public:
  /// Errors: two of the GPUs cannot reach each other.
  peer_gpus(std::span<const int> devices, std::size_t window_bytes,
            const window_options& options = {})
      : devices_(devices.begin(), devices.end()),
        options_{with_slots(options)},
        shape_{shape_for(static_cast<int>(devices.size()), window_bytes, options_)},
        reports_{static_cast<int>(devices.size())} {
    connect();
    for (const int device : devices_) {
      const device_guard here{device};
      memory_.emplace_back(shape_.bytes());
    }
    for (int rank = 0; rank < size(); ++rank) {
      ranks_.emplace_back(
          new window_rank<kernel_launch>(window_parts(rank, 0), options_,
                                         kernel_launch{devices_[static_cast<std::size_t>(rank)]}));
    }
  }

  [[nodiscard]] int size() const noexcept { return shape_.ranks; }
  [[nodiscard]] unsigned slots() const noexcept { return options_.slots; }

  [[nodiscard]] device::window window(int rank, unsigned channel = 0) const {
    return device::window{window_parts(rank, channel)};
  }

  /// One rank, for collectives that the host calls: `rondo::all_reduce(gpus.rank(r), values,
  /// rondo::on{stream})`, for every rank.
  [[nodiscard]] window_rank<kernel_launch>& rank(int which) const {
    return *ranks_[static_cast<std::size_t>(which)];
  }

  /// Enqueues `kernel(window, arguments...)` on the GPU of one rank. All ranks launch as many
  /// blocks: state them where GPUs differ.
  template <class... P>
  void launch(int rank, const launch_shape& wanted, void (*kernel)(device::window, P...),
              std::type_identity_t<P>... arguments) {
    check();
    const device_guard here{devices_[static_cast<std::size_t>(rank)]};
    const auto shape = detail::settled(wanted, reinterpret_cast<const void*>(kernel), 1, slots());
    detail::launch_at_once<device::window, P...>(kernel, dim3{shape.blocks, 1, 1}, shape,
                                                 detail::residence::guaranteed,
                                                 window(rank, shape.channel), arguments...);
  }

  void check() const { reports_.check(nanoseconds_of(options_)); }
  [[nodiscard]] std::byte* heap(int rank) const {
    return memory_[static_cast<std::size_t>(rank)].data() + shape_.heap();
  }

 private:
  [[nodiscard]] device::window::parts window_parts(int rank, unsigned channel) const {
    device::window::parts parts;
    for (int peer = 0; peer < size(); ++peer) {
      parts.memory[peer] = memory_[static_cast<std::size_t>(peer)].data();
    }
    parts.shape = shape_;
    parts.reports = reports_.data();
    parts.patience_ns = nanoseconds_of(options_);
    parts.rank = rank;
    parts.first_slot = channel * options_.slots;
    return parts;
  }
  [[nodiscard]] window_options with_slots(window_options options) const {
    for (std::size_t i = 0; options.slots == 0 && i < devices_.size(); ++i) {
      options.slots =
          static_cast<unsigned>(2 * attribute(cudaDevAttrMultiProcessorCount, devices_[i]));
    }
    return options;
  }
  void connect() const {
    for (const int from : devices_) {
      const device_guard here{from};
      for (const int to : devices_) {
        reach_device(to);
      }
    }
  }

  std::vector<int> devices_;
  window_options options_;
  device::window_shape shape_;
  host_reports reports_;
  std::vector<zeroed_memory> memory_;
  std::vector<rondo::detail::shared<window_rank<kernel_launch>>> ranks_;
};

}  // namespace rondo::inline v0_1::cuda
