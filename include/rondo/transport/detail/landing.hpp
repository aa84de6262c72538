// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstddef>

/// Where the messages of a round land that bring no memory of their own: side by side.
namespace rondo::inline v0_1::detail {

/// Bytes for those of some messages that bring no memory of their own, each at an `alignment`.
template <class In>
[[nodiscard]] std::size_t landing_bytes(const In& in, std::size_t alignment) {
  std::size_t all = 0;
  for (const auto& one : in) {
    all += one.into == nullptr ? (one.bytes + alignment - 1) / alignment * alignment : 0;
  }
  return all;
}

/// Calls `visit(k, message, into)` for each: into its own memory, or behind one another from
/// `landing` on.
template <class In, class Visit>
void each_landing(const In& in, std::byte* landing, std::size_t alignment, const Visit& visit) {
  std::size_t which = 0;
  for (const auto& one : in) {
    visit(which++, one, one.into == nullptr ? landing : one.into);
    landing += one.into == nullptr ? (one.bytes + alignment - 1) / alignment * alignment : 0;
  }
}

}  // namespace rondo::inline v0_1::detail
