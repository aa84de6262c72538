// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/transport/detail/background.hpp>
#include <rondo/transport/detail/check_color.hpp>
#include <rondo/transport/detail/check_deadline.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/failure_texts.hpp>
#include <rondo/transport/detail/guard.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/mpi/detail/group.hpp>
#include <rondo/transport/mpi/detail/survivors.hpp>
#include <rondo/transport/mpi/detail/turn.hpp>
#include <rondo/transport/mpi/detail/window_turn.hpp>
#include <rondo/transport/pending.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::mpi {

/// The ranks of an MPI communicator, as rondo uses them.
///
///     MPI_Init(&argc, &argv);
///     {
///       rondo::mpi::communicator comm{MPI_COMM_WORLD};
///       rondo::all_reduce(comm, gradient);
///     }
///     MPI_Finalize();
///
/// It works on duplicates of the communicator given, so its messages and the user's never meet, and
/// frees them; MPI itself is begun and ended by the user. Making and destroying one is collective,
/// in the same order on all ranks, as for any MPI communicator.
///
/// Where all ranks are on one node, `automatic`, `one_shot` and `two_shot` go through shared
/// memory; every other algorithm, and all of them across nodes, through messages. `native{}` calls
/// MPI's own collective.
///
/// Asynchronous calls need MPI_THREAD_MULTIPLE; with less, they run to their end before they
/// return.
///
/// What is detected, and when, while ranks share memory: calls that do not agree (within 100 ms
/// where ranks have processors to themselves), a rank that has destroyed its communicator, circles
/// of waiting ranks, and everything else by the deadline. Through messages alone: messages of the
/// wrong size at once; calls that do not agree once both ranks wait; the rest by the deadline. A
/// rank whose part of a call is done without waiting returns from it, and hears of the failure when
/// it next waits. `native{}` is watched by nobody. A process that dies takes the MPI job with it in
/// most MPI libraries; rondo cannot survive that.
///
/// What a call that fails had begun to take it takes to its end, for 5 s at most, so that MPI does
/// not write to the caller's memory later. Nor does MPI then read what the call was sending, where
/// ranks share memory; through messages alone it may until the process ends.
///
/// Cost: about 1 MiB of shared memory per rank and communicator, touched when first used.
class communicator {
 public:
  /// Collective over `around`. Errors: error_code::transport if MPI is not running,
  /// error_code::invalid_argument for an intercommunicator or MPI_COMM_NULL, or a deadline of no
  /// time.
  explicit communicator(MPI_Comm around, options with = {})
      : communicator{around, with, (std::numeric_limits<int>::max)()} {}

  /// Moving waits for the calls that both handles have begun: they know where their handle is.
  communicator(communicator&& other) noexcept
      : options_{other.options_}, state_{(other.await_begun(), std::move(other.state_))} {}
  communicator& operator=(communicator&& other) noexcept {
    await_begun();
    other.await_begun();
    std::swap(options_, other.options_);
    std::swap(state_, other.state_);
    return *this;
  }

  [[nodiscard]] int rank() const noexcept { return state_->in.rank(); }
  [[nodiscard]] int size() const noexcept { return state_->in.size(); }

  /// How long a rank waits for another before it gives up on it.
  [[nodiscard]] std::chrono::steady_clock::duration deadline() const noexcept {
    return state_->in.deadline;
  }

  /// Ranks per node, where they are equally many on each and numbered node by node; else 1.
  [[nodiscard]] int node_size() const noexcept { return state_->in.where.node_size; }

  [[nodiscard]] bool on_one_node() const noexcept { return state_->in.where.node_ranks == size(); }

  /// Processors that the ranks may run on, ranks at most: this node's, and others' as if they had
  /// as many for as many ranks. For estimates: nodes may differ.
  [[nodiscard]] int processors_in_all() const noexcept {
    const auto& here = state_->in.where;
    const int all = static_cast<int>(1LL * size() * here.processors / here.node_ranks);
    return all < 1 ? 1 : all < size() ? all : size();
  }

  /// True where all ranks are on one node and share memory.
  [[nodiscard]] bool shares_memory() const noexcept { return state_->in.has_window(); }

  /// Returns when the calls that this handle has begun have ended; throws what one that was dropped
  /// could not, unless a `wait()` has thrown since or `shrink()` was called. Call it before the
  /// handle goes, if you drop asynchronous calls.
  void settle() const { state_->begun.drain_and_rethrow_untold(); }

  /// Makes one collective call: `body(turn)` runs when earlier asynchronous calls have ended.
  template <class Body>
  void collective(const call& made, const Body& body) {
    state_->begun.drain_and_rethrow();
    state_->run_collective(made, body);
  }

  /// Begins one collective call, after those begun before it.
  template <class Body>
  [[nodiscard]] pending begin_collective(const call& made, Body body) {
    if (!state_->has_threads) {
      state_->run_collective(made, body);
      return {};
    }
    return state_->begun.begin(
        [in = state_.get(), made, body = std::move(body)] { in->run_collective(made, body); });
  }

  /// Makes one send or receive.
  template <class Body>
  void message(const call& made, const Body& body) {
    state_->begun.drain_and_rethrow();
    state_->run_message(made, body);
  }

  template <class Body>
  [[nodiscard]] pending begin_message(const call& made, Body body) {
    if (!state_->has_threads) {
      state_->run_message(made, body);
      return {};
    }
    return state_->begun.begin(
        [in = state_.get(), made, body = std::move(body)] { in->run_message(made, body); });
  }

  /// Scratch and plans that live as long as this communicator.
  [[nodiscard]] arena& scratch() noexcept { return state_->scratch; }
  [[nodiscard]] arena& widened() noexcept { return state_->widened; }
  [[nodiscard]] keepsakes& kept() noexcept { return state_->kept; }

  /// A communicator of those ranks that give the same `color`, ordered by `key`, then by rank.
  /// Collective. Errors: a negative color is refused.
  [[nodiscard]] communicator split(int color, int key = 0,
                                   source_location where = source_location::current()) {
    rondo::detail::check_color(color, rank());
    static constexpr signature what{"split", ""};
    MPI_Comm part = MPI_COMM_NULL;
    collective(call{&what, 0, -1, where}, [&](auto& now) {
      now.meet();
      detail::check(MPI_Comm_split(state_->in.around(), color, key, &part), "MPI_Comm_split");
    });
    return adopt(part);
  }

  /// The survivors of a failure, as a communicator that works, in the old order. Collective among
  /// the ranks whose processes live. Where ranks share memory, who does not call it before the
  /// deadline is left out, and gets `revoked` if it comes later; where they do not, all must come.
  [[nodiscard]] communicator shrink() {
    detail::require_running("shrink");
    state_->begun.drain();
    state_->begun.told_for_good();
    auto& in = state_->in;
    in.fail(error_code::revoked, rank(), rondo::detail::text_of_leaving(rank()));
    return adopt(detail::survivors(in));
  }

 private:
  struct state {
    detail::group in;
    bool has_threads = false;
    arena scratch{};
    arena widened{};
    keepsakes kept{};

    state(MPI_Comm around, const options& with, int most_looks) : in{around, with, most_looks} {
      int level = MPI_THREAD_SINGLE;
      MPI_Query_thread(&level);
      has_threads = level == MPI_THREAD_MULTIPLE;
    }

    template <class Body>
    void run_collective(const call& made, const Body& body) {
      detail::require_running(made.what->collective);
      // A call may end without having met all peers, so its word tells of all calls before it, too.
      in.history = in.history * 0x9e3779b1u + made.fingerprint();
      const auto word = protocol::call_word(++in.calls_made, in.history);
      const auto slot = in.calls_made % rondo::detail::records_kept;
      in.own_board().calls[slot].write(word, made, in.told_calls[slot]);
      in.own_board().last_number.store(in.calls_made, std::memory_order_release);
      if (in.has_window()) {
        detail::window_turn now{in, made, word};
        rondo::detail::run_guarded(now, body);
      } else {
        detail::turn now{in, made, word};
        rondo::detail::run_guarded(now, body);
      }
    }

    template <class Body>
    void run_message(const call& made, const Body& body) {
      detail::require_running(made.what->collective);
      auto& shown = in.own_board().message;
      shown.write(1, made, in.told_message);
      struct guard {
        std::atomic<std::uint64_t>& word;
        ~guard() { word.store(0, std::memory_order_release); }
      } const over{shown.word};
      detail::turn now{in, made, 0};
      rondo::detail::run_guarded(now, body);
    }

    rondo::detail::background begun{};  ///< last: its calls end before what they use goes away
  };

  communicator(MPI_Comm around, const options& with, int most_looks) : options_{with} {
    detail::require_running("mpi::communicator");
    int between_groups = 0;
    if (around == MPI_COMM_NULL ||
        (MPI_Comm_test_inter(around, &between_groups), between_groups != 0)) {
      refuse("mpi::communicator: pass an intracommunicator such as MPI_COMM_WORLD");
    }
    rondo::detail::check_deadline("mpi::communicator", with.deadline);
    state_ = std::make_unique<state>(around, with, most_looks);
  }

  void await_begun() const noexcept {
    if (state_) {
      state_->begun.drain();
    }
  }

  /// A communicator of rondo's around one that is then freed.
  [[nodiscard]] communicator adopt(MPI_Comm part) const {
    const detail::owned_communicator release{part};
    return communicator{part, options_, state_->in.looks};
  }

  options options_;
  std::unique_ptr<state> state_;
};

static_assert(gives_turns<communicator> && begins_calls<communicator> &&
              takes_messages<communicator> && splits<communicator>);

}  // namespace rondo::inline v0_1::mpi
