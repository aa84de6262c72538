// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/detail/check_deadline.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/transport/threads/communicator.hpp>
#include <rondo/transport/threads/detail/first_failure.hpp>
#include <rondo/transport/threads/options.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::threads {

/// Runs `body(communicator&)` on `ranks` threads, one per rank, and returns when all have ended.
///
/// Errors: no ranks and a deadline of no time are refused; the first failure of any rank is
/// rethrown, with the rank named, after all ranks have ended: an error of rondo's with its code,
/// anything else as `rank_failure`. The others see `revoked` in whatever call they are in.
template <class Body>
void run(int ranks, Body&& body, options with = {}) {
  if (ranks < 1) {
    refuse("threads::run: " + std::to_string(ranks) + " ranks; pass at least 1");
  }
  rondo::detail::check_deadline("threads::run", with.deadline);
  const rondo::detail::shared<detail::world> around{new detail::world{ranks, with.deadline}};
  std::vector<int> everyone;
  for (int rank = 0; rank < ranks; ++rank) {
    everyone.push_back(rank);
  }
  const auto all = detail::group::make(around, std::move(everyone));

  detail::first_failure first;
  const auto live = [&](int rank) {
    first.watch(
        rank,
        [&] {
          {
            communicator comm{all, rank};
            body(comm);
            comm.settle();
          }
          around->depart(rank, detail::presence::returned, "");
        },
        [&](const char* why) { around->depart(rank, detail::presence::threw, why); });
  };

  std::vector<rondo::detail::thread> running;
  running.reserve(static_cast<std::size_t>(ranks));
  bool complete = true;
  for (int rank = 0; rank < ranks && complete; ++rank) {
    first.watch(
        rank, [&] { running.emplace_back([&live, rank] { live(rank); }); },
        [&](const char*) {
          complete = false;
          for (int missing = rank; missing < ranks; ++missing) {
            around->depart(missing, detail::presence::threw, "its thread could not be started");
          }
        });
  }
  running.clear();  // joins
  first.rethrow();
}

}  // namespace rondo::inline v0_1::threads
