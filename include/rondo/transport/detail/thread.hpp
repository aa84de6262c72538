// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/version.hpp>

#include <ctime>
#include <string>
#include <utility>

#include <pthread.h>
#include <sched.h>

/// What rondo needs of <thread>, from POSIX: that header brings stop tokens, semaphores and streams
/// along, 15,000 lines.
namespace rondo::inline v0_1::detail {

/// A thread that runs `body()`; `body` must not throw. Joined when the handle goes away.
class thread {
 public:
  template <class Body>
  explicit thread(Body body) : running_{true} {
    auto* const own = new Body(std::move(body));
    const int failed = pthread_create(
        &id_, nullptr,
        [](void* given) -> void* {
          auto* const mine = static_cast<Body*>(given);
          (*mine)();
          delete mine;
          return nullptr;
        },
        own);
    if (failed != 0) {
      delete own;
      raise(error{error_code::transport, "a thread could not be started: pthread_create returned " +
                                             std::to_string(failed)});
    }
  }
  thread(thread&& other) noexcept
      : id_{other.id_}, running_{std::exchange(other.running_, false)} {}
  thread& operator=(thread&&) = delete;
  ~thread() { join(); }

  /// Returns when the body has.
  void join() noexcept {
    if (std::exchange(running_, false)) {
      pthread_join(id_, nullptr);
    }
  }

 private:
  pthread_t id_{};
  bool running_;
};

/// Lets another thread have the processor.
inline void give_way() noexcept { sched_yield(); }

inline void sleep_for(std::chrono::nanoseconds time) noexcept {
  using seconds = std::chrono::duration<std::time_t>;
  using rest = std::chrono::duration<long, std::nano>;
  const std::timespec span{
      std::chrono::duration_cast<seconds>(time).count(),
      std::chrono::duration_cast<rest>(time % std::chrono::seconds{1}).count()};
  nanosleep(&span, nullptr);
}

}  // namespace rondo::inline v0_1::detail
