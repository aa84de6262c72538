// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace demo {

/// The text, the last tenth of which is kept back to test the model on.
class corpus {
 public:
  explicit corpus(std::string text) : text_{std::move(text)} {
    if (text_.size() < 20 * model::context) {
      throw std::runtime_error("the text has " + std::to_string(text_.size()) +
                               " bytes; give one of a few kilobytes at least");
    }
  }

  [[nodiscard]] std::size_t bytes() const { return text_.size(); }

  /// Example `index` of an endless random sequence, the same for every run and rank.
  [[nodiscard]] example drawn(std::uint64_t index) const {
    const std::size_t trained = text_.size() / 10 * 9 - model::context - 1;
    return at(mixed(index) % trained);
  }

  /// Examples that training never sees.
  [[nodiscard]] example kept_back(std::uint64_t index) const {
    const std::size_t first = text_.size() / 10 * 9;
    return at(first + mixed(index) % (text_.size() - first - model::context - 1));
  }

 private:
  [[nodiscard]] example at(std::size_t position) const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text_.data()) + position;
    return {bytes, bytes[model::context]};
  }

  /// splitmix64
  [[nodiscard]] static std::uint64_t mixed(std::uint64_t number) {
    number = (number + 1) * 0x9e3779b97f4a7c15u;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
    return number ^ (number >> 31);
  }

  std::string text_;
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    throw std::runtime_error("cannot read " + path.string());
  }
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// The documentation and headers of a checkout, one after another.
inline std::string own_text(const std::filesystem::path& checkout) {
  std::vector<std::filesystem::path> files;
  for (const char* folder : {"docs", "include", "examples"}) {
    if (!std::filesystem::is_directory(checkout / folder)) {
      continue;
    }
    for (const auto& one : std::filesystem::recursive_directory_iterator{checkout / folder}) {
      const auto ending = one.path().extension();
      if (one.is_regular_file() && (ending == ".hpp" || ending == ".md" || ending == ".cuh")) {
        files.push_back(one.path());
      }
    }
  }
  std::sort(files.begin(), files.end());
  std::string text;
  for (const auto& file : files) {
    text += contents(file);
  }
  return text;
}

}  // namespace demo
