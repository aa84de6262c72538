// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstdint>

namespace rondo::inline v0_1 {

/// Where a call stands: std::source_location, which clang 14 does not have, cut to what we print.
struct source_location {
  const char* file = "";
  std::uint32_t line = 0;

  [[nodiscard]] static constexpr source_location current(
      const char* file = __builtin_FILE(), std::uint32_t line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

}  // namespace rondo::inline v0_1
