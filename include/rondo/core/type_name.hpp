// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstdint>
#include <string_view>

namespace rondo::inline v0_1 {

/// The compiler's spelling of a type, for messages.
template <class T>
[[nodiscard]] constexpr std::string_view type_name() {
#if defined(__GNUC__)
  constexpr std::string_view whole = __PRETTY_FUNCTION__;
  constexpr std::string_view before = "T = ";
  constexpr auto first = whole.find(before) + before.size();
  constexpr auto last = whole.find_first_of(";]", first);
  // A lambda's name holds ';' or ']' only inside its own brackets; the cut is harmless there.
  return whole.substr(first, last - first);
#else
  return "type";
#endif
}

/// FNV-1a, for telling calls apart; not for adversaries.
[[nodiscard]] constexpr std::uint64_t hash_of(std::string_view text,
                                              std::uint64_t seed = 0xcbf29ce484222325u) {
  for (const char letter : text) {
    seed = (seed ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
  }
  return seed;
}

}  // namespace rondo::inline v0_1
