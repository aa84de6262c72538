// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/detail/backoff.hpp>
#include <rondo/transport/detail/failure_texts.hpp>
#include <rondo/transport/mpi/detail/check.hpp>
#include <rondo/transport/mpi/detail/group.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

/// Who goes on after a failure.
namespace rondo::inline v0_1::mpi::detail {

/// Ranks that want to go on, the same list for all of them. Whoever first sees that all who still
/// live have come, or that the deadline has passed, writes it down.
[[nodiscard]] inline std::vector<int> agree_on_survivors(group& in) {
  auto& state = in.of(0).reunion;
  const auto since = clock::now();
  auto patience = in.patience();
  while (state.load(std::memory_order_acquire) != 2) {
    bool complete = clock::now() - since > in.deadline;
    if (!complete) {
      complete = true;
      for (int other = 0; other < in.size(); ++other) {
        const auto& told = in.board_of(other);
        complete = complete && (told.wants_to_shrink.load(std::memory_order_acquire) ||
                                told.returned.load(std::memory_order_acquire));
      }
    }
    std::uint32_t open = 0;
    if (complete && state.compare_exchange_strong(open, 1, std::memory_order_acq_rel)) {
      for (int other = 0; other < in.size(); ++other) {
        const bool wants = in.board_of(other).wants_to_shrink.load(std::memory_order_acquire);
        in.of(other).survives.store(wants, std::memory_order_relaxed);
      }
      state.store(2, std::memory_order_release);
    }
    in.progress();  // messages of other communicators, for which a peer may wait before it comes
    static_cast<void>(patience.pause());
  }
  if (!in.of(in.rank()).survives.load(std::memory_order_acquire)) {
    rondo::detail::raise_shrunk_without(in.rank());
  }
  std::vector<int> present;
  for (int other = 0; other < in.size(); ++other) {
    if (in.of(other).survives.load(std::memory_order_relaxed)) {
      present.push_back(other);
    }
  }
  return present;
}

/// A duplicate of the communicator, if all ranks come for it before the deadline.
[[nodiscard]] inline MPI_Comm meet_all(const group& in) {
  MPI_Comm made = MPI_COMM_NULL;
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Comm_idup(in.around(), &made, &request), "MPI_Comm_idup");
  const auto since = clock::now();
  auto patience = in.patience();
  for (int done = 0; done == 0; static_cast<void>(patience.pause())) {
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Comm_idup");
    if (done == 0 && clock::now() - since > in.deadline) {
      raise(timeout{"shrink: without shared memory all " + std::to_string(in.size()) +
                        " ranks must call it, and some did not before the deadline",
                    in.rank()});
    }
  }
  return made;
}

/// Those who call this before the deadline, on a communicator of MPI's that the caller frees.
[[nodiscard]] inline MPI_Comm survivors(group& in) {
  if (in.own_board().wants_to_shrink.exchange(true, std::memory_order_acq_rel)) {
    rondo::detail::raise_shrunk_before(in.rank());
  }
  if (!in.has_window()) {
    return meet_all(in);
  }
  MPI_Comm made = MPI_COMM_NULL;
  const auto present = agree_on_survivors(in);
  MPI_Group all = MPI_GROUP_NULL;
  MPI_Group rest = MPI_GROUP_NULL;
  MPI_Comm_group(in.around(), &all);
  MPI_Group_incl(all, static_cast<int>(present.size()), present.data(), &rest);
  const int result = MPI_Comm_create_group(in.around(), rest, in.tag_limit, &made);
  MPI_Group_free(&all);
  MPI_Group_free(&rest);
  check(result, "MPI_Comm_create_group");
  return made;
}

}  // namespace rondo::inline v0_1::mpi::detail
