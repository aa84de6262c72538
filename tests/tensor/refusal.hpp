// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>

#include <string>

/// What a call said when it was refused.
namespace refusals {

/// Empty where nothing was refused.
template <class Act>
std::string refusal(const Act& act) {
  try {
    act();
  } catch (const rondo::error& refused) {
    return refused.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

}  // namespace refusals
