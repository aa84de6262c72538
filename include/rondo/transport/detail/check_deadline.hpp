// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/version.hpp>

#include <string>

namespace rondo::inline v0_1::detail {

/// Refuses a deadline that has passed before any wait begins.
inline void check_deadline(const char* who, std::chrono::steady_clock::duration deadline) {
  if (deadline <= deadline.zero()) {
    refuse(std::string{who} + ": a deadline of " +
           std::to_string(std::chrono::duration<double>{deadline}.count()) +
           " s; expected more than 0");
  }
}

}  // namespace rondo::inline v0_1::detail
