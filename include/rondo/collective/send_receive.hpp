// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace rondo::inline v0_1 {
namespace detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_peer(caller by, int rank, int size,
                                                               int peer) {
  refuse(by.describe() + ": rank " + std::to_string(peer) + " of " + std::to_string(size) +
             " ranks; pass 0 .. " + std::to_string(size - 1),
         rank);
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_tag(caller by, int rank, int tag_value) {
  refuse(by.describe() + ": tag " + std::to_string(tag_value) + "; pass a number from 0 on", rank);
}

inline void check_peer(caller by, int rank, int size, int peer, int tag_value) {
  if (peer < 0 || peer >= size) {
    refuse_peer(by, rank, size, peer);
  }
  if (tag_value < 0) {
    refuse_tag(by, rank, tag_value);
  }
}

/// What a message must agree about: the type of its elements.
template <class T>
inline constexpr std::uint64_t message_kind = hash_of(type_name<T>());

/// Makes one message call, or begins it: `move(turn, peer, tag, kind)` moves the bytes.
template <class T, class Comm, class Move, class... Given>
auto launch_message(const signature& what, source_location where, Comm& comm, int peer,
                    std::size_t count, const Move& move, const Given&... given) {
  static_assert(takes_messages<Comm>,
                "rondo: this communicator has no messages for send and receive; see "
                "rondo/transport/communicator.hpp");
  const int tag_value = choose<policy::tag>(tag{0}, given...).value;
  check_peer({what.collective, where}, comm.rank(), comm.size(), peer, tag_value);
  const auto key = static_cast<std::uint64_t>(tag_value);
  const call made{&what, count, peer, where, key};
  const auto body = [move, peer, key](auto& turn) { move(turn, peer, key, message_kind<T>); };
  if constexpr (number_given<policy::async, Given...> == 1) {
    static_assert(
        requires { comm.begin_message(made, body); },
        "rondo: this communicator has no messages for async{}; see "
        "rondo/transport/communicator.hpp");
    return comm.begin_message(made, body);
  } else {
    comm.message(made, body);
  }
}

struct send_call {
  template <class Comm, buffer Values, class... Given>
  static auto make(source_location where, Comm& comm, const Values& values, const Given&... given) {
    check_policies<allow<policy::peer, policy::tag, policy::async>, Given...>();
    using T = element_of<Values>;
    const auto peer = choose<policy::peer>(nothing_given{}, given...);
    static_assert(std::is_same_v<std::remove_const_t<decltype(peer)>, to>,
                  "rondo: send needs to{rank}");
    static constexpr signature what{"send", type_name<T>(), partner_kind::peer};
    const auto bytes = std::as_bytes(readable(values));
    return launch_message<T>(
        what, where, comm, peer.rank, std::size(values),
        [bytes](auto& turn, int rank, std::uint64_t key, std::uint64_t kind) {
          turn.send(rank, key, kind, bytes.data(), bytes.size());
        },
        given...);
  }
};

struct receive_call {
  template <class Comm, writable_buffer Values, class... Given>
  static auto make(source_location where, Comm& comm, Values& values, const Given&... given) {
    check_policies<allow<policy::peer, policy::tag, policy::async>, Given...>();
    using T = element_of<Values>;
    const auto peer = choose<policy::peer>(nothing_given{}, given...);
    static_assert(std::is_same_v<std::remove_const_t<decltype(peer)>, from>,
                  "rondo: receive needs from{rank}");
    static constexpr signature what{"receive", type_name<T>(), partner_kind::peer};
    const auto bytes = std::as_writable_bytes(writable(values));
    return launch_message<T>(
        what, where, comm, peer.rank, std::size(values),
        [bytes](auto& turn, int rank, std::uint64_t key, std::uint64_t kind) {
          turn.receive(rank, key, kind, bytes.data(), bytes.size());
        },
        given...);
  }
};

}  // namespace detail

/// Sends values to one rank.
///
///     send(comm, values, to{rank})            values: [count]
///     policies: to{rank}, tag{number} (0), async{}
///
/// Returns when `values` may be changed: on thread ranks at once up to 1 KiB (while fewer than 16
/// messages to that rank wait), and when the receiver has taken them above. Messages between two
/// ranks with one tag arrive in order; other tags may be received first. Asynchronous calls of one
/// communicator run one after another: ranks that all begin a long send to their neighbour in a
/// ring and the receive behind it wait for each other. Let one of them receive first.
///
/// Cost: one message; one copy up to 1 KiB on thread ranks, above it the receiver's alone. On MPI
/// one message up to 4,000 bytes, above it a header and the values; up to 4,000 bytes to the rank
/// itself are copied twice, and wait for nobody.
/// Errors: mismatch (count or type), timeout, revoked; error_code::invalid_argument for a rank that
/// is none, or a negative tag.
RONDO_COLLECTIVE(send);

/// Receives values from one rank: exactly as many, of the same type, as were sent.
///
///     receive(comm, values, from{rank})       values: [count]
///     policies: from{rank}, tag{number} (0), async{}
///
/// Returns when the values are here. Takes the first message of that tag; those of other tags stay
/// until they are asked for.
///
/// Cost: one latency, and one copy of the bytes: on thread ranks from the sender's own memory above
/// 1 KiB. Errors: as `send`; a message of another count or type is a mismatch, and ends the
/// communicator.
RONDO_COLLECTIVE(receive);

}  // namespace rondo::inline v0_1
