// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/chrono.hpp>
#include <rondo/transport/shared.hpp>
#include <rondo/transport/thread.hpp>
#include <rondo/transport/threads/communicator.hpp>
#include <rondo/version.hpp>

#include <exception>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// A rank's own code threw something; that is nested inside (std::rethrow_if_nested).
class rank_failure : public error {
 public:
  rank_failure(int rank, const std::string& what)
      : error(error_code::rank_failed, "rank " + std::to_string(rank) + ": " + what, rank) {}
};

namespace detail {

/// The first failure of a run, and whose it was. One that only tells of another rank's failure
/// stands back.
struct first_failure {
  std::mutex lock;
  std::exception_ptr what;
  int rank = -1;
  bool echo = false;

  void keep(std::exception_ptr thrown, int by, bool tells_of_another = false) {
    const std::scoped_lock hold{lock};
    if (!what || (echo && !tells_of_another)) {
      what = std::move(thrown);
      rank = by;
      echo = tells_of_another;
    }
  }

  void rethrow() const {
    if (!what) {
      return;
    }
    try {
      std::rethrow_exception(what);
    } catch (const mismatch&) {
      throw;
    } catch (const timeout&) {
      throw;
    } catch (const revoked&) {
      throw;
    } catch (const std::exception& thrown) {
      std::throw_with_nested(rank_failure{rank, thrown.what()});
    } catch (...) {
      std::throw_with_nested(rank_failure{rank, "an object that is no std::exception"});
    }
  }
};

}  // namespace detail

namespace threads {

struct options {
  /// How long a rank waits for another before it gives up on it.
  clock::duration deadline = std::chrono::seconds{30};
};

/// Runs `body(communicator&)` on `ranks` threads, one per rank, and returns when all have ended.
///
/// Errors: the first failure of any rank is rethrown, with the rank named, after all ranks have
/// ended; the others see `revoked` in whatever call they are in.
template <class Body>
void run(int ranks, Body&& body, options with = {}) {
  if (ranks < 1) {
    refuse("threads::run: " + std::to_string(ranks) + " ranks; pass at least 1");
  }
  const detail::shared<world> around{new world{ranks, with.deadline}};
  std::vector<int> everyone;
  for (int rank = 0; rank < ranks; ++rank) {
    everyone.push_back(rank);
  }
  const auto all = group::make(around, std::move(everyone));

  detail::first_failure first;
  const auto live = [&](int rank) {
    try {
      {
        communicator comm{all, rank};
        body(comm);
      }
      around->depart(rank, presence::returned, "");
    } catch (const revoked& thrown) {
      first.keep(std::current_exception(), rank, true);
      around->depart(rank, presence::threw, thrown.what());
    } catch (const std::exception& thrown) {
      first.keep(std::current_exception(), rank);
      around->depart(rank, presence::threw, thrown.what());
    } catch (...) {
      first.keep(std::current_exception(), rank);
      around->depart(rank, presence::threw, "an object that is no std::exception");
    }
  };

  std::vector<detail::thread> running;
  running.reserve(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    try {
      running.emplace_back([&live, rank] { live(rank); });
    } catch (const std::exception& thrown) {
      for (int missing = rank; missing < ranks; ++missing) {
        around->depart(missing, presence::threw, "its thread could not be started");
      }
      first.keep(std::current_exception(), rank);
      break;
    }
  }
  running.clear();  // joins
  first.rethrow();
}

}  // namespace threads
}  // namespace rondo::inline v0_1
