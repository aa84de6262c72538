// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/transport/detail/backoff.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/diagnosis.hpp>
#include <rondo/transport/detail/failure_texts.hpp>
#include <rondo/transport/mpi/detail/circle.hpp>
#include <rondo/transport/mpi/detail/group.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstdint>
#include <string>

namespace rondo::inline v0_1::mpi::detail {

/// What a wait is for. Only a rank that has yet to make a call can be part of a circle; one whose
/// bytes are on their way cannot.
enum class waits { for_call, for_bytes };

/// One call of one rank, while it runs: whose it is, how it waits, and how it fails. Every wait
/// ends: with what it waits for, or with an exception that says why not.
class running_call {
 public:
  running_call(group& in, const call& made, std::uint64_t word)
      : in_{in}, call_{made}, word_{word} {
    if (in_.failed()) {
      in_.let_go();
      give_up();
    }
  }
  running_call(const running_call&) = delete;
  running_call& operator=(const running_call&) = delete;

  [[nodiscard]] int rank() const noexcept { return in_.rank(); }
  [[nodiscard]] int size() const noexcept { return in_.size(); }
  [[nodiscard]] bool on_one_node() const noexcept { return in_.where.node_ranks == in_.size(); }

  /// Ends the communicator for all ranks, then throws.
  [[noreturn]] void fail(error_code code, int culprit, const std::string& message) {
    in_.fail(code, culprit, message);
    give_up();
  }

  /// An exception is about to leave this call. Ends the communicator, unless it was refused before
  /// any peer saw it.
  void abandon(bool refused, const char* why) {
    if (!refused || seen_) {
      in_.fail(error_code::revoked, rank(), rondo::detail::text_of_exception(rank(), call_, why));
    }
  }

  /// Where this rank is, behind a message.
  [[nodiscard]] std::string place() const { return rondo::detail::text_of_place(rank(), call_); }

 protected:
  /// Before MPI is given memory to receive into, and may read a sender's for that: from now on
  /// senders that fail wait for this rank, where ranks share memory.
  void show_receiving() {
    auto& shown = in_.own_board().receiving;
    if (in_.has_window() && !shown.load(std::memory_order_relaxed)) {
      shown.store(true, std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_seq_cst);  // the mark, before the look
      if (in_.failed()) {
        give_up();
      }
    }
  }

  /// Returns when `done()` is true; looks so often before the processor is given away. Who has
  /// waited for long sleeps by `nap(time)`, where to yield may be in vain after `in_vain`.
  template <class Done, class Nap>
  void await(int peer, waits what, int looks, const Done& done, std::chrono::microseconds in_vain,
             const Nap& nap) {
    for (int look = 0; look < looks; ++look) {
      if (done()) {
        return;
      }
    }
    await_long(peer, what, done, in_vain, nap);
  }

  group& in_;
  const call& call_;
  std::uint64_t word_;
  bool seen_ = false;  ///< peers may have noticed this call

 private:
  template <class Done, class Nap>
  [[gnu::noinline]] void await_long(int peer, waits what, const Done& done,
                                    std::chrono::microseconds in_vain, const Nap& nap) {
    auto patience = in_.patience(in_vain);
    suspicion circle;
    auto& mine = in_.own_board().wait;
    clock::time_point since{};
    bool told = false;
    while (!done()) {
      if (in_.failed()) {
        withdraw(mine);
        give_up();
      }
      const bool due = patience.pause(nap);
      if (due || in_.offers.any_under_way()) {
        in_.progress();
      }
      if (!due) {
        continue;
      }
      const auto now = clock::now();
      if (since == clock::time_point{}) {
        since = now;
        announce(mine, what == waits::for_call ? peer : -1);
      }
      mine.looks.fetch_add(1, std::memory_order_release);
      in_.hear();
      if (!told && now - since > std::chrono::milliseconds{20}) {
        in_.tell();
        told = true;
      }
      const bool gone = in_.has_returned(peer);
      bool late = done();
      for (int look = 0; gone && !late && look < 100; ++look) {
        late = done();  // its last message may still be on its way through this node
      }
      if (late) {
        break;
      }
      const bool found =
          (word_ != 0 && rondo::detail::find_disagreement(in_, rank(), word_)) ||
          (gone && rondo::detail::find_absence(in_, peer, rank(), in_.calls_made, call_)) ||
          circle.confirmed(in_, in_.calls_made);
      if (!found && now - since > in_.deadline) {
        in_.fail(error_code::timeout, peer,
                 rondo::detail::text_of_wait(rank(), call_, in_.deadline) + "; " +
                     rondo::detail::account_of(in_, peer, in_.calls_made));
      }
    }
    withdraw(mine);
  }

  void announce(waiting& mine, int peer) noexcept {
    mine.peer.store(peer, std::memory_order_relaxed);
    mine.number.store(word_ != 0 ? in_.calls_made : 0, std::memory_order_relaxed);
    mine.stamp.fetch_add(1, std::memory_order_release);
  }
  static void withdraw(waiting& mine) noexcept {
    if (mine.stamp.load(std::memory_order_relaxed) % 2 != 0) {
      mine.stamp.fetch_add(1, std::memory_order_release);
    }
  }

  [[noreturn]] void give_up() {
    const auto& why = in_.why();
    raise_as(static_cast<error_code>(why.code), std::string(why.text, why.length) + place(),
             why.rank);
  }
};

}  // namespace rondo::inline v0_1::mpi::detail
