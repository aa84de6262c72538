// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/processors.hpp>
#include <rondo/transport/mpi/detail/check.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <cstring>
#include <iterator>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace rondo::inline v0_1::mpi::detail {

/// Where the ranks of a communicator run.
struct place {
  int node_ranks = 1;  ///< ranks on this node
  /// The same, if every node has equally many, with neighbouring numbers; else 1.
  int node_size = 1;
  int processors = 1;       ///< that the ranks of this node may use together
  bool by_session = false;  ///< Linux schedules ranks of this node by session, and theirs differ

  [[nodiscard]] constexpr bool crowded() const noexcept { return node_ranks > processors; }
  /// Whether a rank that gives its processor away gives it to nobody: not to other sessions.
  [[nodiscard]] constexpr bool yields_in_vain() const noexcept { return crowded() && by_session; }
};

/// Processors of this node that its ranks together may run on: launchers bind each rank to a few.
[[nodiscard]] inline int processors_of(MPI_Comm node) {
#if defined(__linux__)
  cpu_set_t set = rondo::detail::allowed();
  std::uint64_t words[sizeof set / sizeof(std::uint64_t)];
  std::memcpy(words, &set, sizeof set);
  MPI_Allreduce(MPI_IN_PLACE, words, static_cast<int>(std::size(words)), MPI_UINT64_T, MPI_BOR,
                node);
  std::memcpy(&set, words, sizeof set);
  if (const int some = CPU_COUNT(&set); some > 0) {
    return some;
  }
#endif
  return rondo::detail::processors();
}

/// Whether the ranks of this node are in sessions of their own, as MPICH's launcher begins them, on
/// a system that shares processors among sessions before processes (sched(7), autogroup).
[[nodiscard]] inline bool are_scheduled_by_session(MPI_Comm node) {
#if defined(__linux__)
  char by_session = '0';
  if (const int file = open("/proc/sys/kernel/sched_autogroup_enabled", O_RDONLY | O_CLOEXEC);
      file >= 0) {
    static_cast<void>(!read(file, &by_session, 1));
    close(file);
  }
  const long session = getsid(0);
  long least[3] = {session, -session, by_session == '1' ? 0 : 1};
  MPI_Allreduce(MPI_IN_PLACE, least, 3, MPI_LONG, MPI_MIN, node);
  return least[0] != -least[1] && least[2] == 0;
#else
  static_cast<void>(node);
  return false;
#endif
}

/// Collective over `around`. With `ranks_per_node` not 0, as if so many neighbours had a node each.
[[nodiscard]] inline place find_place(MPI_Comm around, int ranks_per_node) {
  place found;
  int rank = 0;
  int node_rank = 0;
  MPI_Comm_rank(around, &rank);
  MPI_Comm raw = MPI_COMM_NULL;
  if (ranks_per_node > 0) {
    check(MPI_Comm_split(around, rank / ranks_per_node, rank, &raw), "MPI_Comm_split");
  } else {
    check(MPI_Comm_split_type(around, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &raw),
          "MPI_Comm_split_type");
  }
  const owned_communicator node{raw};
  MPI_Comm_rank(raw, &node_rank);
  MPI_Comm_size(raw, &found.node_ranks);
  found.processors = processors_of(raw);
  found.by_session = are_scheduled_by_session(raw);

  int first = rank;
  MPI_Bcast(&first, 1, MPI_INT, 0, raw);
  const int regular = first + node_rank == rank && first % found.node_ranks == 0;
  int bounds[3] = {found.node_ranks, -found.node_ranks, regular};
  MPI_Allreduce(MPI_IN_PLACE, bounds, 3, MPI_INT, MPI_MIN, around);
  const bool equal = bounds[0] == -bounds[1];
  found.node_size = equal && bounds[2] != 0 ? found.node_ranks : 1;
  return found;
}

}  // namespace rondo::inline v0_1::mpi::detail
