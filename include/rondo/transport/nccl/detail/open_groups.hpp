// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace rondo::inline v0_1::nccl::detail {

/// The groups that are open of a communicator and of all that were split from it. NCCL has one
/// group for a thread, whatever communicator it was opened by, and does not tell of it.
class open_groups {
 public:
  void open() {
    const held now{lock_};
    threads_.push_back(std::this_thread::get_id());
    number_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
  }
  void close() {
    const held now{lock_};
    threads_.erase(std::find(threads_.begin(), threads_.end(), std::this_thread::get_id()));
    number_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
  }
  /// Whether the calling thread is in one. Takes a lock only where any thread is.
  [[nodiscard]] bool here() const {
    if (number_.load(std::memory_order_relaxed) == 0) {
      return false;  // this thread would know of its own
    }
    const held now{lock_};
    return std::find(threads_.begin(), threads_.end(), std::this_thread::get_id()) !=
           threads_.end();
  }

 private:
  /// For a few instructions; <mutex> is not worth its lines here.
  struct held {
    std::atomic_flag& lock;
    explicit held(std::atomic_flag& of) : lock{of} {
      while (lock.test_and_set(std::memory_order_acquire)) {
        std::this_thread::yield();
      }
    }
    ~held() { lock.clear(std::memory_order_release); }
  };

  mutable std::atomic_flag lock_{};
  std::atomic<int> number_{0};
  std::vector<std::thread::id> threads_{};
};

}  // namespace rondo::inline v0_1::nccl::detail
