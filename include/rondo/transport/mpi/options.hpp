// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/chrono.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1::mpi {

/// What may be chosen for an `mpi::communicator`, the same on all of its ranks.
struct options {
  /// How long a rank waits for another before it gives up on it.
  std::chrono::steady_clock::duration deadline = std::chrono::seconds{30};
  /// Whether ranks that are all on one node meet in shared memory; otherwise by messages alone.
  enum class memory { shared, messages } memory = memory::shared;
  /// 0: nodes are as MPI finds them. Else so many neighbouring ranks count as a node, to see on one
  /// machine what many would do.
  int ranks_per_node = 0;
};

}  // namespace rondo::inline v0_1::mpi
