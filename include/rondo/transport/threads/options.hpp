// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/chrono.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1::threads {

/// What may be chosen for a `threads::run`.
struct options {
  /// How long a rank waits for another before it gives up on it.
  std::chrono::steady_clock::duration deadline = std::chrono::seconds{30};
};

}  // namespace rondo::inline v0_1::threads
