// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

namespace detail {

/// A pointer of rank `rank`, as this rank sees the same memory: where address spaces differ, the
/// peer memory has `seen_here(rank, pointer)`.
template <class Peers, class T>
RONDO_HOST_DEVICE T* seen_here(Peers& peers, int rank, T* pointer) {
  if constexpr (requires { peers.seen_here(rank, pointer); }) {
    return peers.seen_here(rank, pointer);
  } else {
    static_cast<void>(rank);
    return pointer;
  }
}

}  // namespace detail

/// Shows every rank where this rank's buffers are; true when every rank has shown its own.
/// Synchronises the group. Cost: one latency.
template <cooperative Group, peer_memory Peers>
RONDO_HOST_DEVICE bool enter(Group& group, Peers& peers, const void* input, void* output) {
  group.sync();
  return meet(
      group, peers, [](pad& of) -> std::uint64_t& { return of.entered.word; },
      [&](pad& to) {
        to.entered.input = input;
        to.entered.output = output;
      });
}

/// What rank `rank` has shown, as this rank sees the same memory.
template <peer_memory Peers>
[[nodiscard]] RONDO_HOST_DEVICE const void* input_of(Peers& peers, int rank) {
  return detail::seen_here(peers, rank, peers.pad(rank).entered.input);
}
template <peer_memory Peers>
[[nodiscard]] RONDO_HOST_DEVICE void* output_of(Peers& peers, int rank) {
  return detail::seen_here(peers, rank, peers.pad(rank).entered.output);
}

/// Shows every rank where every rank's buffers are, runs `body(input_of, output_of)` between entry
/// and exit, and returns when all ranks have run theirs. Nothing is copied: bodies load from peers'
/// inputs and store to peers' outputs, each rank a different part.
/// Cost: two latencies.
template <cooperative Group, peer_memory Peers, class Body>
RONDO_HOST_DEVICE bool rendezvous(Group& group, Peers& peers, const void* input, void* output,
                                  const Body& body) {
  if (!enter(group, peers, input, output)) {
    return false;
  }
  peers.touch([&] {
    body([&](int rank) { return protocol::input_of(peers, rank); },
         [&](int rank) { return protocol::output_of(peers, rank); });
  });
  group.sync();
  return meet(group, peers, [](pad& of) -> std::uint64_t& { return of.left.word; });
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
