// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/diagnosis.hpp>
#include <rondo/transport/mpi/detail/group.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::mpi::detail {

/// Ranks that seem to wait for each other, or this one for a rank that waits in a later call. They
/// wait in vain if none of them has moved for a while although each has looked again: then nothing
/// is on its way to any of them.
class suspicion {
 public:
  /// Looks at all ranks once; true when this rank waits in vain, which ends the communicator.
  bool confirmed(group& in, std::uint32_t number) {
    auto now = follow(in);
    if (now.empty() || !same_waits(now)) {
      seen_ = std::move(now);
      since_ = clock::now();
      return false;
    }
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (now[i].looks < seen_[i].looks + 20) {
        return false;
      }
    }
    if (clock::now() - since_ < std::chrono::milliseconds{40}) {
      return false;
    }
    std::string text = gone_on(in, now.front().rank, now.back().rank)
                           ? "ranks disagree about call " + std::to_string(number) + ": "
                           : "ranks wait for each other: ";
    for (std::size_t i = 0; i < now.size(); ++i) {
      text += rondo::detail::account_of(in, now[i].rank, number) + (i + 1 < now.size() ? "; " : "");
    }
    in.fail(error_code::mismatch, now.front().rank, text);
    return true;
  }

 private:
  struct link {
    int rank;
    std::uint64_t stamp;
    std::uint64_t looks;
  };

  /// Whether `rank` waits in a collective call that `peer` has left behind: it has sent all that it
  /// had to.
  [[nodiscard]] static bool gone_on(const group& in, int rank, int peer) {
    const auto needs = in.board_of(rank).wait.number.load(std::memory_order_relaxed);
    return needs != 0 && static_cast<std::int32_t>(in.newest_call(peer) - needs) > 0;
  }

  /// The circle that leads from this rank back to it, or this rank and one that waits in a later
  /// call, or nothing.
  [[nodiscard]] static std::vector<link> follow(const group& in) {
    std::vector<link> path;
    int at = in.rank();
    bool ends = false;
    do {
      const auto& wait = in.board_of(at).wait;
      const link one{at, wait.stamp.load(std::memory_order_acquire),
                     wait.looks.load(std::memory_order_acquire)};
      const int next = wait.peer.load(std::memory_order_relaxed);
      const auto needs = wait.number.load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      const bool steady = wait.stamp.load(std::memory_order_relaxed) == one.stamp;
      if (one.stamp % 2 == 0 || !steady || path.size() > static_cast<std::size_t>(in.size())) {
        return {};
      }
      path.push_back(one);
      if (ends) {
        return path;
      }
      const bool in_this_call = next >= 0 && needs != 0 && in.newest_call(next) == needs;
      ends = next >= 0 && gone_on(in, at, next);
      if (next < 0 || in_this_call || (ends && at != in.rank())) {
        return {};
      }
      at = next;
    } while (ends || at != in.rank());
    return path;
  }

  [[nodiscard]] bool same_waits(const std::vector<link>& now) const {
    bool same = now.size() == seen_.size();
    for (std::size_t i = 0; same && i < now.size(); ++i) {
      same = now[i].rank == seen_[i].rank && now[i].stamp == seen_[i].stamp;
    }
    return same;
  }

  std::vector<link> seen_;
  clock::time_point since_{};
};

}  // namespace rondo::inline v0_1::mpi::detail
