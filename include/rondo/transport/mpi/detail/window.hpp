// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/mpi/detail/bell.hpp>
#include <rondo/transport/mpi/detail/board.hpp>
#include <rondo/transport/mpi/detail/check.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <vector>

namespace rondo::inline v0_1::mpi::detail {

/// How ranks leave a window: all give it back together, or each keeps it until its process ends.
enum class parting : std::uint32_t { open, together, apart };

/// What one rank has in the window: its words, what it announces, and two banks of staging bytes.
struct segment {
  static constexpr std::size_t stage_capacity = 512 * 1024;
  static constexpr std::uint64_t proof = 0x726f6e646f6d7069u;

  std::atomic<std::uint64_t> proven{0};
  verdict why{};                            ///< that of rank 0 counts
  std::atomic<std::uint32_t> reunion{0};    ///< of rank 0: 1 while being decided, 2 when decided
  std::atomic<parting> how{parting::open};  ///< of rank 0: decided by the first who is done waiting
  std::atomic<bool> survives{false};
  bell signalled{};  ///< rung where ranks sleep for what this one writes to its pad
  protocol::pad pad{};
  board told{};
  alignas(4096) std::byte stage[2][stage_capacity];
};

/// Memory that all ranks of a communicator, being on one node, load and store.
class window {
 public:
  /// Collective. Nothing where the node has no such memory to give, on every rank alike.
  [[nodiscard]] static std::optional<window> allocate(MPI_Comm comm) {
    window made;
    MPI_Info apart = MPI_INFO_NULL;
    MPI_Info_create(&apart);
    MPI_Info_set(apart, "alloc_shared_noncontig", "true");
    void* base = nullptr;
    const auto bytes = static_cast<MPI_Aint>(sizeof(segment) + alignof(segment));
    int good = MPI_Win_allocate_shared(bytes, 1, apart, comm, &base, &made.raw_) == MPI_SUCCESS;
    MPI_Info_free(&apart);
    MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, comm);
    if (good == 0) {
      return std::nullopt;
    }
    MPI_Win_lock_all(MPI_MODE_NOCHECK, made.raw_);
    int size = 0;
    int rank = 0;
    MPI_Comm_size(comm, &size);
    MPI_Comm_rank(comm, &rank);
    for (int other = 0; other < size; ++other) {
      MPI_Aint length = 0;
      int unit = 0;
      void* theirs = nullptr;
      MPI_Win_shared_query(made.raw_, other, &length, &unit, &theirs);
      const auto address = reinterpret_cast<std::uintptr_t>(theirs);
      const auto aligned = (address + alignof(segment) - 1) / alignof(segment) * alignof(segment);
      made.segments_.push_back(reinterpret_cast<segment*>(aligned));
    }
    // Default, not value initialisation: staging bytes are touched when first used.
    auto* mine = ::new (made.segments_[static_cast<std::size_t>(rank)]) segment;
    mine->proven.store(segment::proof, std::memory_order_release);
    MPI_Barrier(comm);
    for (const auto* one : made.segments_) {
      good = good != 0 && one->proven.load(std::memory_order_acquire) == segment::proof;
    }
    MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, comm);
    if (good == 0) {
      made.free();
      return std::nullopt;
    }
    return made;
  }

  [[nodiscard]] segment& of(int rank) const noexcept {
    return *segments_[static_cast<std::size_t>(rank)];
  }

  /// Gives the memory back. Collective.
  void free() {
    MPI_Win_unlock_all(raw_);
    MPI_Win_free(&raw_);
  }

 private:
  window() = default;

  MPI_Win raw_ = MPI_WIN_NULL;
  std::vector<segment*> segments_;
};

}  // namespace rondo::inline v0_1::mpi::detail
