// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/device/report.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

/// Memory that every rank of a GPU collective can load and store, as a kernel's argument.
namespace rondo::inline v0_1::device {

/// Words of one pair of ranks for send and receive; each written by one of them.
struct alignas(128) post {
  std::uint64_t sent;               ///< written by the sender, in the receiver's window
  alignas(64) std::uint64_t taken;  ///< written by the receiver, in the sender's window
};

/// What one rank remembers about one slot from call to call: in device memory, so that a launch
/// that is replayed from a CUDA graph goes on where the last one ended.
struct alignas(64) slot_state {
  std::uint64_t epoch;  ///< steps made so far
  std::uint64_t calls;
  protocol::counters used;
  std::uint32_t flags_of;  ///< the span of epochs whose flags may stand in the inboxes
};

/// How the memory of one rank is laid out, the same for all ranks, in bytes from its begin:
///
///     [failed][slot 0][slot 1]...[heap]
///     slot: [state][a pad of each rank][a post of each rank][messages sent, received]
///           [2 banks of an inbox of each rank, for words][the same for lines]
///           [2 banks of a mailbox of each rank][2 banks of stage]
///
/// A slot is what one block uses: blocks do not wait for blocks of their own rank.
struct window_shape {
  int ranks = 1;
  unsigned slot_count = 1;
  std::size_t inbox_words = 512;  ///< per slot, bank and writer; each carries 4 bytes, 16 a line
  std::size_t mail_bytes = 4096;  ///< per slot, bank and writer
  std::size_t stage_bytes = 0;    ///< per slot and bank
  std::size_t heap_bytes = 0;     ///< for the caller's buffers

  static constexpr std::size_t line = 128;

  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t each() const {
    return static_cast<std::size_t>(ranks);
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t pads() const { return line; }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t posts() const {
    return pads() + each() * sizeof(protocol::pad);
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t mail_counts() const {
    return posts() + each() * sizeof(post);
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t inboxes() const {
    return mail_counts() + up(each() * 2 * sizeof(std::uint64_t));
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t line_boxes() const {
    return inboxes() + 2 * each() * up(inbox_words * sizeof(std::uint64_t));
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t mailboxes() const {
    return line_boxes() + 2 * each() * up(inbox_words * sizeof(std::uint64_t));
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t stages() const {
    return mailboxes() + 2 * each() * up(mail_bytes);
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t slot_bytes() const {
    return stages() + 2 * up(stage_bytes);
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t heap() const {
    return line + slot_count * slot_bytes();
  }
  /// Of one rank.
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t bytes() const {
    return heap() + up(heap_bytes);
  }
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t up(std::size_t bytes) {
    return (bytes + line - 1) / line * line;
  }
};

/// A window as kernels see it, wherever its memory comes from.
///  - `rank()`, `size()`, `at(r)`  where the memory of rank r is, as this rank sees it
///  - `shape()`                    its layout, zeroed before any rank could reach it
///  - `slot()`, `slot_count()`, `first_slot()`  which of how many groups of a rank this one is, and
///    the channel's first slot: launches that may run at the same time use different channels
///  - `reaches_everything()`       peers load and store any pointer of this rank, not only
///    its window
///  - `patience_ns()`, `reports()` how long to wait, and what to fill if that was in vain
template <class W>
concept peer_window = std::is_trivially_copyable_v<W> && requires(const W& window, int rank) {
  { window.rank() } -> std::convertible_to<int>;
  { window.size() } -> std::convertible_to<int>;
  { window.at(rank) } -> std::same_as<std::byte*>;
  { window.shape() } -> std::convertible_to<const window_shape&>;
  { window.slot() } -> std::convertible_to<unsigned>;
  { window.slot_count() } -> std::convertible_to<unsigned>;
  { window.first_slot() } -> std::convertible_to<unsigned>;
  { window.reaches_everything() } -> std::convertible_to<bool>;
  { window.patience_ns() } -> std::convertible_to<std::uint64_t>;
  { window.reports() } -> std::same_as<report*>;
};

inline constexpr int most_ranks = 32;
/// How long a kernel waits for a peer if nobody says.
inline constexpr std::uint64_t default_patience_ns = 10'000'000'000;

/// The window of ranks whose memory is mapped pointer by pointer: virtual ranks on one GPU, GPUs of
/// one process, CUDA IPC between processes, threads of a CPU.
class window {
 public:
  /// What the host fills in.
  struct parts {
    std::byte* memory[most_ranks] = {};
    window_shape shape{};
    report* reports = nullptr;
    std::uint64_t patience_ns = default_patience_ns;
    int rank = -1;            ///< -1: blockIdx.y
    int slot = -1;            ///< -1: blockIdx.x, of gridDim.x
    unsigned slot_count = 1;  ///< if `slot` is given
    unsigned first_slot = 0;
    bool reaches_everything = true;
  };

  window() = default;
  explicit window(const parts& given) : parts_{given} {}

  [[nodiscard]] RONDO_HOST_DEVICE int rank() const {
#if defined(__CUDA_ARCH__)
    return parts_.rank >= 0 ? parts_.rank : static_cast<int>(blockIdx.y);
#else
    return parts_.rank;
#endif
  }
  [[nodiscard]] RONDO_HOST_DEVICE unsigned slot() const {
#if defined(__CUDA_ARCH__)
    return parts_.slot >= 0 ? static_cast<unsigned>(parts_.slot) : blockIdx.x;
#else
    return static_cast<unsigned>(parts_.slot);
#endif
  }
  [[nodiscard]] RONDO_HOST_DEVICE unsigned slot_count() const {
#if defined(__CUDA_ARCH__)
    return parts_.slot >= 0 ? parts_.slot_count : gridDim.x;
#else
    return parts_.slot_count;
#endif
  }
  [[nodiscard]] RONDO_HOST_DEVICE int size() const { return parts_.shape.ranks; }
  [[nodiscard]] RONDO_HOST_DEVICE std::byte* at(int rank) const { return parts_.memory[rank]; }
  [[nodiscard]] RONDO_HOST_DEVICE const window_shape& shape() const { return parts_.shape; }
  [[nodiscard]] RONDO_HOST_DEVICE unsigned first_slot() const { return parts_.first_slot; }
  [[nodiscard]] RONDO_HOST_DEVICE bool reaches_everything() const {
    return parts_.reaches_everything;
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::uint64_t patience_ns() const { return parts_.patience_ns; }
  [[nodiscard]] RONDO_HOST_DEVICE report* reports() const { return parts_.reports; }

  /// The rank's buffer at `offset` of the heap; `heap<T>(offset, r)` is rank r's.
  template <class T>
  [[nodiscard]] RONDO_HOST_DEVICE T* heap(std::size_t offset, int of_rank) const {
    return reinterpret_cast<T*>(at(of_rank) + parts_.shape.heap() + offset);
  }
  template <class T>
  [[nodiscard]] RONDO_HOST_DEVICE T* heap(std::size_t offset = 0) const {
    return heap<T>(offset, rank());
  }

  /// The same window for a group that is not block `blockIdx.x`: number `slot` of `slot_count`.
  [[nodiscard]] RONDO_HOST_DEVICE window as_slot(unsigned slot, unsigned slot_count) const {
    window other = *this;
    other.parts_.slot = static_cast<int>(slot);
    other.parts_.slot_count = slot_count;
    return other;
  }

 private:
  parts parts_{};
};

static_assert(peer_window<window>);

}  // namespace rondo::inline v0_1::device
