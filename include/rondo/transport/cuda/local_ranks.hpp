// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/detail/host_reports.hpp>
#include <rondo/transport/cuda/detail/kernel_launch.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/cuda/window_rank.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace rondo::inline v0_1::cuda {

/// A window all of whose ranks are in this process: virtual_ranks and peer_gpus, which say where
/// its memory is. Made and destroyed while no kernel uses it.
class local_ranks {
 public:
  [[nodiscard]] int size() const noexcept { return parts_.shape.ranks; }
  /// Blocks that a rank may have in one launch.
  [[nodiscard]] unsigned slot_count() const noexcept { return options_.slot_count; }

  /// One rank: its kernels, its heap, and collectives that the host calls for it; see window_rank.
  /// Errors: error_code::invalid_argument for a rank that is not 0 .. size() - 1.
  [[nodiscard]] window_rank<detail::kernel_launch>& rank(int which) const {
    if (which < 0 || which >= size()) {
      refuse("cuda: rank " + std::to_string(which) + " of " + std::to_string(size()) + " ranks");
    }
    return *ranks_[static_cast<std::size_t>(which)];
  }

  /// Errors: as window_rank::check, of any rank.
  void check() const { reports_.check(parts_.patience_ns); }

 protected:
  /// The layout, before there is memory. Errors: as shape_for.
  local_ranks(int ranks, std::size_t window_bytes, const window_options& options)
      : options_{options}, parts_{parts_for(ranks, window_bytes, options)}, reports_{ranks} {
    parts_.reports = reports_.data();
  }
  ~local_ranks() = default;

  [[nodiscard]] const window_options& options() const noexcept { return options_; }
  /// Of channel 0 and no rank in particular.
  [[nodiscard]] const device::window::parts& parts() const noexcept { return parts_; }

  /// The ranks, with the memory of each as kernels reach it, and how each gets to its GPU.
  template <class MemoryOf, class LaunchOf>
  void open(const MemoryOf& memory_of, const LaunchOf& launch_of) {
    for (int rank = 0; rank < size(); ++rank) {
      parts_.memory[rank] = memory_of(rank);
    }
    for (int rank = 0; rank < size(); ++rank) {
      auto own = parts_;
      own.rank = rank;
      ranks_.push_back(
          std::make_unique<window_rank<detail::kernel_launch>>(own, options_, launch_of(rank)));
    }
  }

 private:
  window_options options_;
  device::window::parts parts_;
  detail::host_reports reports_;
  std::vector<std::unique_ptr<window_rank<detail::kernel_launch>>> ranks_{};
};

}  // namespace rondo::inline v0_1::cuda
