// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/transport/detail/background.hpp>
#include <rondo/transport/detail/check_color.hpp>
#include <rondo/transport/detail/guard.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/pending.hpp>
#include <rondo/transport/threads/detail/group.hpp>
#include <rondo/transport/threads/detail/membership.hpp>
#include <rondo/transport/threads/detail/turn.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace rondo::inline v0_1::threads {

/// One rank's handle on a group of threads. Used by the one thread whose rank it is.
class communicator {
 public:
  /// Calls are counted from `calls_made` on, which is the same on all ranks: what comes after four
  /// billion can be tried without making them.
  communicator(rondo::detail::shared<detail::group> in, int rank, std::uint32_t calls_made = 0)
      : in_{std::move(in)}, rank_{rank} {
    mine_.number = calls_made;
    mine_.sent.resize(2 * static_cast<std::size_t>(size()));
    mine_.low.resize(2 * static_cast<std::size_t>(size()));
    mine_.unsettled.reserve(static_cast<std::size_t>(size()));
  }

  /// Moving from a handle, or destroying it, waits for the calls that it has begun.
  communicator(communicator&&) noexcept = default;
  communicator& operator=(communicator&& other) noexcept {
    if (this != &other) {
      begun_ = std::move(other.begun_);
      in_ = std::move(other.in_);
      rank_ = other.rank_;
      mine_ = std::move(other.mine_);
      scratch_ = std::move(other.scratch_);
      widened_ = std::move(other.widened_);
      kept_ = std::move(other.kept_);
    }
    return *this;
  }
  ~communicator() { begun_.drain(); }

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return in_->size(); }

  /// How long a rank waits for another before it gives up on it.
  [[nodiscard]] std::chrono::steady_clock::duration deadline() const noexcept {
    return in_->around->deadline;
  }

  /// Processors that the ranks share.
  [[nodiscard]] int processors() const noexcept { return in_->around->processors; }

  /// Ranks that share memory: all of them.
  [[nodiscard]] int node_size() const noexcept { return size(); }

  /// Returns when the calls that this handle has begun have ended; throws what one that was dropped
  /// could not, unless a `wait()` has thrown since or `shrink()` was called. `run` does so when a
  /// body returns.
  void settle() const { begun_.drain_and_rethrow_untold(); }

  /// Makes one collective call: `body(turn)` runs when earlier asynchronous calls have ended.
  template <class Body>
  void collective(const call& made, const Body& body) {
    begun_.drain_and_rethrow();
    run_collective(made, body);
  }

  /// Begins one collective call on the communicator's own thread, after those begun before it.
  template <class Body>
  [[nodiscard]] pending begin_collective(const call& made, Body body) {
    return begun_.begin([this, made, body = std::move(body)] { run_collective(made, body); });
  }

  /// Makes one send or receive.
  template <class Body>
  void message(const call& made, const Body& body) {
    begun_.drain_and_rethrow();
    run_message(made, body);
  }

  template <class Body>
  [[nodiscard]] pending begin_message(const call& made, Body body) {
    return begun_.begin([this, made, body = std::move(body)] { run_message(made, body); });
  }

  /// Scratch and plans that live as long as this handle.
  [[nodiscard]] arena& scratch() noexcept { return scratch_; }
  [[nodiscard]] arena& widened() noexcept { return widened_; }
  [[nodiscard]] keepsakes& kept() noexcept { return kept_; }

  /// A communicator of those ranks that give the same `color`, ordered by `key`, then by rank.
  /// Collective. Errors: a negative color is refused.
  [[nodiscard]] communicator split(int color, int key = 0,
                                   source_location where = source_location::current()) {
    rondo::detail::check_color(color, rank_);
    static constexpr signature what{"split", ""};
    const call made{&what, 0, -1, where};
    detail::membership team;
    collective(made, [&](detail::turn& now) { team = detail::split(now, *in_, color, key); });
    return {std::move(team.in), team.rank};
  }

  /// The survivors of a failure, as a communicator that works, in the old order. Collective among
  /// the ranks that still run; who does not call it before the deadline is left out, and gets
  /// `revoked` if it comes later.
  [[nodiscard]] communicator shrink() {
    begun_.drain();
    begun_.told_for_good();
    auto rest = detail::survivors(*in_, rank_);
    return {std::move(rest.in), rest.rank};
  }

 private:
  template <class Body>
  void run_collective(const call& made, const Body& body) {
    auto& number = mine_.number;
    number += number + 1 == 0 ? 2 : 1;  // a word of 0 stands for no call
    const auto word = protocol::call_word(number, made.fingerprint());
    in_->of(rank_).calls[number % rondo::detail::records_kept].write(word, made);
    detail::turn now{*in_, mine_, rank_, made, word};
    rondo::detail::run_guarded(now, body);
  }

  template <class Body>
  void run_message(const call& made, const Body& body) {
    auto& shown = in_->of(rank_).message;
    shown.write(1, made);
    struct guard {
      std::atomic<std::uint64_t>& word;
      ~guard() { word.store(0, std::memory_order_release); }
    } const over{shown.word};
    detail::turn now{*in_, mine_, rank_, made, 0};
    rondo::detail::run_guarded(now, body);
  }

  /// First: before anything else of this handle moves, its calls end.
  rondo::detail::background begun_;
  rondo::detail::shared<detail::group> in_;
  int rank_;
  detail::private_state mine_;
  arena scratch_;
  arena widened_;
  keepsakes kept_;
};

static_assert(gives_turns<communicator> && begins_calls<communicator> &&
              takes_messages<communicator> && splits<communicator>);

}  // namespace rondo::inline v0_1::threads
