// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <sched.h>
#include <unistd.h>

namespace rondo::inline v0_1::detail {

#if defined(__linux__)
/// The processors that this process may run on; none where the system does not tell.
[[nodiscard]] inline cpu_set_t allowed() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) {
    CPU_ZERO(&set);
  }
  return set;
}
#endif

/// How many processors this process may run on.
[[nodiscard]] inline int processors() noexcept {
#if defined(__linux__)
  const cpu_set_t set = allowed();
  if (const int some = CPU_COUNT(&set); some > 0) {
    return some;
  }
#endif
  const long found = sysconf(_SC_NPROCESSORS_ONLN);
  return found < 1 ? 1 : static_cast<int>(found);
}

/// The processor that the caller runs on, for now; 0 where nobody knows.
[[nodiscard]] inline int processor_here() noexcept {
#if defined(__linux__)
  return sched_getcpu();
#else
  return 0;
#endif
}

}  // namespace rondo::inline v0_1::detail
