// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <sched.h>
#include <unistd.h>

namespace rondo::inline v0_1::detail {

/// Processors that this process may run on.
[[nodiscard]] inline int processors() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    return CPU_COUNT(&set);
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
