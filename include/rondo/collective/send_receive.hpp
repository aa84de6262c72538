// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/call_site.hpp>
#include <rondo/collective/perform.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace rondo::inline v0_1 {
namespace detail {

template <class Comm, class Peer>
void check_peer(const char* verb, const Comm& comm, Peer peer, int tag_value) {
  if (peer.rank < 0 || peer.rank >= comm.size()) {
    refuse(std::string{verb} + ": rank " + std::to_string(peer.rank) + " of " +
               std::to_string(comm.size()) + " ranks; pass 0 .. " +
               std::to_string(comm.size() - 1),
           comm.rank());
  }
  if (tag_value < 0) {
    refuse(std::string{verb} + ": tag " + std::to_string(tag_value) + "; pass a number from 0 on",
           comm.rank());
  }
}

template <class Comm, class Body, class... Given>
auto launch_message(Comm& comm, const call& made, Body body, const Given&...) {
  if constexpr (number_given<policy::async, Given...> == 1) {
    return comm.begin_message(made, std::move(body));
  } else {
    comm.message(made, body);
  }
}

/// What a message must agree about: the type of its elements.
template <class T>
inline constexpr std::uint64_t message_kind = hash_of(type_name<T>());

struct send_call {
  template <class Comm, buffer Values, class... Given>
  static auto make(source_location where, Comm& comm, const Values& values,
                   const Given&... given) {
    check_policies<allow<policy::peer, policy::tag, policy::async>, Given...>();
    using T = element_of<Values>;
    const auto peer = choose<policy::peer>(nothing_given{}, given...);
    static_assert(std::is_same_v<std::remove_const_t<decltype(peer)>, to>,
                  "rondo: send needs to{rank}");
    const int tag_value = choose<policy::tag>(tag{0}, given...).value;
    check_peer("send", comm, peer, tag_value);
    const auto from = readable(values);
    static constexpr signature what{"send", type_name<T>()};
    const call made{&what, from.size(), peer.rank, where, static_cast<std::uint64_t>(tag_value)};
    return launch_message(
        comm, made,
        [from, peer, tag_value](auto& turn) {
          turn.send(peer.rank, static_cast<std::uint64_t>(tag_value), message_kind<T>,
                    reinterpret_cast<const std::byte*>(from.data()), from.size_bytes());
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
    const int tag_value = choose<policy::tag>(tag{0}, given...).value;
    check_peer("receive", comm, peer, tag_value);
    const auto into = writable(values);
    static constexpr signature what{"receive", type_name<T>()};
    const call made{&what, into.size(), peer.rank, where, static_cast<std::uint64_t>(tag_value)};
    return launch_message(
        comm, made,
        [into, peer, tag_value](auto& turn) {
          turn.receive(peer.rank, static_cast<std::uint64_t>(tag_value), message_kind<T>,
                       reinterpret_cast<std::byte*>(into.data()), into.size_bytes());
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
/// ranks with one tag arrive in order; other tags may be received first.
/// Errors: mismatch (count or type), timeout, revoked; error_code::invalid_argument.
RONDO_COLLECTIVE(send);

/// Receives values from one rank: exactly as many, of the same type, as were sent.
///
///     receive(comm, values, from{rank})       values: [count]
///     policies: from{rank}, tag{number} (0), async{}
RONDO_COLLECTIVE(receive);

}  // namespace rondo::inline v0_1
