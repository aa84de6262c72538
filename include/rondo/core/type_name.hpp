// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rondo::inline v0_1 {

namespace detail {

/// A function's own name, its type among other words.
template <class T>
[[nodiscard]] constexpr std::string_view spelled_around() {
  return __PRETTY_FUNCTION__;
}

}  // namespace detail

/// The compiler's spelling of a type, for messages.
template <class T>
[[nodiscard]] constexpr std::string_view type_name() {
  constexpr std::string_view known = detail::spelled_around<int>();
  constexpr std::size_t before = known.rfind("= int") + 2;  // what stands around it is always alike
  constexpr std::size_t behind = known.size() - before - 3;
  std::string_view whole = detail::spelled_around<T>();
  whole.remove_prefix(before);
  whole.remove_suffix(behind);
  return whole;
}

/// Gives `put` the name piece by piece as people write it, without namespaces: of
/// "my::rotated<my::int4<32> >" what makes "rotated<int4<32>>".
template <class Put>
constexpr void without_namespaces(std::string_view name, const Put& put) {
  const auto in_word = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  while (!name.empty()) {
    std::size_t length = 0;
    while (length < name.size() && in_word(name[length])) {
      ++length;
    }
    if (length > 0 && name.substr(length, 2) == "::") {
      name.remove_prefix(length + 2);
      continue;
    }
    length += length == 0 ? 1 : 0;
    if (name.substr(0, 2) != " >") {
      put(name.substr(0, length));
    }
    name.remove_prefix(length);
  }
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
