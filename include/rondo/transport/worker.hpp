// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/threads/backoff.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>

namespace rondo::inline v0_1 {

/// Runs tasks one after another in the order they were submitted, on a thread of its own. After the
/// first task: no allocation and no lock. One thread submits.
class worker {
 public:
  static constexpr std::size_t depth = 64;
  static constexpr std::size_t task_bytes = 448;

  worker() : thread_{[this] { loop(); }} {}
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker() {
    stop_.store(true, std::memory_order_release);
    thread_.join();
  }

  /// Returns the task's number, from 1 on. Waits while `depth` tasks are waiting.
  template <class Task>
  std::uint64_t submit(Task task) {
    static_assert(sizeof(Task) <= task_bytes && alignof(Task) <= 64);
    wait_for(submitted_.load(std::memory_order_relaxed) + 1 > depth
                 ? submitted_.load(std::memory_order_relaxed) + 1 - depth
                 : 0);
    auto& place = slots_[submitted_.load(std::memory_order_relaxed) % depth];
    ::new (static_cast<void*>(place.memory)) Task(std::move(task));
    place.run = [](void* memory) {
      auto* made = static_cast<Task*>(memory);
      struct guard {
        Task* one;
        ~guard() { one->~Task(); }
      } const destroy{made};
      (*made)();
    };
    return submitted_.fetch_add(1, std::memory_order_release) + 1;
  }

  [[nodiscard]] bool done(std::uint64_t number) const noexcept {
    return finished_.load(std::memory_order_acquire) >= number;
  }

  void wait_for(std::uint64_t number) const {
    threads::backoff patience;
    while (!done(number)) {
      static_cast<void>(patience.pause());
    }
  }

  /// Waits for all tasks.
  void drain() const { wait_for(submitted_.load(std::memory_order_relaxed)); }

  /// What the first task that failed threw, if its number is at most `number`.
  [[nodiscard]] std::exception_ptr failure_until(std::uint64_t number) const {
    return done(number) && failed_number_ != 0 && failed_number_ <= number ? failure_ : nullptr;
  }

 private:
  struct slot {
    alignas(64) std::byte memory[task_bytes];
    void (*run)(void*) = nullptr;
  };

  void loop() {
    for (std::uint64_t next = 0;; ++next) {
      threads::backoff patience;
      while (submitted_.load(std::memory_order_acquire) == next) {
        if (stop_.load(std::memory_order_acquire)) {
          return;
        }
        static_cast<void>(patience.pause());
      }
      auto& one = slots_[next % depth];
#if defined(__cpp_exceptions)
      try {
        one.run(one.memory);
      } catch (...) {
        if (failed_number_ == 0) {
          failure_ = std::current_exception();
          failed_number_ = next + 1;
        }
      }
#else
      one.run(one.memory);
#endif
      finished_.store(next + 1, std::memory_order_release);
    }
  }

  std::unique_ptr<slot[]> slots_{new slot[depth]};
  std::atomic<std::uint64_t> submitted_{0};
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<bool> stop_{false};
  std::uint64_t failed_number_ = 0;  ///< written before `finished_`, read after it
  std::exception_ptr failure_;
  std::thread thread_;
};

/// A call that was begun with `async{}`. Its buffers belong to it until `wait()` returns.
///
/// Dropping it waits too, quietly: an error then shows in the communicator's next call. `wait()` may
/// be called again and does nothing the second time.
class pending {
 public:
  pending() = default;
  pending(std::shared_ptr<worker> runs, std::uint64_t number)
      : worker_{std::move(runs)}, number_{number} {}
  pending(pending&&) = default;
  pending& operator=(pending&& other) {
    settle();
    worker_ = std::move(other.worker_);
    number_ = other.number_;
    return *this;
  }
  ~pending() { settle(); }

  /// True when the call has ended; never blocks.
  [[nodiscard]] bool done() const noexcept { return !worker_ || worker_->done(number_); }

  /// Returns when the call has ended; throws what it threw.
  void wait() {
    if (!worker_) {
      return;
    }
    const auto runs = std::move(worker_);
    runs->wait_for(number_);
    if (const auto failure = runs->failure_until(number_)) {
      std::rethrow_exception(failure);
    }
  }

 private:
  void settle() noexcept {
    if (worker_) {
      worker_->wait_for(number_);
      worker_.reset();
    }
  }

  std::shared_ptr<worker> worker_;
  std::uint64_t number_ = 0;
};

}  // namespace rondo::inline v0_1
