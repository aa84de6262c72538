// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/kernel_launch.hpp>
#include <rondo/transport/cuda/launch.hpp>
#include <rondo/transport/cuda/memory.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/cuda/window_rank.hpp>
#include <rondo/transport/shared.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace rondo::inline v0_1::cuda {

/// Ranks that share one GPU: code for many GPUs runs, is tested and is profiled on one. Every rank
/// has a window of its own in one allocation; a rank is `blockIdx.y` of one cooperative launch, so
/// all ranks run at once.
///
///     rondo::cuda::virtual_ranks ranks{4, 64 << 20};
///     ranks.launch(kernel, arguments...);        // kernel(rondo::device::window, arguments...)
///     ranks.launch({.blocks = 8, .stream = stream}, kernel, arguments...);
///
/// Made and destroyed while no kernel uses it. Launches on streams that may run at the same time
/// take different channels.
class virtual_ranks {
 public:
  /// `window_bytes` of staging per rank. Errors: no memory; too few bytes for the slots.
  virtual_ranks(int ranks, std::size_t window_bytes, const window_options& options = {})
      : options_{with_slots(ranks, options)},
        shape_{shape_for(ranks, window_bytes, options_)},
        memory_{shape_.bytes() * static_cast<std::size_t>(ranks)},
        reports_{ranks} {
    for (int rank = 0; rank < ranks; ++rank) {
      ranks_.emplace_back(new window_rank<kernel_launch>(
          window_parts(0, rank), options_,
          kernel_launch{memory_.device(), static_cast<unsigned>(ranks)}));
    }
  }

  [[nodiscard]] int size() const noexcept { return shape_.ranks; }
  /// Blocks that a rank may have in one launch.
  [[nodiscard]] unsigned slots() const noexcept { return options_.slots; }

  /// The kernel's argument: for blocks whose rank is blockIdx.y, or for a launch of rank `rank`
  /// alone. Ranks launched one by one must all run at once, which is then the caller's care.
  [[nodiscard]] device::window window(unsigned channel = 0, int rank = -1) const {
    if (channel >= options_.channels) {
      refuse("cuda: channel " + std::to_string(channel) + " of " +
             std::to_string(options_.channels) + "; make the window with more channels");
    }
    return device::window{window_parts(channel, rank)};
  }

  /// One rank, for collectives that the host calls: `rondo::all_reduce(ranks.rank(r), values,
  /// rondo::on{stream})`. Each rank has a stream of its own, and its kernel waits for those of the
  /// others: the ranks' blocks fit the GPU together if nothing else runs there.
  [[nodiscard]] window_rank<kernel_launch>& rank(int which) const {
    return *ranks_[static_cast<std::size_t>(which)];
  }

  /// Enqueues `kernel(window, arguments...)` for all ranks; `gridDim` is {blocks, ranks}. Errors: a
  /// call that failed before, as it was reported; the blocks do not run all at once.
  template <class... P>
  void launch(const launch_shape& wanted, void (*kernel)(device::window, P...),
              std::type_identity_t<P>... arguments) {
    check();
    const device_guard here{memory_.device()};
    const auto shape = detail::settled(wanted, reinterpret_cast<const void*>(kernel),
                                       static_cast<unsigned>(size()), slots());
    detail::launch_at_once<device::window, P...>(
        kernel, dim3{shape.blocks, static_cast<unsigned>(size()), 1}, shape,
        detail::residence::guaranteed, window(shape.channel), arguments...);
  }
  template <class... P>
  void launch(void (*kernel)(device::window, P...), std::type_identity_t<P>... arguments) {
    launch(launch_shape{}, kernel, arguments...);
  }

  /// Errors: what kernels that have ended reported; a late rank as `timeout`, a rank in another
  /// call as `mismatch`. A window that has failed does not recover: make another.
  void check() const { reports_.check(nanoseconds_of(options_)); }

  /// The heap of a rank.
  [[nodiscard]] std::byte* heap(int rank) const { return memory_of(rank) + shape_.heap(); }

  /// Every slot goes on from step `epoch`: for tests of what happens after 2^32 calls.
  void set_epoch(std::uint64_t epoch) {
    for (int rank = 0; rank < size(); ++rank) {
      for (unsigned slot = 0; slot < shape_.slots; ++slot) {
        require(cudaMemcpy(memory_of(rank) + device::window_shape::line +
                               slot * shape_.slot_bytes() + offsetof(device::slot_state, epoch),
                           &epoch, sizeof epoch, cudaMemcpyHostToDevice),
                "cudaMemcpy of an epoch");
      }
    }
  }

 private:
  [[nodiscard]] static window_options with_slots(int ranks, window_options options) {
    if (options.slots == 0) {
      const int processors = attribute(cudaDevAttrMultiProcessorCount, current_device());
      options.slots = static_cast<unsigned>(larger(1, 2 * processors / larger(1, ranks)));
    }
    return options;
  }
  [[nodiscard]] device::window::parts window_parts(unsigned channel, int rank) const {
    device::window::parts parts;
    for (int peer = 0; peer < size(); ++peer) {
      parts.memory[peer] = memory_of(peer);
    }
    parts.shape = shape_;
    parts.reports = reports_.data();
    parts.patience_ns = nanoseconds_of(options_);
    parts.rank = rank;
    parts.first_slot = channel * options_.slots;
    return parts;
  }
  [[nodiscard]] std::byte* memory_of(int rank) const {
    return memory_.data() + static_cast<std::size_t>(rank) * shape_.bytes();
  }

  window_options options_;
  device::window_shape shape_;
  zeroed_memory memory_;
  host_reports reports_;
  std::vector<rondo::detail::shared<window_rank<kernel_launch>>> ranks_;
};

}  // namespace rondo::inline v0_1::cuda
