// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

/// Text such as "batch:data, d_ff:tensor" or "batch:100; rows:28".
namespace rondo::inline v0_1::detail {

struct named_word {
  std::string name;
  std::string word;
  std::size_t at = 0;  ///< where the name begins in the text, from 1
};

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos
             ? std::string_view{}
             : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

[[noreturn]] inline void refuse_text(std::string_view who, std::size_t at, std::string_view got,
                                     std::string_view expected) {
  refuse(std::string{who} + ": position " + std::to_string(at) + ": got \"" + std::string{got} +
         "\", expected " + std::string{expected});
}

/// Reads entries separated by commas or semicolons; blanks do not count.
[[nodiscard]] inline std::vector<named_word> read_name_list(std::string_view who,
                                                            std::string_view form,
                                                            std::string_view text) {
  std::vector<named_word> read;
  if (trimmed(text).empty()) {
    return read;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = (std::min)(text.find_first_of(",;", begin), text.size());
    const std::string_view entry = trimmed(text.substr(begin, end - begin));
    const std::size_t at =
        1 + (entry.empty() ? begin : static_cast<std::size_t>(entry.data() - text.data()));
    const std::size_t colon = entry.find(':');
    const std::string_view name = trimmed(entry.substr(0, colon));
    const std::string_view word =
        colon == std::string_view::npos ? std::string_view{} : trimmed(entry.substr(colon + 1));
    if (name.empty() || word.empty() || word.find(':') != std::string_view::npos) {
      refuse_text(who, at, entry, form);
    }
    read.push_back({std::string{name}, std::string{word}, at});
    begin = end + 1;
  }
  return read;
}

[[nodiscard]] inline std::size_t read_count(std::string_view who, std::string_view text,
                                            std::size_t at) {
  std::size_t count = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (status != std::errc{} || end != text.data() + text.size()) {
    refuse_text(who, at, text, "a number");
  }
  return count;
}

}  // namespace rondo::inline v0_1::detail
