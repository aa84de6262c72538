// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>
#include <string>

/// Ends the snippet's program, and so its test, where something is not as the text says.
inline void check(bool holds, const char* what) {
  if (!holds) {
    throw std::logic_error(std::string{"not so: "} + what);
  }
}
