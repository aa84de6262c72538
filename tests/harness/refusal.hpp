// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>

#include <string>

/// What a call said when it was refused.
namespace refusals {

/// Empty where nothing was refused.
template <class Act>
[[nodiscard]] std::string refusal(const Act& act) {
  try {
    static_cast<void>(act());
  } catch (const rondo::error& refused) {
    return refused.what();
  }
  return "";
}

/// Likewise where it is an argument that must be refused.
template <class Act>
[[nodiscard]] std::string argument_refusal(const Act& act) {
  try {
    static_cast<void>(act());
  } catch (const rondo::error& refused) {
    const bool argument = refused.code() == rondo::error_code::invalid_argument;
    return argument ? refused.what() : "another error than that of an argument";
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

}  // namespace refusals
