// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/send_receive.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Sends that do not wait for their receivers, and need no thread to do so: the receiver takes the
/// bytes from where they lie. For programs that keep many messages under way, as pipelines do;
/// `receive` takes them like any other.
namespace rondo::inline v0_1 {

/// A message that was offered. Its bytes must stay where they are until `is_taken`.
struct offered {
  int to = 0;
  std::uint64_t number = 0;  ///< 0: the bytes have been copied
};

namespace detail {

/// A look at the state of messages, for the function `by`; a diagnosis may name it as a send.
template <class T, class Comm, class Body>
void look(std::string_view by, Comm& comm, int peer, int tag_value, source_location where,
          const Body& body) {
  check_peer({by, where}, comm.rank(), comm.size(), peer, tag_value);
  static constexpr signature what{"send", type_name<T>(), partner_kind::peer};
  comm.message(call{&what, 0, peer, where, static_cast<std::uint64_t>(tag_value)}, body);
}

}  // namespace detail

/// Offers values to one rank: they are received as if sent.
///
/// Does not wait on MPI, nor on thread ranks while fewer than 16 messages to that rank are pending.
/// On communicators that cannot offer it is a `send`.
/// Errors: as `send`; and those of the message show where it is received.
template <class Comm, buffer Values>
[[nodiscard]] offered offer(Comm& comm, const Values& values, to peer, tag number = {},
                            source_location where = source_location::current()) {
  using T = element_of<Values>;
  const auto from = readable(values);
  const auto* bytes = reinterpret_cast<const std::byte*>(from.data());
  offered made{peer.rank};
  detail::look<T>("offer", comm, peer.rank, number.value, where, [&](auto& turn) {
    const auto key = static_cast<std::uint64_t>(number.value);
    if constexpr (requires { turn.offer(peer.rank, key, key, bytes, from.size_bytes()); }) {
      made.number = turn.offer(peer.rank, key, detail::message_kind<T>, bytes, from.size_bytes());
    } else {
      turn.send(peer.rank, key, detail::message_kind<T>, bytes, from.size_bytes());
    }
  });
  return made;
}

/// Whether the bytes of an offer are the caller's again. Errors: as `has_room`.
template <class Comm>
[[nodiscard]] bool is_taken(Comm& comm, const offered& made,
                            source_location where = source_location::current()) {
  bool taken = true;
  if (made.number != 0) {
    detail::look<std::byte>("is_taken", comm, made.to, 0, where, [&](auto& turn) {
      if constexpr (requires { turn.is_taken(made.to, made.number); }) {
        taken = turn.is_taken(made.to, made.number);
      }
    });
  }
  return taken;
}

/// Whether an offer to this rank would return at once; always true where nobody can tell. Does not
/// wait for the peer. Errors: revoked; error_code::invalid_argument for a rank that is none.
template <class Comm>
[[nodiscard]] bool has_room(Comm& comm, to peer,
                            source_location where = source_location::current()) {
  bool room = true;
  detail::look<std::byte>("has_room", comm, peer.rank, 0, where, [&](auto& turn) {
    if constexpr (requires { turn.has_room(peer.rank); }) {
      room = turn.has_room(peer.rank);
    }
  });
  return room;
}

/// Whether a message of this tag can be received at once; always true where nobody can tell. Does
/// not wait for it. Errors: as `has_room`.
template <class Comm>
[[nodiscard]] bool has_arrived(Comm& comm, from peer, tag number = {},
                               source_location where = source_location::current()) {
  bool arrived = true;
  detail::look<std::byte>("has_arrived", comm, peer.rank, number.value, where, [&](auto& turn) {
    const auto key = static_cast<std::uint64_t>(number.value);
    if constexpr (requires { turn.has_arrived(peer.rank, key); }) {
      arrived = turn.has_arrived(peer.rank, key);
    }
  });
  return arrived;
}

}  // namespace rondo::inline v0_1
