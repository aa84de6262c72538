// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/window.hpp>
#include <rondo/transport/cuda/launch.hpp>
#include <rondo/transport/cuda/memory.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/version.hpp>

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::cuda {

/// A window over ranks that are processes of one node (CUDA IPC), threads, or both; one GPU each,
/// or the same one for tests. How ranks tell each other of their memory is up to `exchange(mine,
/// all)`: it gathers the bytes of all ranks, in rank order, and returns on no rank before all have
/// called.
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
        mine_{shape_.bytes()},
        opened_(static_cast<std::size_t>(ranks), nullptr) {
    open_peers();
  }
  shared_window(const shared_window&) = delete;
  shared_window& operator=(const shared_window&) = delete;
  ~shared_window() {
    // Nobody unmaps while a kernel of a peer may read, and nobody frees what is mapped elsewhere.
    const device_guard here{mine_.device()};
    static_cast<void>(cudaDeviceSynchronize());
    meet();
    for (void* one : opened_) {
      if (one != nullptr) {
        static_cast<void>(cudaIpcCloseMemHandle(one));
      }
    }
    meet();
  }

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return shape_.ranks; }
  [[nodiscard]] unsigned slots() const noexcept { return options_.slots; }

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
                                                 window(shape.channel), arguments...);
  }

  void check() const { reports_.check(nanoseconds_of(options_)); }
  /// This rank's heap, as the host passes it to kernels.
  [[nodiscard]] std::byte* heap() const { return mine_.data() + shape_.heap(); }

 private:
  /// What a rank tells the others.
  struct announcement {
    cudaIpcMemHandle_t handle;
    std::byte* address;
    std::uint64_t bytes;
    std::uint32_t slots;
    std::int32_t process;
  };

  void open_peers() {
    announcement told{};
    require(cudaIpcGetMemHandle(&told.handle, mine_.data()), "cudaIpcGetMemHandle");
    told.address = mine_.data();
    told.bytes = shape_.bytes();
    told.slots = shape_.slots;
    told.process = static_cast<std::int32_t>(getpid());
    std::vector<announcement> heard(static_cast<std::size_t>(size()));
    exchange_(std::as_bytes(std::span{&told, 1}), std::as_writable_bytes(std::span{heard}));

    parts_.shape = shape_;
    parts_.reports = reports_.data();
    parts_.patience_ns = nanoseconds_of(options_);
    parts_.rank = rank_;
    for (int peer = 0; peer < size(); ++peer) {
      const auto& theirs = heard[static_cast<std::size_t>(peer)];
      if (theirs.bytes != told.bytes || theirs.slots != told.slots) {
        refuse(
            "cuda: the window of rank " + std::to_string(peer) + " has " +
                std::to_string(theirs.bytes) + " bytes and " + std::to_string(theirs.slots) +
                " slots, expected " + std::to_string(told.bytes) + " and " +
                std::to_string(told.slots) + " as on rank " + std::to_string(rank_) +
                "; pass the same window_bytes and options on all ranks, slots too if GPUs differ",
            peer);
      }
      parts_.memory[peer] = theirs.address;
      if (theirs.process != told.process) {
        void* mapped = nullptr;
        require(cudaIpcOpenMemHandle(&mapped, theirs.handle, cudaIpcMemLazyEnablePeerAccess),
                "cudaIpcOpenMemHandle");
        opened_[static_cast<std::size_t>(peer)] = mapped;
        parts_.memory[peer] = static_cast<std::byte*>(mapped);
        parts_.reaches_everything = false;
      }
    }
    meet();
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
  zeroed_memory mine_;
  std::vector<void*> opened_;
  device::window::parts parts_;
};

}  // namespace rondo::inline v0_1::cuda
