// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/backoff.hpp>
#include <rondo/transport/shared.hpp>
#include <rondo/transport/thread.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

namespace detail {

/// Runs tasks one after another in the order they were submitted, on a thread of its own. After the
/// first task: no allocation and no lock. One thread submits.
class worker : public owned {
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
    if (place.failure) {
      const auto number = submitted_.load(std::memory_order_relaxed) + 1 - depth;
      failures_.emplace_back(number, std::exchange(place.failure, nullptr));
    }
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
    backoff patience;
    while (!done(number)) {
      static_cast<void>(patience.pause());
    }
  }

  /// Waits for all tasks.
  void drain() const { wait_for(submitted_.load(std::memory_order_relaxed)); }

  /// What a task that is done threw, or null; once.
  [[nodiscard]] std::exception_ptr take_failure(std::uint64_t number) noexcept {
    if (submitted_.load(std::memory_order_relaxed) - number < depth) {
      return std::exchange(slots_[(number - 1) % depth].failure, nullptr);
    }
    for (auto& [whose, failure] : failures_) {
      if (whose == number) {
        return std::exchange(failure, nullptr);
      }
    }
    return nullptr;
  }

  /// Nobody will ask about this task, which is done. Where an exception makes the caller drop it,
  /// the caller knows of trouble.
  void drop(std::uint64_t number) noexcept {
    if (auto failure = take_failure(number); failure && !dropped_) {
      dropped_ = std::move(failure);
      told_ = std::uncaught_exceptions() > 0;
    }
  }

  /// The caller knows of trouble by another call than the one that was dropped.
  void told() noexcept { told_ = true; }

  /// Throws what a task threw that was dropped; once.
  void rethrow_dropped() {
    if (dropped_) {
      std::rethrow_exception(std::exchange(dropped_, nullptr));
    }
  }
  /// The same, unless the caller knows of trouble.
  void rethrow_untold() {
    if (!told_) {
      rethrow_dropped();
    }
  }

 private:
  struct slot {
    alignas(64) std::byte memory[task_bytes];
    void (*run)(void*) = nullptr;
    std::exception_ptr failure{};
  };

  void loop() {
    for (std::uint64_t next = 0;; ++next) {
      backoff patience;
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
        one.failure = std::current_exception();
      }
#else
      one.run(one.memory);
#endif
      finished_.store(next + 1, std::memory_order_release);
    }
  }

  std::vector<slot> slots_ = std::vector<slot>(depth);
  std::atomic<std::uint64_t> submitted_{0};
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::pair<std::uint64_t, std::exception_ptr>> failures_;  ///< of slots used again
  std::exception_ptr dropped_;
  bool told_ = false;
  thread thread_;
};

}  // namespace detail

/// A call that was begun with `async{}`. Its buffers belong to it until `wait()` returns.
///
/// Dropping it waits too, quietly: the communicator's next call or `settle()` then throws its
/// error, and so does `threads::run` when the rank's body returns. `wait()` may
/// be called again and does nothing the second time.
class pending {
 public:
  pending() = default;
  pending(detail::shared<detail::worker> runs, std::uint64_t number)
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
    if (auto failure = runs->take_failure(number_)) {
      runs->told();
      std::rethrow_exception(std::move(failure));
    }
  }

 private:
  void settle() noexcept {
    if (worker_) {
      worker_->wait_for(number_);
      worker_->drop(number_);
      worker_ = {};
    }
  }

  detail::shared<detail::worker> worker_;
  std::uint64_t number_ = 0;
};

namespace detail {

/// The asynchronous calls of one communicator, on a thread that is begun with the first of them.
class background {
 public:
  background() = default;
  /// Moving waits for the calls of both: they know where their communicator is.
  background(background&& other) noexcept {
    other.drain();
    runs_ = std::move(other.runs_);
  }
  background& operator=(background&& other) noexcept {
    drain();
    other.drain();
    runs_ = std::move(other.runs_);
    return *this;
  }
  ~background() { drain(); }

  /// Returns when all calls have ended.
  void drain() const noexcept {
    if (runs_) {
      runs_->drain();
    }
  }

  /// The same, before another call: throws what a call that was dropped could not.
  void drain_and_rethrow() const {
    if (runs_) {
      runs_->drain();
      runs_->rethrow_dropped();
    }
  }

  /// The same, where no other call comes: a caller that knows of trouble is spared.
  void drain_and_rethrow_untold() const {
    if (runs_) {
      runs_->drain();
      runs_->rethrow_untold();
    }
  }

  /// The caller deals with a failure.
  void told() const noexcept {
    if (runs_) {
      runs_->told();
    }
  }

  /// Begins a call, after those begun before it.
  template <class Task>
  [[nodiscard]] pending begin(Task task) {
    if (!runs_) {
      runs_ = shared<worker>{new worker{}};
    }
    runs_->rethrow_dropped();
    return {runs_, runs_->submit(std::move(task))};
  }

 private:
  shared<worker> runs_;
};

}  // namespace detail
}  // namespace rondo::inline v0_1
