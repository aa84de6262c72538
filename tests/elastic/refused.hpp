// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>

#include <string>

/// What `make()` is told when it is refused; empty if it is not.
template <class Make>
[[nodiscard]] std::string refused(const Make& make) {
  try {
    static_cast<void>(make());
  } catch (const rondo::error& told) {
    return told.code() == rondo::error_code::invalid_argument ? told.what() : "of another kind";
  }
  return {};
}
