// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/kernel_launch.hpp>
#include <rondo/transport/cuda/launch.hpp>
#include <rondo/transport/cuda/memory.hpp>
#include <rondo/transport/cuda/sharing.hpp>
#include <rondo/transport/cuda/window_memory.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/cuda/window_rank.hpp>
#include <rondo/transport/descriptors.hpp>
#include <rondo/transport/shared.hpp>
#include <rondo/version.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::cuda {

/// A window over ranks that are processes of one node, threads, or both; one GPU each, or the same
/// one for tests. `window_options::share` says how processes map each other's memory. How ranks
/// tell each other of their memory is up to `exchange(mine, all)`: it gathers the bytes of all
/// ranks, in rank order, and returns on no rank before all have called.
///
///     rondo::cuda::shared_window window{comm.rank(), comm.size(), 64 << 20,
///         [&](std::span<const std::byte> mine, std::span<std::byte> all) {
///           rondo::all_gather(comm, mine, all);
///         }};
///     window.launch({.stream = stream}, kernel, arguments...);
///
/// Making and destroying are collective: a rank's memory is freed when all have let go of it. Peers
/// in other processes reach the window alone, so buffers for two_shot from buffer to buffer come
/// from its heap.
template <class Exchange>
class shared_window {
 public:
  /// On the current device. Errors: ranks with other options; memory that cannot be shared.
  shared_window(int rank, int ranks, std::size_t window_bytes, Exchange exchange,
                const window_options& options = {})
      : exchange_{std::move(exchange)},
        rank_{rank},
        options_{with_slots(options)},
        shape_{shape_for(ranks, window_bytes, options_)},
        reports_{ranks},
        mine_{shape_.bytes(), options_.share} {
    open_peers();
    calls_ = rondo::detail::shared{
        new window_rank<kernel_launch>(parts_, options_, kernel_launch{mine_.device()})};
  }
  shared_window(const shared_window&) = delete;
  shared_window& operator=(const shared_window&) = delete;
  ~shared_window() {
    // Nobody unmaps while a kernel of a peer may read, and nobody frees what is mapped elsewhere.
    const device_guard here{mine_.device()};
    static_cast<void>(cudaDeviceSynchronize());
    meet();
    opened_.clear();
    meet();
  }

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return shape_.ranks; }
  [[nodiscard]] unsigned slots() const noexcept { return options_.slots; }

  /// This rank on one stream, for collectives that the host calls: `rondo::all_reduce(window,
  /// values, rondo::on{stream})`; see window_rank.
  static constexpr bool device_memory = true;
  [[nodiscard]] auto on(CUstream_st* stream) { return calls_->on(stream); }
  template <class T>
  [[nodiscard]] window_forecast forecast(std::size_t count) const {
    return calls_->template forecast<T>(count);
  }

  [[nodiscard]] device::window window(unsigned channel = 0) const {
    auto parts = parts_;
    parts.first_slot = channel * options_.slots;
    return device::window{parts};
  }

  /// Enqueues `kernel(window, arguments...)`; every rank does, with as many blocks.
  template <class... P>
  void launch(const launch_shape& wanted, void (*kernel)(device::window, P...),
              std::type_identity_t<P>... arguments) {
    check();
    const device_guard here{mine_.device()};
    const auto shape = detail::settled(wanted, reinterpret_cast<const void*>(kernel), 1, slots());
    detail::launch_at_once<device::window, P...>(kernel, dim3{shape.blocks, 1, 1}, shape,
                                                 detail::residence::guaranteed,
                                                 window(shape.channel), arguments...);
  }

  void check() const { reports_.check(nanoseconds_of(options_)); }
  /// This rank's heap, as the host passes it to kernels.
  [[nodiscard]] std::byte* heap() const { return mine_.data() + shape_.heap(); }

 private:
  /// What a rank tells the others.
  struct announcement {
    window_handle handle;
    std::byte* address;
    std::uint64_t bytes;
    std::uint32_t slots;
    std::uint32_t share;
    std::int32_t device;
    std::int32_t process;
    std::uint64_t process_space;  ///< in which the number of the process is one of its kind
  };

  void open_peers() {
    announcement told{};
    told.handle = mine_.handle();
    told.address = mine_.data();
    told.bytes = mine_.bytes();
    told.slots = shape_.slots;
    told.share = static_cast<std::uint32_t>(options_.share);
    told.device = mine_.device();
    told.process = static_cast<std::int32_t>(getpid());
    struct stat space {};
    told.process_space = ::stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0;
    std::vector<announcement> heard(static_cast<std::size_t>(size()));
    exchange_(std::as_bytes(std::span{&told, 1}), std::as_writable_bytes(std::span{heard}));

    parts_.shape = shape_;
    parts_.reports = reports_.data();
    parts_.patience_ns = nanoseconds_of(options_);
    parts_.rank = rank_;
    for (int peer = 0; peer < size(); ++peer) {
      require_equal(told, heard[static_cast<std::size_t>(peer)], peer);
    }
    std::vector<descriptor> files(heard.size());
    if (options_.share == sharing::descriptor) {
      const descriptor own = mine_.take_descriptor();
      files = exchange_descriptors(rank_, size(), own.get(), exchange_);
    }
    for (int peer = 0; peer < size(); ++peer) {
      const auto& theirs = heard[static_cast<std::size_t>(peer)];
      if (theirs.process == told.process && theirs.process_space == told.process_space) {
        reach_window(theirs.address, theirs.bytes, theirs.device, options_.share);
        parts_.memory[peer] = theirs.address;
      } else {
        opened_.emplace_back(theirs.handle, files[static_cast<std::size_t>(peer)], options_.share,
                             theirs.bytes);
        parts_.memory[peer] = opened_.back().data();
        parts_.reaches_everything = false;
      }
    }
    meet();
  }

  void require_equal(const announcement& mine, const announcement& theirs, int peer) const {
    if (theirs.bytes != mine.bytes || theirs.slots != mine.slots || theirs.share != mine.share) {
      refuse("cuda: the window of rank " + std::to_string(peer) + " has " +
                 std::to_string(theirs.bytes) + " bytes and " + std::to_string(theirs.slots) +
                 " slots, expected " + std::to_string(mine.bytes) + " and " +
                 std::to_string(mine.slots) + " as on rank " + std::to_string(rank_) +
                 ", shared in the same way; pass the same window_bytes and options on all ranks, "
                 "slots too if GPUs differ",
             peer);
    }
  }

  void meet() {
    const std::byte nothing{0};
    std::vector<std::byte> all(static_cast<std::size_t>(size()));
    exchange_(std::span{&nothing, 1}, std::span{all});
  }

  [[nodiscard]] static window_options with_slots(window_options options) {
    if (options.slots == 0) {
      options.slots =
          static_cast<unsigned>(2 * attribute(cudaDevAttrMultiProcessorCount, current_device()));
    }
    return options;
  }

  Exchange exchange_;
  int rank_;
  window_options options_;
  device::window_shape shape_;
  host_reports reports_;
  window_memory mine_;
  std::vector<mapped_window> opened_{};
  device::window::parts parts_;
  rondo::detail::shared<window_rank<kernel_launch>> calls_{};
};

}  // namespace rondo::inline v0_1::cuda
