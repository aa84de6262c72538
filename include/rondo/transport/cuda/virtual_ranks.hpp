// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/detail/kernel_launch.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/launch_shape.hpp>
#include <rondo/transport/cuda/local_ranks.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1::cuda {

namespace detail {
struct epochs;
}  // namespace detail

/// Ranks that share one GPU: code for many GPUs runs, is tested and is profiled on one. Every rank
/// has a window of its own in one allocation; a rank is `blockIdx.y` of one cooperative launch, so
/// all ranks run at once.
///
///     rondo::cuda::virtual_ranks ranks{4, 64 << 20};
///     ranks.launch(kernel, arguments...);        // kernel(rondo::device::window, arguments...)
///     ranks.launch({.blocks = 8, .stream = stream}, kernel, arguments...);
///
/// Launches on streams that may run at the same time take different channels.
///
/// `rank(r)` is one of them alone, for collectives that the host calls and launches of one rank.
/// Each then has a stream of its own, and its kernel waits for those of the others: they fit the
/// GPU together, if nothing else runs there.
class virtual_ranks : public local_ranks {
 public:
  /// `window_bytes` of staging per rank, on the current device.
  /// Errors: error_code::transport without memory; error_code::invalid_argument for too few bytes
  /// for the slots, or more than `device::most_ranks` ranks.
  /// Cost: `ranks` windows in one allocation, zeroed; waits for the device.
  virtual_ranks(int ranks, std::size_t window_bytes, const window_options& options = {})
      : local_ranks{ranks, window_bytes,
                    with_slots(
                        options,
                        detail::attribute(cudaDevAttrMultiProcessorCount, detail::current_device()),
                        ranks)},
        memory_{parts().shape.bytes() * static_cast<std::size_t>(ranks)} {
    const detail::kernel_launch one_by_one{.device = memory_.device(),
                                           .sharers = static_cast<unsigned>(ranks)};
    open([&](int rank) { return memory_of(rank); }, [&](int) { return one_by_one; });
  }

  /// The argument of a kernel whose rank is blockIdx.y. Errors: as window_rank::handle.
  [[nodiscard]] device::window handle(unsigned channel = 0) const {
    return on_channel(parts(), options(), channel);
  }

  /// Enqueues `kernel(window, arguments...)` for all ranks; `gridDim` is {blocks, ranks}.
  /// Errors: as window_rank::launch.
  template <class... P>
  void launch(const launch_shape& wanted, void (*kernel)(device::window, P...),
              std::type_identity_t<P>... arguments) const {
    check();
    const auto all = static_cast<unsigned>(size());
    const detail::kernel_launch at_once{
        .device = memory_.device(), .sharers = all, .together = all};
    at_once.run<P...>(wanted, slot_count(), handle(wanted.channel), kernel, arguments...);
  }
  template <class... P>
  void launch(void (*kernel)(device::window, P...), std::type_identity_t<P>... arguments) const {
    launch(launch_shape{}, kernel, arguments...);
  }

 private:
  friend struct detail::epochs;  // of tests

  [[nodiscard]] std::byte* memory_of(int rank) const {
    return memory_.data() + static_cast<std::size_t>(rank) * parts().shape.bytes();
  }

  detail::zeroed_memory memory_;
};

}  // namespace rondo::inline v0_1::cuda
