// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/transport/detail/backoff.hpp>
#include <rondo/transport/detail/diagnosis.hpp>
#include <rondo/transport/detail/failure_texts.hpp>
#include <rondo/transport/detail/processors.hpp>
#include <rondo/transport/threads/detail/channel.hpp>
#include <rondo/transport/threads/detail/diagnosis.hpp>
#include <rondo/transport/threads/detail/group.hpp>
#include <rondo/transport/threads/detail/private_state.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace rondo::inline v0_1::threads::detail {

/// One call of one rank, while it runs: whose it is, how it waits, and how it fails. Every wait
/// ends: with what it waits for, or with an exception that says why not.
class running_call {
 public:
  running_call(group& in, private_state& mine, int rank, const call& made, std::uint64_t word)
      : in_{in}, mine_{mine}, call_{made}, word_{word}, rank_{rank} {
    if (in_.failed.load(std::memory_order_acquire) != nullptr) {
      give_up();
    }
  }
  running_call(const running_call&) = delete;
  running_call& operator=(const running_call&) = delete;

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return in_.size(); }
  [[nodiscard]] int processors() const noexcept { return in_.around->processors; }

  /// Ranks share processors.
  [[nodiscard]] bool crowded() const noexcept { return in_.around->crowded; }
  /// Shows the others which processor this rank is on now.
  void note_processor() noexcept {
    here_ = 1 + rondo::detail::processor_here();
    auto& shown = in_.processor_of[static_cast<std::size_t>(rank_)];
    if (shown.load(std::memory_order_relaxed) != here_) {
      shown.store(here_, std::memory_order_relaxed);
    }
  }
  /// Rank `peer` was on this rank's processor when it waited last.
  [[nodiscard]] bool beside(int peer) const noexcept {
    return in_.processor_of[static_cast<std::size_t>(peer)].load(std::memory_order_relaxed) ==
           here_;
  }

  /// Ends the communicator for all ranks, then throws.
  [[noreturn]] void fail(error_code code, int culprit, std::string message) {
    in_.fail(code, culprit, std::move(message));
    give_up();
  }

  /// An exception is about to leave this call: the operation threw, say. Ends the communicator, and
  /// returns when nobody uses this rank's buffers any more. A call that was refused before any peer
  /// saw it does no harm: every rank refuses it alike.
  void abandon(bool refused, const char* why) {
    if (refused && !seen_) {
      return;
    }
    in_.fail(error_code::revoked, rank_, rondo::detail::text_of_exception(rank_, call_, why));
    quiesce();
  }

  /// Where this rank is, behind a message.
  [[nodiscard]] std::string place() const { return rondo::detail::text_of_place(rank_, call_); }

 protected:
  [[nodiscard]] std::size_t slot_of(int peer, traffic which) const noexcept {
    return static_cast<std::size_t>((which == traffic::user ? size() : 0) + peer);
  }

  /// Returns when `word`, for which all ranks wait, equals `value`.
  void wait_for_signal(int peer, const std::uint64_t& word, std::uint64_t value) {
    wait_until(peer, word, value, false, looks_across);
  }
  /// Returns when `word` of a message equals `value`.
  void wait_for(int peer, const std::uint64_t& word, std::uint64_t value) {
    mine_.looks = wait_until(peer, word, value, false, mine_.looks);
  }
  /// Returns when `word` of a message no longer equals `value`.
  void wait_for_change(int peer, const std::uint64_t& word, std::uint64_t value) {
    mine_.looks = wait_until(peer, word, value, true, mine_.looks);
  }

  [[noreturn]] void give_up() {
    const failure why = *in_.failed.load(std::memory_order_acquire);
    quiesce();
    raise_as(why.code, why.message + place(), why.rank);
  }

  group& in_;
  private_state& mine_;
  const call& call_;
  std::uint64_t word_;  ///< of a collective call; 0: a message of the user
  int rank_;
  bool seen_ = false;  ///< peers may have noticed this call

 private:
  /// How often to look again for what this peer writes before the long wait. One that shares our
  /// processor is not looked for again: it cannot come while we look.
  [[nodiscard]] int looks_for(int peer, int looks) noexcept {
    if (!crowded()) {
      return looks_across;
    }
    note_processor();
    return beside(peer) ? 0 : looks;
  }

  /// Returns how often to look the next time, after `looks` this time. Inlined by force: 2 ranks
  /// that send 8 bytes to and fro take 8 % longer where it is a call (Zen 5, 2026-11-27).
  RONDO_ALWAYS_INLINE int wait_until(int peer, const std::uint64_t& word, std::uint64_t value,
                                     bool differs, int looks) {
    const auto done = [&] { return (protocol::observe(word) == value) != differs; };
    if (done()) {
      return looks;
    }
    const int most = looks_for(peer, looks);
    for (int look = 0; look < most; ++look) {
      rondo::detail::relax();
      if (done()) {
        return smaller(2 * looks, looks_across);
      }
    }
    wait_long(peer, word, value, differs);
    return most == 0 ? looks : larger(looks / 2, fewest_looks);
  }

  [[gnu::noinline]] void wait_long(int peer, const std::uint64_t& word, std::uint64_t value,
                                   bool differs) {
    rondo::detail::backoff patience;
    auto& mine = in_.of(rank_).wait;
    const auto stamp = mine.stamp.load(std::memory_order_relaxed);
    bool announced = false;
    clock::time_point since{};
    const auto done = [&] { return (protocol::observe(word) == value) != differs; };
    if (!crowded()) {  // but the system may have put both on one processor, where others are busy
      note_processor();
      for (int look = 0; look < rondo::detail::looks_alone && !beside(peer) && !done(); ++look) {
        rondo::detail::relax();
      }
    }
    while (!done()) {
      if (in_.failed.load(std::memory_order_acquire) != nullptr) {
        if (done()) {
          break;  // it came before the failure did
        }
        withdraw(mine, stamp, announced);
        give_up();
      }
      if (!patience.pause()) {
        continue;
      }
      const auto now = clock::now();
      if (!announced) {
        since = now;
        mine.peer.store(peer, std::memory_order_release);
        mine.word.store(&word, std::memory_order_release);
        mine.value.store(value, std::memory_order_release);
        mine.differs.store(differs, std::memory_order_release);
        mine.stamp.store(stamp + 1, std::memory_order_release);
        announced = true;
      }
      const bool gone = in_.presence_of(peer) != presence::running;
      if (done()) {
        break;
      }
      const bool found = (word_ != 0 && rondo::detail::find_disagreement(in_, rank_, word_)) ||
                         (gone && rondo::detail::find_absence(in_, peer, rank_, mine_.number, call_,
                                                              other_message_of(peer))) ||
                         find_circle(in_, rank_, mine_.number);
      if (!found && now - since > in_.around->deadline) {
        const int last = end_of_line(in_, peer);
        const std::string elsewhere = in_.elsewhere(last);
        in_.fail(
            error_code::timeout, last,
            rondo::detail::text_of_wait(rank_, call_, in_.around->deadline) + "; " +
                rondo::detail::account_of(in_, peer, mine_.number) +
                (last == peer ? "" : "; " + rondo::detail::account_of(in_, last, mine_.number)) +
                (elsewhere.empty() ? ""
                                   : "; rank " + std::to_string(last) + " waits in " + elsewhere +
                                         " on another communicator"));
      }
    }
    withdraw(mine, stamp, announced);
  }

  /// A message of a peer that this receive does not wait for, in words; empty if there is none.
  [[nodiscard]] std::string other_message_of(int peer) const {
    const auto text_of = [peer](const message& one) {
      return "; a message of rank " + std::to_string(peer) + " with tag " +
             std::to_string(one.key) + " lies there";
    };
    if (call_.what->collective != "receive") {
      return {};
    }
    if (const auto& kept = mine_.aside_of(peer); !kept.empty()) {
      return text_of(kept.front().what);
    }
    const auto& from = in_.between(peer, rank_, traffic::user);
    const auto posted = protocol::observe(from.posted);
    for (auto next = mine_.low[slot_of(peer, traffic::user)]; next < posted; ++next) {
      const auto& slot = from.envelopes[next % channel::depth];
      if (slot.taken != next + 1) {
        return text_of(slot);
      }
    }
    return {};
  }

  static void withdraw(waiting& mine, std::uint64_t stamp, bool announced) noexcept {
    if (announced) {
      mine.stamp.store(stamp + 2, std::memory_order_release);
    }
  }

  /// Returns when no peer uses this rank's buffers. None will begin, for the communicator is dead.
  void quiesce() noexcept {
    for (int rank = 0; rank < size(); ++rank) {
      while (rank != rank_ && in_.of(rank).touching.load(std::memory_order_seq_cst)) {
        rondo::detail::give_way();
      }
    }
    mine_.take_back();
  }

  int here_ = -1;  ///< 1 + the processor, when it was noted last
};

}  // namespace rondo::inline v0_1::threads::detail
