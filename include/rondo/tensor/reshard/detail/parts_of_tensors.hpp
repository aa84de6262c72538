// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/buffer.hpp>
#include <rondo/core/error.hpp>
#include <rondo/tensor/reshard/sharding.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// One rank's parts of a list of tensors, as bytes.
namespace rondo::inline v0_1::detail {

/// What `rank` holds of a tensor; nothing if the mesh ends before it.
[[nodiscard]] inline std::size_t held_bytes(const tensor_sharding& of, int rank) {
  return rank < of.ranks() ? of.elements(rank) * of.element_bytes() : 0;
}

inline void check_parts(const char* who, std::size_t parts,
                        std::span<const tensor_sharding> tensors, int rank) {
  if (rank < 0) {
    refuse(std::string{who} + ": got rank " + std::to_string(rank) + "; expected 0 or more");
  }
  if (parts != tensors.size()) {
    refuse(std::string{who} + ": " + std::to_string(parts) + " buffers for " +
               std::to_string(tensors.size()) + " tensors; pass one for each, empty where rank " +
               std::to_string(rank) + " holds nothing",
           rank);
  }
}

inline void check_part(const char* who, std::size_t bytes, const tensor_sharding& of, int rank) {
  if (bytes != held_bytes(of, rank)) {
    refuse(std::string{who} + ": got " + std::to_string(bytes) + " B on rank " +
               std::to_string(rank) + ", which holds " + std::to_string(held_bytes(of, rank)) +
               " B of " + of.describe(),
           rank);
  }
}

template <class Parts>
concept list_of_buffers = buffer<decltype(*std::begin(std::declval<Parts&>()))>;

template <class Parts>
[[nodiscard]] std::vector<std::span<const std::byte>> readable_parts(
    const char* who, const Parts& parts, std::span<const tensor_sharding> tensors, int rank) {
  static_assert(list_of_buffers<Parts>,
                "rondo: reshard and shard files take a list of buffers, one for each tensor");
  check_parts(who, std::size(parts), tensors, rank);
  std::vector<std::span<const std::byte>> all;
  for (const auto& one : parts) {
    all.push_back(std::as_bytes(readable(one)));
    check_part(who, all.back().size(), tensors[all.size() - 1], rank);
  }
  return all;
}

template <class Parts>
[[nodiscard]] std::vector<std::span<std::byte>> writable_parts(
    const char* who, Parts& parts, std::span<const tensor_sharding> tensors, int rank) {
  static_assert(list_of_buffers<Parts>,
                "rondo: reshard and shard files take a list of buffers, one for each tensor");
  check_parts(who, std::size(parts), tensors, rank);
  std::vector<std::span<std::byte>> all;
  for (auto& one : parts) {
    all.push_back(std::as_writable_bytes(writable(one)));
    check_part(who, all.back().size(), tensors[all.size() - 1], rank);
  }
  return all;
}

/// Refuses memory that is written and read, or written twice: parts are copied in no stated order.
inline void check_parts_apart(const char* who, std::span<const std::span<const std::byte>> in,
                              std::span<const std::span<std::byte>> out, int rank) {
  struct stretch {
    std::uintptr_t first;
    std::uintptr_t end;
    bool written;
  };
  std::vector<stretch> all;
  const auto add = [&](const auto& parts, bool written) {
    for (const auto& one : parts) {
      if (!one.empty()) {
        const auto first = reinterpret_cast<std::uintptr_t>(one.data());
        all.push_back({first, first + one.size(), written});
      }
    }
  };
  add(in, false);
  add(out, true);
  std::sort(all.begin(), all.end(),
            [](const stretch& a, const stretch& b) { return a.first < b.first; });
  std::uintptr_t read_to = 0;
  std::uintptr_t written_to = 0;
  for (const stretch& one : all) {
    if (one.first < written_to || (one.written && one.first < read_to)) {
      refuse(std::string{who} + ": buffers of rank " + std::to_string(rank) +
                 " overlap; what it holds before and after is different memory",
             rank);
    }
    auto& to = one.written ? written_to : read_to;
    to = (std::max)(to, one.end);
  }
}

}  // namespace rondo::inline v0_1::detail
