// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// What every collective refuses before it begins: roots, counts and buffers that cannot be.
namespace rondo::inline v0_1::detail {

/// Who refuses: a function by its name, a collective also by where it was called.
struct caller {
  std::string_view name;
  source_location where{};

  constexpr caller(const char* name_) : name{name_} {}
  constexpr caller(std::string_view name_, source_location where_ = {})
      : name{name_}, where{where_} {}

  /// all_reduce at train.cpp:40
  [[nodiscard]] std::string describe() const {
    return std::string{name} + (where.line == 0 ? "" : " at " + in_words(where));
  }
};

// Words are put together out of line, and callers go there by value: calls that are right are not
// to pay for them.

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_root(caller by, int root, int size) {
  refuse(by.describe() + ": root " + std::to_string(root) + " of " + std::to_string(size) +
         " ranks; pass 0 .. " + std::to_string(size - 1));
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_count(caller by, const char* which,
                                                                std::size_t got,
                                                                std::size_t expected, int rank) {
  refuse(by.describe() + ": " + which + " of rank " + std::to_string(rank) + " has " +
             std::to_string(got) + " elements, expected " + std::to_string(expected),
         rank);
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_overlap(caller by, int rank) {
  refuse(by.describe() + ": input and output of rank " + std::to_string(rank) +
             " overlap; pass buffers that do not, or one in place as the collective allows it",
         rank);
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_list(caller by, const char* direction,
                                                               std::size_t got, int expected,
                                                               int rank) {
  refuse(by.describe() + ": counts for " + direction + std::to_string(got) + " ranks, expected " +
             std::to_string(expected),
         rank);
}

inline void check_root(caller by, int root, int size) {
  if (root < 0 || root >= size) {
    refuse_root(by, root, size);
  }
}

inline void check_count(caller by, const char* which, std::size_t got, std::size_t expected,
                        int rank) {
  if (got != expected) {
    refuse_count(by, which, got, expected, rank);
  }
}

/// Refuses an input that shares memory with the output, unless `in_place()` says that it may.
template <class T, class InPlace>
void check_apart(caller by, std::span<const T> in, std::span<T> out, const InPlace& in_place,
                 int rank) {
  const auto in_begins = reinterpret_cast<std::uintptr_t>(in.data());
  const auto out_begins = reinterpret_cast<std::uintptr_t>(out.data());
  // Distances are unsigned: a negative one comes around and is longer than any buffer.
  if ((out_begins - in_begins < in.size_bytes() || in_begins - out_begins < out.size_bytes()) &&
      !in_place() && !in.empty() && !out.empty()) {
    refuse_overlap(by, rank);
  }
}

}  // namespace rondo::inline v0_1::detail
