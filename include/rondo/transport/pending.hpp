// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/detail/worker.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <exception>
#include <utility>

namespace rondo::inline v0_1 {

/// A call that was begun with `async{}`. Its buffers belong to it until `wait()` returns.
///
/// Dropping it waits too, quietly: the communicator's next call or `settle()` then throws its
/// error, and so does `threads::run` when the rank's body returns. One without a name is dropped at
/// once, which compilers warn of. `wait()` may be called again and does nothing the second time.
class [[nodiscard]] pending {
 public:
  pending() = default;
  pending(detail::shared<detail::worker> runs, std::uint64_t number)
      : worker_{std::move(runs)}, number_{number} {}
  pending(pending&&) = default;
  pending& operator=(pending&& other) {
    if (this != &other) {
      settle();
      worker_ = std::move(other.worker_);
      number_ = other.number_;
    }
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

}  // namespace rondo::inline v0_1
