// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>

namespace rondo::inline v0_1::detail {

[[noreturn]] inline void corrupt_shard_file(const std::string& path, const std::string& why) {
  raise(error{error_code::corrupt_data, "shard file " + path + ": " + why});
}

/// A file that is written whole or not at all: it has its name only after `close`.
class new_file {
 public:
  explicit new_file(std::string path)
      : path_{std::move(path)}, hidden_{path_ + ".part"}, file_{std::fopen(hidden_.c_str(), "wb")} {
    if (file_ == nullptr) {
      fail();
    }
  }
  new_file(const new_file&) = delete;
  new_file& operator=(const new_file&) = delete;
  ~new_file() {
    if (file_ != nullptr) {
      std::fclose(file_);
      std::remove(hidden_.c_str());
    }
  }

  void write(std::span<const std::byte> bytes) {
    if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) {
      fail();
    }
  }

  void close() {
    const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
    if (!closed || std::rename(hidden_.c_str(), path_.c_str()) != 0) {
      std::remove(hidden_.c_str());
      fail();
    }
  }

 private:
  [[noreturn]] void fail() const {
    refuse("cannot write " + path_ + "; is its folder there, and room on the disk?");
  }

  std::string path_;
  std::string hidden_;
  std::FILE* file_;
};

/// A file to read from any place.
class old_file {
 public:
  explicit old_file(std::string path)
      : path_{std::move(path)}, file_{std::fopen(path_.c_str(), "rb")} {
    if (file_ == nullptr) {
      refuse("cannot read " + path_ + "; is it there?");
    }
  }
  old_file(const old_file&) = delete;
  old_file& operator=(const old_file&) = delete;
  ~old_file() { std::fclose(file_); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  [[nodiscard]] std::uint64_t size() {
    seek(0, SEEK_END);
    return static_cast<std::uint64_t>(ftello(file_));
  }
  void read(std::uint64_t from, std::span<std::byte> into) {
    seek(static_cast<off_t>(from), SEEK_SET);
    if (!into.empty() && std::fread(into.data(), 1, into.size(), file_) != into.size()) {
      bad("it ends too early");
    }
  }
  [[noreturn]] void bad(const std::string& why) const { corrupt_shard_file(path_, why); }

 private:
  void seek(off_t to, int whence) {
    if (fseeko(file_, to, whence) != 0) {
      bad("it cannot be read at " + std::to_string(to));
    }
  }

  std::string path_;
  std::FILE* file_;
};

}  // namespace rondo::inline v0_1::detail
