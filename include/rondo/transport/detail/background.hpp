// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/detail/worker.hpp>
#include <rondo/transport/pending.hpp>
#include <rondo/version.hpp>

#include <utility>

namespace rondo::inline v0_1::detail {

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

  /// The caller deals with a failure, and makes no more calls.
  void told_for_good() const noexcept {
    if (runs_) {
      runs_->told_for_good();
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

}  // namespace rondo::inline v0_1::detail
