// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/nccl/communicator.hpp>
#include <rondo/transport/nccl/detail/check.hpp>
#include <rondo/transport/nccl/environment.hpp>
#include <rondo/transport/nccl/file_exchange.hpp>
#include <rondo/version.hpp>

#include <cstdlib>
#include <string>

/// Ways to a communicator of one's own. All are collective; every rank has made its device current
/// before (cudaSetDevice).
namespace rondo::inline v0_1::nccl {

/// An id, or why there is none: all ranks hear of it.
struct id_or_failure {
  ncclUniqueId id{};
  ncclResult_t result = ncclSuccess;

  /// Rank 0 makes one.
  [[nodiscard]] static id_or_failure on(int rank) {
    detail::require_version(detail::library_version());
    id_or_failure made;
    made.result = rank == 0 ? ncclGetUniqueId(&made.id) : ncclSuccess;
    return made;
  }
};

/// From an id that one rank made with ncclGetUniqueId and handed to all.
[[nodiscard]] inline communicator connect(const ncclUniqueId& id, int rank, int size,
                                          const options& with = {}) {
  detail::require_version(detail::library_version());
  if (rank < 0 || rank >= size) {
    refuse("nccl::connect: rank " + std::to_string(rank) + " of " + std::to_string(size) +
           " ranks; pass 0 .. " + std::to_string(size - 1));
  }
  ncclComm_t made = nullptr;
  ncclConfig_t config = with.config;
  const ncclResult_t result = ncclCommInitRankConfig(&made, size, id, rank, &config);
  if (result != ncclSuccess && result != ncclInProgress) {
    detail::raise_failure(
        result,
        "ncclCommInitRankConfig on rank " + std::to_string(rank) + " of " + std::to_string(size),
        rank);
  }
  return communicator::adopt(made, with);
}

[[nodiscard]] inline communicator connect(const id_or_failure& shared, int rank, int size,
                                          const options& with) {
  if (shared.result != ncclSuccess) {
    detail::raise_failure(shared.result, "ncclGetUniqueId on rank 0", 0);
  }
  return connect(shared.id, rank, size, with);
}

/// Where ranks meet that were started by torchrun or the like.
struct meeting_place {
  /// A folder that all ranks see; where all are on one node, TMPDIR or /tmp if it is not given.
  std::string folder{};
  std::chrono::steady_clock::duration deadline = std::chrono::seconds{60};
};

/// From what a launcher tells its processes: the id travels in a file. Take
/// `environment::read().local_rank` for the device.
/// Errors: error_code::invalid_argument for an environment that makes no sense; `timeout`, which
/// names the ranks that have not come.
[[nodiscard]] inline communicator connect(const environment& told, const meeting_place& where = {},
                                          options with = {}) {
  std::string folder = where.folder;
  if (folder.empty()) {
    if (told.local_size != told.size) {
      refuse("nccl::connect: " + std::to_string(told.local_size) + " of " +
                 std::to_string(told.size) +
                 " ranks are on this node; pass meeting_place{.folder = ...}, a folder that all "
                 "nodes see",
             told.rank);
    }
    const char* temporary = std::getenv("TMPDIR");
    folder = temporary != nullptr ? temporary : "/tmp";
  }
  if (with.node_size == 1) {
    with.node_size = told.local_size;
  }
  const file_exchange exchange{folder, told.run, told.rank, told.size, where.deadline};
  return connect(exchange.share(id_or_failure::on(told.rank)), told.rank, told.size, with);
}

}  // namespace rondo::inline v0_1::nccl
