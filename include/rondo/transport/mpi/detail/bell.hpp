// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstdint>
#include <ctime>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace rondo::inline v0_1::mpi::detail {

/// Wakes processes that sleep until its owner has done something, in memory that they share. Costs
/// the owner a fence and a look while nobody sleeps.
class alignas(64) bell {
 public:
  /// After what others may sleep for.
  void ring() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);  // what was done, before the look
    if (asleep_.load(std::memory_order_relaxed) != 0) {
      asleep_.store(0, std::memory_order_relaxed);
      rings_.fetch_add(1, std::memory_order_release);
#if defined(__linux__)
      constexpr int all = 1 << 30;
      syscall(SYS_futex, &rings_, FUTEX_WAKE, all, nullptr, nullptr, 0);
#endif
    }
  }

  /// Sleeps until the owner rings, unless `done()`; `most` at the longest, under a second.
  template <class Done>
  void sleep(const Done& done, std::chrono::nanoseconds most) noexcept {
#if defined(__linux__)
    const auto heard = rings_.load(std::memory_order_acquire);
    asleep_.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // the mark, before the look
    if (!done()) {
      const std::chrono::duration<long, std::nano> time = most;
      const std::timespec longest{0, time.count()};
      syscall(SYS_futex, &rings_, FUTEX_WAIT, heard, &longest, nullptr, 0);
    }
#else
    static_cast<void>(done);
    rondo::detail::sleep_for(most / 20);
#endif
  }

  [[nodiscard]] std::uint32_t rings() const noexcept {
    return rings_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> rings_{0};
  std::atomic<std::uint32_t> asleep_{0};
};

}  // namespace rondo::inline v0_1::mpi::detail
