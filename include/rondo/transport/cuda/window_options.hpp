// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/sharing.hpp>
#include <rondo/transport/cuda/window_costs.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace rondo::inline v0_1::cuda {

/// How a window's memory is shared out. Equal on all ranks.
struct window_options {
  unsigned slot_count = 0;          ///< blocks of a rank in one launch; 0: see with_slots
  unsigned channels = 1;            ///< launches at a time: one per stream that runs collectives
  std::size_t packet_bytes = 2048;  ///< of elements per block, rank and call that go by packets
  std::size_t mail_bytes = 4096;    ///< of elements per block and peer in one parcel of a message
  std::size_t heap_bytes = 0;       ///< for the caller's own buffers, at equal offsets on all ranks
  std::chrono::nanoseconds patience{device::default_patience_ns};  ///< of a wait in a kernel
  sharing share = sharing::ipc;  ///< how processes map each other's windows
  window_costs costs{};          ///< what calls of the host's pick an algorithm by
};

/// The layout for `window_bytes` of staging per rank, all blocks and channels together.
[[nodiscard]] inline device::window_shape shape_for(int ranks, std::size_t window_bytes,
                                                    const window_options& options) {
  if (ranks < 1 || ranks > device::most_ranks) {
    refuse("cuda: " + std::to_string(ranks) + " ranks; a window takes 1 .. " +
           std::to_string(device::most_ranks));
  }
  if (options.slot_count == 0 || options.channels == 0) {
    refuse("cuda: a window needs at least one slot and one channel");
  }
  device::window_shape shape;
  shape.ranks = ranks;
  shape.slot_count = options.slot_count * options.channels;
  shape.inbox_words = options.packet_bytes / 4;
  shape.mail_bytes = options.mail_bytes;
  shape.stage_bytes =
      window_bytes / shape.slot_count / 2 / device::window_shape::line * device::window_shape::line;
  shape.heap_bytes = options.heap_bytes;
  const std::size_t least = 2 * static_cast<std::size_t>(ranks) * 256;
  if (shape.stage_bytes < least) {
    refuse("cuda: " + std::to_string(window_bytes) + " window_bytes leave " +
           std::to_string(shape.stage_bytes) + " bytes to each of 2 banks of " +
           std::to_string(shape.slot_count) + " slots, expected at least " + std::to_string(least) +
           " for " + std::to_string(ranks) + " ranks; pass at least " +
           std::to_string(least * 2 * shape.slot_count) + " or fewer slots");
  }
  return shape;
}

/// The options with `slot_count`, if they are left open, for a GPU that `sharers` ranks share: two
/// blocks for each of its multiprocessors.
[[nodiscard]] inline window_options with_slots(window_options options, int multiprocessors,
                                               int sharers = 1) {
  if (options.slot_count == 0) {
    options.slot_count = static_cast<unsigned>(larger(1, 2 * multiprocessors / larger(1, sharers)));
  }
  return options;
}

/// What kernels know of a window before there is one: all but its memory, its reports, and their
/// rank. Errors: as shape_for.
[[nodiscard]] inline device::window::parts parts_for(int ranks, std::size_t window_bytes,
                                                     const window_options& options) {
  device::window::parts parts;
  parts.shape = shape_for(ranks, window_bytes, options);
  parts.patience_ns = static_cast<std::uint64_t>(options.patience.count());
  return parts;
}

/// The argument of kernels on one channel.
/// Errors: error_code::invalid_argument for a channel that the window was not made with.
[[nodiscard]] inline device::window on_channel(device::window::parts parts,
                                               const window_options& options, unsigned channel) {
  if (channel >= options.channels) {
    refuse("cuda: channel " + std::to_string(channel) + " of " + std::to_string(options.channels) +
               "; make the window with window_options{.channels = " + std::to_string(channel + 1) +
               "}",
           parts.rank);
  }
  parts.first_slot = channel * options.slot_count;
  return device::window{parts};
}

}  // namespace rondo::inline v0_1::cuda
