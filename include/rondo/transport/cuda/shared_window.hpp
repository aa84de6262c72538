// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/detail/gpu_identity.hpp>
#include <rondo/transport/cuda/detail/host_reports.hpp>
#include <rondo/transport/cuda/detail/kernel_launch.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/detail/window_memory.hpp>
#include <rondo/transport/cuda/sharing.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/cuda/window_rank.hpp>
#include <rondo/transport/detail/descriptors.hpp>
#include <rondo/version.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::cuda {

namespace detail {

/// The memory of a shared_window: this rank's, and the peers' as they are mapped here.
template <class Exchange>
class shared_memory {
 protected:
  shared_memory(int rank, int ranks, std::size_t window_bytes, Exchange exchange,
                const window_options& options)
      : exchange_{std::move(exchange)},
        options_{options},
        parts_{parts_for(ranks, window_bytes, options)},
        reports_{ranks},
        held_{new held{{parts_.shape.bytes(), options.share}}} {
    parts_.reports = reports_.data();
    parts_.rank = rank;
    open_peers();
  }
  shared_memory(const shared_memory&) = delete;
  shared_memory& operator=(const shared_memory&) = delete;
  ~shared_memory() {
#if defined(__cpp_exceptions)
    try {
      with_peers([&] { let_go(); });
    } catch (...) {
    }
#else
    let_go();
#endif
  }

  [[nodiscard]] const window_options& options() const noexcept { return options_; }
  [[nodiscard]] const device::window::parts& parts() const noexcept { return parts_; }
  [[nodiscard]] detail::kernel_launch launcher() const noexcept {
    return {.device = held_->mine.device(), .sharers = sharers_};
  }

 private:
  /// What a rank tells the others.
  struct announcement {
    detail::window_handle handle;
    std::byte* address;
    std::uint64_t bytes;
    std::uint32_t slot_count;
    std::uint32_t share;
    std::int32_t device;
    std::int32_t process;
    std::uint64_t process_space;  ///< in which the number of the process is one of its kind
    detail::gpu_identity gpu;
  };

  struct held {
    detail::window_memory mine;
    std::vector<detail::mapped_window> opened{};
  };

  /// If what is done with the peers fails on this rank, it keeps what they may still use.
  template <class Act>
  void with_peers(const Act& act) {
#if defined(__cpp_exceptions)
    try {
      act();
    } catch (...) {
      static_cast<void>(held_.release());
      throw;
    }
#else
    act();
#endif
  }

  void open_peers() {
    const detail::window_memory& mine = held_->mine;
    announcement told{};
    told.handle = mine.handle();
    told.address = mine.data();
    told.bytes = mine.bytes();
    told.slot_count = parts_.shape.slot_count;
    told.share = static_cast<std::uint32_t>(options_.share);
    told.device = mine.device();
    told.gpu = detail::identity_of(mine.device());
    told.process = getpid();
    struct stat space {};
    told.process_space = ::stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0;
    std::vector<announcement> heard(static_cast<std::size_t>(parts_.shape.ranks));
    with_peers([&] {
      exchange_(std::as_bytes(std::span{&told, 1}), std::as_writable_bytes(std::span{heard}));
    });
    std::vector<detail::gpu_identity> gpus;
    for (int peer = 0; peer < parts_.shape.ranks; ++peer) {  // else all refuse, before any maps
      const auto& theirs = heard[static_cast<std::size_t>(peer)];
      require_equal(told, theirs, peer);
      gpus.push_back(theirs.gpu);
    }
    sharers_ = detail::most_sharers(gpus);
    with_peers([&] {
      map(told, heard);
      meet();
    });
  }

  void map(const announcement& told, const std::vector<announcement>& heard) {
    auto& [mine, opened] = *held_;
    std::vector<rondo::detail::descriptor> files(heard.size());
    if (options_.share == sharing::descriptor) {
      const rondo::detail::descriptor own = mine.take_descriptor();
      files = rondo::detail::exchange_descriptors(parts_.rank, parts_.shape.ranks, own.get(),
                                                  exchange_);
    }
    for (int peer = 0; peer < parts_.shape.ranks; ++peer) {
      const auto& theirs = heard[static_cast<std::size_t>(peer)];
      if (theirs.process == told.process && theirs.process_space == told.process_space) {
        detail::reach_window(theirs.address, theirs.bytes, theirs.device, options_.share);
        parts_.memory[peer] = theirs.address;
      } else {
        opened.emplace_back(theirs.handle, files[static_cast<std::size_t>(peer)], options_.share,
                            theirs.bytes);
        parts_.memory[peer] = opened.back().data();
        parts_.reaches_everything = false;
      }
    }
  }

  void require_equal(const announcement& mine, const announcement& theirs, int peer) const {
    if (theirs.bytes != mine.bytes || theirs.slot_count != mine.slot_count ||
        theirs.share != mine.share) {
      refuse("cuda: the window of rank " + std::to_string(peer) + " has " +
                 std::to_string(theirs.bytes) + " bytes and " + std::to_string(theirs.slot_count) +
                 " slots, expected " + std::to_string(mine.bytes) + " and " +
                 std::to_string(mine.slot_count) + " as on rank " + std::to_string(parts_.rank) +
                 ", shared in the same way; pass the same window_bytes and options on all ranks, "
                 "slots too if GPUs differ",
             peer);
    }
  }

  /// Nobody unmaps while a kernel of a peer may read, and nobody frees what is mapped elsewhere.
  void let_go() {
    const detail::device_guard here{held_->mine.device()};
    static_cast<void>(cudaDeviceSynchronize());
    meet();
    held_->opened.clear();
    meet();
  }

  void meet() {
    const std::byte nothing{0};
    std::vector<std::byte> all(static_cast<std::size_t>(parts_.shape.ranks));
    exchange_(std::span{&nothing, 1}, std::span{all});
  }

  Exchange exchange_;
  window_options options_;
  device::window::parts parts_;
  detail::host_reports reports_;
  std::unique_ptr<held> held_;
  unsigned sharers_ = 1;  ///< ranks on the GPU that most have
};

}  // namespace detail

/// A window over ranks that are processes of one node, threads, or both; one GPU each, or the same
/// one for tests, of which each rank then takes its part of the blocks. `window_options::share`
/// says how processes map each other's memory. How ranks tell each other of their memory is up to
/// `exchange(mine, all)`: it gathers the bytes of all ranks, in rank order, and returns on no rank
/// before all have called.
///
///     rondo::cuda::shared_window window{comm.rank(), comm.size(), 64 << 20,
///         [&](std::span<const std::byte> mine, std::span<std::byte> all) {
///           rondo::all_gather(comm, mine, all);
///         }};
///     window.launch({.stream = stream}, kernel, arguments...);
///     rondo::all_reduce(window, values, rondo::on{stream});
///
/// What it can do is said at window_rank. Making and destroying are collective: a rank's memory is
/// freed when all have let go of it. If peers do not come any more, which an `exchange` that throws
/// says, or if making it fails on one rank when it has told the others of its memory, the memory
/// stays until the process ends. Peers in other processes reach the window alone,
/// so buffers for two_shot from buffer to buffer come from its heap.
template <class Exchange>
class shared_window : detail::shared_memory<Exchange>, public window_rank<detail::kernel_launch> {
  using memory = detail::shared_memory<Exchange>;

 public:
  /// `window_bytes` of staging per rank, on the current device.
  /// Errors: error_code::invalid_argument for ranks with other options, and as shape_for;
  /// error_code::transport for memory that cannot be had, or not be shared so.
  /// Cost: two exchanges, and three more with sharing::descriptor; waits for the device.
  shared_window(int rank, int ranks, std::size_t window_bytes, Exchange exchange,
                const window_options& options = {})
      : memory{rank, ranks, window_bytes, std::move(exchange),
               with_slots(options, detail::attribute(cudaDevAttrMultiProcessorCount,
                                                     detail::current_device()))},
        window_rank<detail::kernel_launch>{memory::parts(), memory::options(), memory::launcher()} {
  }
};

}  // namespace rondo::inline v0_1::cuda
