// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/detail/elements.hpp>
#include <rondo/device/detail/in_call.hpp>
#include <rondo/protocol/packs.hpp>

#include <limits>

namespace rondo::inline v0_1::device {

namespace detail {

/// Parcels of a message go to two mailboxes per pair of ranks in turn. Each pair counts its own, so
/// only the two ranks of a message make the call.
template <class T, class Group, class Turn, class From, class To>
RONDO_HOST_DEVICE bool pass_parcels(Group& group, Turn& mine, int to, int from, std::size_t count,
                                    const From& prologue, const To& epilogue) {
  constexpr std::size_t line = protocol::line_of<T>;
  const std::size_t each = mine.mail_bytes() / (line * sizeof(T)) * line;
  if (each == 0) {
    mine.cannot_stage(line * sizeof(T), 1);
    return false;
  }
  const int self = mine.rank();
  const std::uint64_t sent = to < 0 ? 0 : mine.sent_to(to);
  const std::uint64_t received = from < 0 ? 0 : mine.received_from(from);
  std::uint64_t parcel = 0;
  for (std::size_t first = 0; first < count; first += each, ++parcel) {
    const std::size_t some = count - first < each ? count - first : each;
    if (to >= 0) {
      const std::uint64_t number = sent + parcel;
      // The mailbox is free when the parcel before the last has been taken.
      const bool free = number < 2 || group.thread_rank() != 0 ||
                        mine.wait_for_count(to, mine.post_in(self, to).taken, number - 1);
      if (!protocol::agree(group, free && mine.usable())) {
        return false;
      }
      auto* const box =
          reinterpret_cast<T*>(mine.mailbox(to, self, static_cast<unsigned>(number & 1u)));
      protocol::store_each(group, box, prologue, first, some);
      group.sync();
      if (group.thread_rank() == 0) {
        protocol::publish(mine.post_in(to, self).sent, number + 1);
      }
    }
    if (from >= 0) {
      const std::uint64_t number = received + parcel;
      const bool here = group.thread_rank() != 0 ||
                        mine.wait_for_count(from, mine.post_in(self, from).sent, number + 1);
      if (!protocol::agree(group, here && mine.usable())) {
        return false;
      }
      const auto* const box =
          reinterpret_cast<const T*>(mine.mailbox(self, from, static_cast<unsigned>(number & 1u)));
      protocol::load_each(group, box, epilogue, first, some);
      group.sync();
      if (group.thread_rank() == 0) {
        protocol::publish(mine.post_in(from, self).taken, number + 1);
      }
    }
  }
  group.sync();
  if (group.thread_rank() == 0) {
    if (to >= 0) {
      mine.sent_to(to) = sent + parcel;
    }
    if (from >= 0) {
      mine.received_from(from) = received + parcel;
    }
  }
  return true;
}

/// The peer of a direction in which nothing goes; none of the user's is called so.
inline constexpr int nobody = (std::numeric_limits<int>::min)();

template <class T, class Group, class Window, class From, class To>
RONDO_HOST_DEVICE bool pass(Group& group, const Window& window, int to, int from, std::size_t count,
                            const From& prologue, const To& epilogue) {
  const part share = share_of<T>(window, count);
  return in_call(group, window, 0, [&](auto& mine) {
    for (const int peer : {to, from}) {
      if (peer != nobody && (peer < 0 || peer >= mine.size() || peer == mine.rank())) {
        mine.tell(trouble::bad_peer, peer, 0);
        return false;
      }
    }
    mine.keep_epoch();  // others make no step for this call
    return pass_parcels<T>(group, mine, to, from, share.count, moved{prologue, share.first},
                           moved{epilogue, share.first});
  });
}

struct no_values {
  template <class T>
  RONDO_HOST_DEVICE void operator()(std::size_t, const T&) const {}
};

}  // namespace detail

/// Sends `count` elements, `prologue(i)`, to another rank, which receives as many of the same type,
/// with as many blocks. Messages between two ranks arrive in the order they are sent; at most two
/// parcels of `mail_bytes` per slot are under way, then the sender waits for the receiver.
/// Called by all threads of a group, as all_reduce, but on the two ranks alone: no other rank
/// waits, and nothing is compared but that both come.
/// Cost: the elements are stored once in the receiver's window, which copies them out; one wait on
/// each side for every parcel of `mail_bytes` a block.
/// Errors: false, and the host is told, as all_reduce: `timeout` of a peer that did not come,
/// error_code::invalid_argument for a peer that is this rank or none, and for an element larger
/// than `mail_bytes`.
template <class Group, peer_window Window, class Prologue>
RONDO_HOST_DEVICE bool send(Group group, const Window& window, to peer, std::size_t count,
                            const Prologue& prologue) {
  using T = std::remove_cvref_t<std::invoke_result_t<const Prologue&, std::size_t>>;
  return detail::pass<T>(group, window, peer.rank, detail::nobody, count, prologue,
                         detail::no_values{});
}

/// Receives `count` elements from another rank: `epilogue(i, element)`. `T` is what was sent;
/// another type or count is not noticed, but for parcels that do not come. Cost and errors: as
/// send.
template <class T, class Group, peer_window Window, class Epilogue>
RONDO_HOST_DEVICE bool receive(Group group, const Window& window, from peer, std::size_t count,
                               const Epilogue& epilogue) {
  const auto nothing = [](std::size_t) -> T { return T{}; };
  return detail::pass<T>(group, window, detail::nobody, peer.rank, count, nothing, epilogue);
}

/// Sends to one rank while it receives from another: a step of a ring, say, of any length, where
/// sends alone would wait for each other. Cost and errors: as a send and a receive, whose waits are
/// one after the other for each parcel.
template <class Group, peer_window Window, class Prologue, class Epilogue>
RONDO_HOST_DEVICE bool send_receive(Group group, const Window& window, to receiver, from sender,
                                    std::size_t count, const Prologue& prologue,
                                    const Epilogue& epilogue) {
  using T = std::remove_cvref_t<std::invoke_result_t<const Prologue&, std::size_t>>;
  return detail::pass<T>(group, window, receiver.rank, sender.rank, count, prologue, epilogue);
}

/// The same from and to buffers, of any memory of the calling rank's.
template <class Group, peer_window Window, class T>
RONDO_HOST_DEVICE bool send(Group group, const Window& window, to peer, device_span<T> values) {
  return device::send(group, window, peer, values.size(),
                      protocol::values_at<std::remove_const_t<T>>{values.data()});
}
template <class Group, peer_window Window, class T>
RONDO_HOST_DEVICE bool receive(Group group, const Window& window, from peer,
                               device_span<T> values) {
  return device::receive<T>(group, window, peer, values.size(),
                            protocol::values_to<T>{values.data()});
}

}  // namespace rondo::inline v0_1::device
