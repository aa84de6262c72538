// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/version.hpp>

/// How a rank waits for another: it looks again, then gives its processor away.
namespace rondo::inline v0_1::detail {

using clock = std::chrono::steady_clock;

inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// How often to look again before the processor is given away, where every rank has one.
inline constexpr int looks_alone = 4000;

/// The long wait: give the processor away, then sleep for longer and longer. By the clock, not by
/// turns: where others compute, one turn may take milliseconds.
class backoff {
 public:
  backoff() = default;
  /// Sleeps once the processor was given away for so long.
  explicit backoff(std::chrono::microseconds yielding) noexcept : yielding_{yielding} {}

  /// True about once a millisecond: time to look for a reason why nobody comes.
  bool pause() {
    return pause([](std::chrono::microseconds time) { sleep_for(time); });
  }
  /// The same; `nap(time)` sleeps.
  template <class Nap>
  bool pause(const Nap& nap) {
    const auto now = clock::now();
    if (begun_ == clock::time_point{}) {
      begun_ = now;
      looked_ = now;
    }
    if (now - begun_ < yielding_) {
      give_way();
    } else {
      nap(nap_);
      nap_ += nap_ < longest_ ? nap_ / 4 : std::chrono::microseconds{0};
    }
    const bool due = now - looked_ >= std::chrono::milliseconds{1};
    looked_ = due ? now : looked_;
    return due;
  }

 private:
  static constexpr std::chrono::microseconds longest_{500};
  std::chrono::microseconds yielding_{2000};
  clock::time_point begun_{};
  clock::time_point looked_{};
  std::chrono::microseconds nap_{20};
};

}  // namespace rondo::inline v0_1::detail
