// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Everything over NCCL: `rondo::nccl::communicator comm{nccl_comm};`
#include <rondo/collective.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/reproducible.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/transport/nccl/communicator.hpp>
#include <rondo/transport/nccl/connect.hpp>
#include <rondo/version.hpp>

#include <span>

namespace rondo::inline v0_1::nccl {

/// From ranks that know each other already: threads, or MPI through `rondo::mpi::communicator`. The
/// new communicator has the same ranks in the same order, and needs `peers` no more.
template <class Peers>
requires(!takes_device_memory<Peers>) && requires(const Peers& peers) { peers.node_size(); }
[[nodiscard]] communicator connect(Peers& peers, options with = {}) {
  auto shared = id_or_failure::on(peers.rank());
  const std::span<id_or_failure> one{&shared, 1};
  rondo::broadcast(peers, one, root{0});
  if (with.node_size == 1) {
    with.node_size = peers.node_size();
  }
  return connect(shared, peers.rank(), peers.size(), with);
}

}  // namespace rondo::inline v0_1::nccl
