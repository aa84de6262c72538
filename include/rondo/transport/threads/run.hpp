// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/transport/threads/communicator.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

namespace rondo::inline v0_1 {

namespace detail {

#if defined(__cpp_exceptions)
/// The first failure of a run, and whose it was. One that only tells of another rank's failure
/// stands back.
class first_failure {
 public:
  /// Runs `body()` for rank `by`. What it throws is kept, and told to `failed(why)`.
  template <class Body, class Failed>
  void watch(int by, const Body& body, const Failed& failed) {
    try {
      body();
    } catch (const revoked& thrown) {
      const std::string why = thrown.what();  // what is kept may be another rank's to destroy
      keep(by, true);
      failed(why.c_str());
    } catch (const std::exception& thrown) {
      const std::string why = thrown.what();
      keep(by, false);
      failed(why.c_str());
    } catch (...) {
      keep(by, false);
      failed("an object that is no std::exception");
    }
  }

  void rethrow() const {
    if (!what_) {
      return;
    }
    try {
      std::rethrow_exception(what_);
    } catch (const mismatch&) {
      throw;
    } catch (const timeout&) {
      throw;
    } catch (const revoked&) {
      throw;
    } catch (const std::exception& thrown) {
      std::throw_with_nested(rank_failure{rank_, thrown.what()});
    } catch (...) {
      std::throw_with_nested(rank_failure{rank_, "an object that is no std::exception"});
    }
  }

 private:
  void keep(int by, bool tells_of_another) {
    const std::scoped_lock hold{lock_};
    if (!what_ || (echo_ && !tells_of_another)) {
      what_ = std::current_exception();
      rank_ = by;
      echo_ = tells_of_another;
    }
  }

  std::mutex lock_;
  std::exception_ptr what_;
  int rank_ = -1;
  bool echo_ = false;
};
#else
/// Without exceptions the first failure ends the program.
struct first_failure {
  template <class Body, class Failed>
  void watch(int, const Body& body, const Failed&) {
    body();
  }
  void rethrow() const {}
};
#endif

}  // namespace detail

namespace threads {

struct options {
  /// How long a rank waits for another before it gives up on it.
  std::chrono::steady_clock::duration deadline = std::chrono::seconds{30};
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
  const rondo::detail::shared<detail::world> around{new detail::world{ranks, with.deadline}};
  std::vector<int> everyone;
  for (int rank = 0; rank < ranks; ++rank) {
    everyone.push_back(rank);
  }
  const auto all = detail::group::make(around, std::move(everyone));

  rondo::detail::first_failure first;
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

}  // namespace threads
}  // namespace rondo::inline v0_1
