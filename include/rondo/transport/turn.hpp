// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// What a transport gives to a call while it runs: a turn.
namespace rondo::inline v0_1 {

/// A message to rank `peer`.
struct outgoing {
  int peer;
  const std::byte* data;
  std::size_t bytes;
};
/// A message of `bytes` bytes from rank `peer`. `into` may be null: then it is shown to its reader,
/// and nothing more.
struct incoming {
  int peer;
  std::byte* into;
  std::size_t bytes;
};

namespace detail {

/// Sees message k where it arrived; stands for any callable of this form.
using arrival = void (*)(std::size_t, const std::byte*);

}  // namespace detail

/// A turn that runs schedules.
///  - `word()`  the number of the call in its upper half, equal on all ranks
///  - `exchange(out, in, arrived)`  one round: sends all of `out`, takes all of `in` in that order,
///    calls `arrived(k, bytes)` for each, and returns when the bytes of `out` are the caller's. A
///    message without memory of its own is there while `arrived` sees it, where it lies with its
///    sender or from a multiple of 64 bytes on: elements may be aligned to that
template <class Turn>
concept exchanging = requires(Turn& turn, const std::vector<outgoing>& out,
                              const std::vector<incoming>& in, detail::arrival arrived) {
  { turn.rank() } -> std::convertible_to<int>;
  { turn.size() } -> std::convertible_to<int>;
  { turn.word() } -> std::same_as<std::uint64_t>;
  turn.exchange(out, in, arrived);
};

/// A turn whose messages may be under way together, as a codec has them with long buffers. Those
/// between two ranks are taken in the order they were lent, separately for streams 0 and 1.
///  - `lend(out, stream)`  gives messages away; their bytes stay where they are until `settle()`
///  - `take(in, arrived, stream)`  takes messages in the order given
///  - `settle()`  returns when peers have taken what was lent
///  - `fail(code, rank, text)`  ends the communicator for all ranks, then throws
template <class Turn>
concept lending = exchanging<Turn> &&
    requires(Turn& turn, const std::vector<outgoing>& out, const std::vector<incoming>& in,
             detail::arrival arrived, unsigned stream, std::string text) {
  turn.lend(out, stream);
  turn.take(in, arrived, stream);
  turn.settle();
  turn.fail(error_code::mismatch, 0, text);
};

/// A turn that carries tagged messages of the user's; `kind` must agree on both sides.
template <class Turn>
concept messaging = requires(Turn& turn, const std::byte* from, std::byte* into, std::uint64_t tag,
                             std::uint64_t kind, std::size_t bytes) {
  turn.send(0, tag, kind, from, bytes);
  turn.receive(0, tag, kind, into, bytes);
};

/// A turn that a failure inside a call can be reported to; see transport/detail/guard.hpp.
template <class Turn>
concept abandonable = requires(Turn& turn, bool refused, const char* why) {
  turn.abandon(refused, why);
  { turn.place() } -> std::same_as<std::string>;
};

/// A turn whose memory is not the host's: it has work on elements done there, in the order in which
/// it is told, between the messages that it exchanges; those without memory of their own stay until
/// the next exchange.
///  - `each(count, body)`  body(i) for i < count
///  - `copy(into, from, bytes)`
template <class Turn>
concept works_elsewhere = requires(Turn& turn, void (*body)(std::size_t), void* into,
                                   const void* from, std::size_t bytes) {
  turn.each(bytes, body);
  turn.copy(into, from, bytes);
};

/// True of a turn whose peers' memory can be loaded and stored.
template <class Turn>
inline constexpr bool shares_memory = requires {
  requires Turn::shares_memory;
  requires protocol::peer_memory<Turn>;
};

}  // namespace rondo::inline v0_1
