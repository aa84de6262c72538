// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>

namespace rondo::inline v0_1::threads::detail {

/// Messages of collectives and those of the user do not meet.
enum class traffic : std::uint8_t { collective, user };

/// A message on offer: where its bytes are and what it is for.
struct message {
  std::uint64_t key = 0;   ///< the word of a collective call, or a tag
  std::uint64_t kind = 0;  ///< fingerprint of count and type, compared when a message is taken
  const std::byte* data = nullptr;
  std::size_t bytes = 0;
  bool borrowed = true;  ///< the bytes are the sender's own; it waits until they are taken
};
struct alignas(64) envelope : message {
  alignas(64) std::uint64_t taken = 0;  ///< written by the receiver: 1 + number of the message
  std::uint64_t taken_of_list = 0;      ///< the receiver's own: how many of a list
};

/// One of several messages that are on offer as one: `data` of that is where they are, `bytes` how
/// many.
struct listed {
  const std::byte* data;
  std::size_t bytes;
};
inline constexpr std::uint64_t list_kind = 1;  ///< other messages of collectives have kind 0

/// Messages from one rank to another. One writer, one reader, no lock. Messages of equal key are
/// taken in the order they were sent; others may overtake.
struct channel {
  static constexpr std::uint64_t depth = 16;
  static constexpr std::size_t eager_bytes = 1024;  ///< shorter messages are copied, not lent

  envelope envelopes[depth];
  alignas(64) std::uint64_t posted = 0;  ///< written by the sender: number of messages so far
  std::byte eager[depth][eager_bytes];
};

}  // namespace rondo::inline v0_1::threads::detail
