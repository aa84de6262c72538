// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace rondo::inline v0_1::pipeline::detail {

/// Text that grows by pieces; numbers without a locale.
class text_writer {
 public:
  explicit text_writer(std::size_t expected) { text_.reserve(expected); }

  text_writer& operator<<(std::string_view piece) {
    text_ += piece;
    return *this;
  }
  text_writer& operator<<(std::int64_t number) {
    char digits[24];
    const auto [end, status] = std::to_chars(digits, digits + sizeof digits, number);
    static_cast<void>(status);
    text_.append(digits, end);
    return *this;
  }
  text_writer& operator<<(int number) { return *this << std::int64_t{number}; }

  /// A number given in tenths: 125 is 12.5.
  text_writer& tenths(std::int64_t number) {
    *this << number / 10;
    return number % 10 == 0 ? *this : *this << "." << number % 10;
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

inline void write_file(const std::string& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool written =
      file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if ((file != nullptr && std::fclose(file) != 0) || !written) {
    refuse("pipeline: cannot write '" + path + "'; does its folder exist?");
  }
}

}  // namespace rondo::inline v0_1::pipeline::detail
