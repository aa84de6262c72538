// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/chrono.hpp>
#include <rondo/version.hpp>

#include <nccl.h>

namespace rondo::inline v0_1::nccl {

/// What may be chosen for an `nccl::communicator`.
struct options {
  /// Above 0: how long the host waits for NCCL where it does not block (`config.blocking = 0`); a
  /// call that blocks waits for as long as NCCL does. And how long `communicator::wait` does for a
  /// stream.
  std::chrono::steady_clock::duration deadline = std::chrono::minutes{5};
  /// Ranks per node, numbered node by node: what `hierarchical{}` takes for its inner size, and
  /// `nccl::nodes` for its nodes; 1 where nobody knows, as in what is split from a communicator.
  int node_size = 1;
  /// Whether an error that ends a communicator aborts one that is owned at once, so that kernels
  /// end before any memory is freed, which waits for them. False keeps it for `shrink`; then call
  /// that, or `abort`, before memory of the device goes.
  bool abort_on_error = true;
  /// For communicators that are made here.
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
};

}  // namespace rondo::inline v0_1::nccl
