// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1::protocol {

/// Shows every rank where every rank's buffers are, runs `body(input_of, output_of)` between entry
/// and exit, and returns when all ranks have run theirs. Nothing is copied: bodies load from peers'
/// inputs and store to peers' outputs, each rank a different part.
/// Cost: two latencies.
template <cooperative Group, peer_memory Peers, class Body>
RONDO_HOST_DEVICE bool rendezvous(Group& group, Peers& peers, const void* input, void* output,
                                  const Body& body) {
  entry& mine = peers.pad(peers.rank()).entered;
  group.sync();
  if (group.thread_rank() == 0) {
    mine.input = input;
    mine.output = output;
    publish(mine.word, peers.word());
  }
  if (!wait_for_all(peers, [&](int rank) -> std::uint64_t& {
        return peers.pad(rank).entered.word;
      })) {
    return false;
  }
  group.sync();
  peers.touch([&] {
    body([&](int rank) { return peers.pad(rank).entered.input; },
         [&](int rank) { return peers.pad(rank).entered.output; });
  });
  group.sync();
  if (group.thread_rank() == 0) {
    publish(peers.pad(peers.rank()).left.word, peers.word());
  }
  const bool complete = wait_for_all(
      peers, [&](int rank) -> std::uint64_t& { return peers.pad(rank).left.word; });
  group.sync();
  return complete;
}

}  // namespace rondo::inline v0_1::protocol
