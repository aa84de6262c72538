// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

/// Text for other programs: pictures, traces, tables. Numbers look the same in every locale.
namespace rondo::inline v0_1::text {

/// A number with so many digits behind the point: 2.50.
struct fixed {
  double value = 0;
  int digits = 1;
};
/// A number with so many digits that count, without zeros at the end: 2.5, 1e-06.
struct significant {
  double value = 0;
  int digits = 3;
};
/// Text between tags or quotes of XML.
struct escaped {
  std::string_view text{};
};

/// Text that grows by pieces.
class writer {
 public:
  explicit writer(std::size_t expected_bytes = 4096) { text_.reserve(expected_bytes); }

  writer& operator<<(std::string_view piece) {
    text_ += piece;
    return *this;
  }
  template <std::integral Number>
  writer& operator<<(Number number) {
    return digits(number);
  }
  /// Pixels and percents: at most one digit behind the point.
  writer& operator<<(double number) {
    *this << fixed{number, 1};
    if (text_.ends_with(".0")) {
      text_.resize(text_.size() - 2);
    }
    return *this;
  }
  writer& operator<<(fixed number) {
    return digits(number.value, std::chars_format::fixed, number.digits);
  }
  writer& operator<<(significant number) {
    return digits(number.value, std::chars_format::general, number.digits);
  }
  writer& operator<<(escaped piece) {
    for (std::string_view rest = piece.text; !rest.empty(); rest.remove_prefix(1)) {
      const char letter = rest.front();
      *this << (letter == '&'   ? "&amp;"
                : letter == '<' ? "&lt;"
                : letter == '"' ? "&quot;"
                                : rest.substr(0, 1));
    }
    return *this;
  }

  /// `format` with each `{}` replaced by the next of `parts`, as `<<` writes it.
  template <class... Parts>
  writer& print(std::string_view format, const Parts&... parts) {
    ((*this << up_to_gap(format) << parts), ...);
    return *this << format;
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  [[nodiscard]] static std::string_view up_to_gap(std::string_view& format) {
    const std::string_view before = format.substr(0, format.find("{}"));
    format.remove_prefix(before.size() < format.size() ? before.size() + 2 : before.size());
    return before;
  }

  template <class... Number>
  writer& digits(Number... number) {
    char room[400];  // the longest double with a few digits behind its point
    text_.append(room, std::to_chars(room, room + sizeof room, number...).ptr);
    return *this;
  }

  std::string text_;
};

/// Writes a whole file. Errors: error_code::invalid_argument if it cannot be written.
inline void write_file(std::string_view who, const std::string& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool written =
      file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if ((file != nullptr && std::fclose(file) != 0) || !written) {
    refuse(std::string{who} + ": cannot write '" + path +
           "'; expected a path to a file in a folder that exists");
  }
}

}  // namespace rondo::inline v0_1::text
