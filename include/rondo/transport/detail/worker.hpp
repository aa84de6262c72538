// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/backoff.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::detail {

/// Runs tasks one after another in the order they were submitted, on a thread of its own. After the
/// first task: no allocation and no lock. One thread submits.
class worker : public counted_owner {
 public:
  static constexpr std::size_t depth = 64;
  static constexpr std::size_t task_bytes = 448;

  worker() : thread_{[this] { loop(); }} {}
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker() {
    drain();
    slots_[submitted_.load(std::memory_order_relaxed) % depth].run = nullptr;  // no task: the end
    announce();
    thread_.join();
  }

  /// Returns the task's number, from 1 on. Waits while `depth` tasks are waiting.
  template <class Task>
  std::uint64_t submit(Task task) {
    static_assert(sizeof(Task) <= task_bytes,  // the call's own are about 100
                  "rondo: async: operation and codec together have more than about 340 bytes; let "
                  "them hold a pointer to their data, which then lives until wait()");
    static_assert(alignof(Task) <= 64,
                  "rondo: async: the operation or codec is aligned to more than 64 bytes; let it "
                  "hold a pointer to its data, which then lives until wait()");
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
    return announce();
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
      told_ = told_for_good_ || std::uncaught_exceptions() > 0;
    }
  }

  /// The caller knows of trouble by another call than the one that was dropped.
  void told() noexcept { told_ = true; }

  /// The same of all calls, those that are dropped later, too: the caller goes on without them.
  void told_for_good() noexcept { told_ = told_for_good_ = true; }

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

  /// Lets the thread see the slot that was filled, and wakes it if it sleeps: a system call only
  /// then.
  std::uint64_t announce() noexcept {
    const auto number = submitted_.fetch_add(1, std::memory_order_release) + 1;
    submitted_.notify_one();
    return number;
  }

  void loop() {
    for (std::uint64_t next = 0;; ++next) {
      backoff patience;
      for (bool soon = true; soon && submitted_.load(std::memory_order_acquire) == next;) {
        soon = !patience.pause();
      }
      submitted_.wait(next, std::memory_order_acquire);  // for as long as nothing is submitted
      auto& one = slots_[next % depth];
      if (one.run == nullptr) {
        return;
      }
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
  std::vector<std::pair<std::uint64_t, std::exception_ptr>> failures_;  ///< of slots used again
  std::exception_ptr dropped_;
  bool told_ = false;
  bool told_for_good_ = false;
  thread thread_;
};

}  // namespace rondo::inline v0_1::detail
