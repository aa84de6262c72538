// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <cstdarg>
#include <cstdio>
#include <string>

namespace rondo::inline v0_1::schedule::detail {

/// A text file that is complete when `close` has returned.
class text_file {
 public:
  text_file(const char* who, const std::string& path)
      : who_{who}, path_{path}, file_{std::fopen(path.c_str(), "w")} {
    if (file_ == nullptr) {
      refuse_to_go_on();
    }
  }
  text_file(const text_file&) = delete;
  text_file& operator=(const text_file&) = delete;
  ~text_file() {
    if (file_ != nullptr) {
      std::fclose(file_);
    }
  }

  [[gnu::format(printf, 2, 3)]] void print(const char* format, ...) {
    std::va_list values;
    va_start(values, format);
    std::vfprintf(file_, format, values);
    va_end(values);
  }

  void close() {
    const bool failed = std::ferror(file_) != 0;
    const bool lost = std::fclose(file_) != 0;
    file_ = nullptr;
    if (failed || lost) {
      refuse_to_go_on();
    }
  }

 private:
  [[noreturn]] void refuse_to_go_on() const {
    refuse(who_ + ": cannot write " + path_ +
           "; expected a path to a file in a folder that exists");
  }

  std::string who_;
  std::string path_;
  std::FILE* file_;
};

}  // namespace rondo::inline v0_1::schedule::detail
