// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/chrono.hpp>
#include <rondo/transport/thread.hpp>
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

/// The same for any number of ranks. Where ranks share processors, the rank waited for may need
/// ours: measured with 8 ranks on 2 cores, 4000 looks make an 8-byte all-reduce fourteen times
/// slower than 20 (Skylake-SP), and 20 a third slower than 4 (Zen 5).
[[nodiscard]] constexpr int spins_for(int ranks, int cores) noexcept {
  return ranks <= cores ? looks_alone : 4;
}

/// Where ranks share processors and know which: how often to look again for a rank of another
/// processor. As long as it takes to give ours away and to get it back: who shares it with us waits
/// for that rank, too. A rank that shares our processor is not looked for again, for it cannot come
/// while we look. With 8 bytes on 4 and 8 ranks, 2 cores, a call then takes 1.0 and 3.0 switches of
/// context on each, which is as few as there can be, and not 1.5 and 3.5 (Zen 5, 2026-11-27).
inline constexpr int looks_across = 100;

/// The long wait: give the processor away, then sleep for longer and longer. By the clock, not by
/// turns: where others compute, one turn may take milliseconds.
class backoff {
 public:
  /// True about once a millisecond: time to look for a reason why nobody comes.
  bool pause() {
    const auto now = clock::now();
    if (begun_ == clock::time_point{}) {
      begun_ = now;
      looked_ = now;
    }
    if (now - begun_ < yielding_) {
      give_way();
    } else {
      sleep_for(nap_);
      nap_ += nap_ < longest_ ? nap_ / 4 : std::chrono::microseconds{0};
    }
    const bool due = now - looked_ >= std::chrono::milliseconds{1};
    looked_ = due ? now : looked_;
    return due;
  }

 private:
  static constexpr std::chrono::microseconds yielding_{2000};
  static constexpr std::chrono::microseconds longest_{500};
  clock::time_point begun_{};
  clock::time_point looked_{};
  std::chrono::microseconds nap_{20};
};

}  // namespace rondo::inline v0_1::detail
