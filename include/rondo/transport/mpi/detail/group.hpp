// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/detail/backoff.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/mpi/detail/board.hpp>
#include <rondo/transport/mpi/detail/check.hpp>
#include <rondo/transport/mpi/detail/offers.hpp>
#include <rondo/transport/mpi/detail/place.hpp>
#include <rondo/transport/mpi/detail/window.hpp>
#include <rondo/transport/mpi/options.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

namespace rondo::inline v0_1::mpi::detail {

using rondo::detail::clock;

/// A message of the user that was taken off the wire before anybody asked for it.
struct unclaimed {
  int peer;
  std::uint64_t tag;
  std::uint64_t kind;
  std::uint64_t bytes;
  std::uint64_t number;
  std::vector<std::byte> eager;
};

/// How often to look again before the processor is given away, given how many ranks of the node
/// share how many processors. Where they share, the rank waited for may need ours: measured with 8
/// ranks on 2 cores, 4000 looks make an 8-byte all-reduce fourteen times slower than 20
/// (Skylake-SP), and 20 a third slower than 4 (Zen 5).
[[nodiscard]] constexpr int looks_for(const place& where) noexcept {
  return where.crowded() ? 4 : rondo::detail::looks_alone;
}

/// What one process knows about one communicator.
class group {
 public:
  /// Collective over `around`, all of whose ranks give equal options.
  group(MPI_Comm around, const options& with, int most_looks)
      : deadline{with.deadline}, around_{duplicate(around)}, users_{duplicate(around)} {
    MPI_Comm_rank(around_.get(), &rank_);
    MPI_Comm_size(around_.get(), &size_);
    where = find_place(around_.get(), with.ranks_per_node);
    name = named_together(around_.get(), rank_);
    looks = (std::min)(most_looks, looks_for(where));
    if (where.node_ranks == size_ && with.memory == options::memory::shared) {
      memory_ = window::allocate(around_.get());
    }
    if (!memory_) {
      boards_.reset(new board[static_cast<std::size_t>(size_)]);
      verdict_ = std::make_unique<verdict>();
    }
    int found = 0;
    const int* limit = nullptr;
    MPI_Comm_get_attr(around_.get(), MPI_TAG_UB, static_cast<void*>(&limit), &found);
    tag_limit = found != 0 ? *limit : 32767;
    while (tag_bits < 30 && (2LL << tag_bits) - 1 <= tag_limit) {
      ++tag_bits;
    }
    sent.resize(static_cast<std::size_t>(size_), 0);
  }
  group(const group&) = delete;
  group& operator=(const group&) = delete;

  /// Leaves. Shared memory goes back when all have left; after a rank that waited in vain for the
  /// others to leave, all keep it until their processes end.
  ~group() {
    if (!is_running()) {
      return;
    }
    const bool all_taken = offers.abandon();
    own_board().returned.store(true, std::memory_order_release);
    if (failed() || !notes_.empty() || !all_taken) {
      // Messages that nobody took are still about: no later communicator may get their context.
      around_.leak();
      users_.leak();
    }
    if (!memory_) {
      hear();
      return;
    }
    const bool all_left = await_departures();
    auto how = parting::open;
    if (of(0).how.compare_exchange_strong(how, all_left ? parting::together : parting::apart)) {
      how = of(0).how;
    }
    if (how == parting::together) {
      memory_->free();
    } else {
      around_.leak();
      users_.leak();
    }
  }

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }
  [[nodiscard]] MPI_Comm around() const noexcept { return around_.get(); }
  [[nodiscard]] MPI_Comm users() const noexcept { return users_.get(); }
  [[nodiscard]] bool has_window() const noexcept { return memory_.has_value(); }
  [[nodiscard]] segment& of(int rank) const noexcept { return memory_->of(rank); }
  /// How long a rank that leaves, or gives a call up, waits for others to be done with it.
  [[nodiscard]] clock::duration parting_time() const noexcept {
    return (std::min)(deadline, clock::duration{std::chrono::seconds{5}});
  }
  /// How to wait for long; where to yield may be in vain it is tried for so long.
  [[nodiscard]] rondo::detail::backoff patience(
      std::chrono::microseconds in_vain = std::chrono::microseconds{100}) const noexcept {
    return where.yields_in_vain() ? rondo::detail::backoff{in_vain} : rondo::detail::backoff{};
  }
  /// Whether ranks that wait for a signal may sleep until its writer rings.
  [[nodiscard]] bool rings() const noexcept { return has_window() && where.yields_in_vain(); }

  /// Messages of one call go under one tag: as many bits as there are of its number and of what was
  /// called where, so that messages of calls that do not agree do not meet.
  [[nodiscard]] int tag_of(std::uint64_t word) const noexcept {
    const int low = tag_bits / 2;
    const auto number = static_cast<std::uint32_t>(word >> 32);
    const auto mask = (std::uint32_t{1} << low) - 1;
    const auto called = static_cast<std::uint32_t>(word ^ name);
    return static_cast<int>(((number << low) | (called & mask)) &
                            ((std::uint32_t{1} << tag_bits) - 1));
  }

  // --- what a diagnosis reads ----------------------------------------------------------------

  static constexpr const char* what_ends_a_rank = "left its communicator";
  [[nodiscard]] board& board_of(int rank) const noexcept {
    return memory_ ? memory_->of(rank).told : boards_[static_cast<std::size_t>(rank)];
  }
  [[nodiscard]] board& own_board() const noexcept { return board_of(rank_); }
  [[nodiscard]] std::uint64_t word_of(int rank, std::uint32_t number) const noexcept {
    const auto word = board_of(rank).calls[number % rondo::detail::records_kept].word.load(
        std::memory_order_acquire);
    return word >> 32 == number ? word : 0;
  }
  [[nodiscard]] std::string call_of(int rank, std::uint32_t number) const {
    return board_of(rank).calls[number % rondo::detail::records_kept].describe(
        word_of(rank, number));
  }
  [[nodiscard]] std::uint32_t newest_call(int rank) const noexcept {
    return board_of(rank).last_number.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::string message_of(int rank) const {
    const auto& shown = board_of(rank).message;
    const auto word = shown.word.load(std::memory_order_acquire);
    return word != 0 ? shown.describe(word) : std::string{};
  }
  [[nodiscard]] bool has_returned(int rank) const noexcept {
    return board_of(rank).returned.load(std::memory_order_acquire);
  }

  /// A call ends: returns when MPI no longer uses its buffers, as far as that can be had. Where
  /// ranks share memory, one that fails waits for the receives of peers, which may take what it has
  /// begun to send; none begins later.
  void let_go() {
    end_receives();
    const bool sending =
        offers.any_under_way() || std::any_of(sends.begin(), sends.end(), [](MPI_Request one) {
          return one != MPI_REQUEST_NULL;
        });
    if (!sending || !memory_ || !failed()) {
      return;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);  // the failure was seen before the marks
    const auto since = clock::now();
    auto pause = patience();
    for (int other = 0; other < size_ && clock::now() - since <= parting_time();) {
      if (board_of(other).receiving.load(std::memory_order_acquire)) {
        progress();
        static_cast<void>(pause.pause());
      } else {
        ++other;
      }
    }
  }

  // --- the end -------------------------------------------------------------------------------

  [[nodiscard]] verdict& why() const noexcept { return memory_ ? memory_->of(0).why : *verdict_; }
  [[nodiscard]] bool failed() const noexcept { return why().stands(); }
  /// Ends this communicator for all ranks. The first reason stands.
  void fail(error_code code, int culprit, const std::string& message) {
    if (failed()) {
      return;
    }
    why().write(code, culprit, message);
    if (!memory_) {
      send_note(&why(), sizeof(verdict));
    }
  }

  /// Messages move while their ranks are inside MPI: the sender has a part to play until the last
  /// byte is gone, and the receiver in telling that it has them. A rank that waits in shared memory
  /// looks in now and then, or who waits for its messages waits for ever.
  void progress() const noexcept {
    if (memory_) {
      int waits = 0;
      MPI_Iprobe(MPI_ANY_SOURCE, note_tag, users_.get(), &waits, MPI_STATUS_IGNORE);
    }
  }

  /// Where there is no shared memory: tells the others what this rank is in.
  void tell() {
    if (!memory_) {
      send_note(&own_board(), sizeof(board));
    }
  }
  /// Where there is no shared memory: hears what others have told.
  void hear() {
    int waits = memory_ ? 0 : 1;
    while (waits != 0) {
      MPI_Status status{};
      if (MPI_Iprobe(MPI_ANY_SOURCE, note_tag, users_.get(), &waits, &status) != MPI_SUCCESS ||
          waits == 0) {
        return;
      }
      int bytes = 0;
      MPI_Get_count(&status, MPI_BYTE, &bytes);
      const bool is_verdict = bytes == static_cast<int>(sizeof(verdict));
      verdict heard{};
      void* into = is_verdict ? static_cast<void*>(&heard) : &board_of(status.MPI_SOURCE);
      MPI_Recv(into, bytes, MPI_BYTE, status.MPI_SOURCE, note_tag, users_.get(), MPI_STATUS_IGNORE);
      if (is_verdict) {
        why().write(static_cast<error_code>(heard.code), heard.rank, {heard.text, heard.length});
      }
    }
  }

  clock::duration deadline;
  place where;
  int looks = 0;  ///< before this rank gives its processor away
  int tag_limit = 32767;
  int tag_bits = 14;
  /// The same on all ranks, and another one for every communicator. MPI may give its context to a
  /// later one while messages are about that nobody took.
  std::uint64_t name = 0;

  // What this rank keeps to itself.
  std::uint32_t calls_made = 0;  ///< number of the last collective call
  std::uint32_t history = 0;     ///< of what was called so far
  protocol::counters used{};
  record::site told_calls[rondo::detail::records_kept];
  record::site told_message;
  std::vector<std::uint64_t> sent;  ///< large messages of the user, by peer
  std::vector<unclaimed> taken;
  std::size_t own_announced = 0;  ///< long messages to this rank itself that are not in `taken`
  offers_under_way offers;
  arena inbox;
  arena outbox;
  std::vector<MPI_Request> receives;
  std::vector<MPI_Request> sends;
  struct lent_message {
    int peer;
    std::size_t bytes;
  };
  std::vector<lent_message> lent;  ///< what `sends` carries for collectives

 private:
  static_assert(sizeof(board) != sizeof(verdict));
  static constexpr int note_tag = 1;

  /// Cancels the receives of a call. What has begun to arrive cannot be cancelled, and is waited
  /// for: its memory is about to be the caller's again.
  void end_receives() {
    bool open = false;
    for (auto& one : receives) {
      if (one != MPI_REQUEST_NULL) {
        MPI_Cancel(&one);
        open = true;
      }
    }
    if (open) {
      const auto since = clock::now();
      auto pause = patience();
      for (auto& one : receives) {
        int done = 0;
        while (MPI_Test(&one, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done == 0) {
          if (clock::now() - since > parting_time()) {
            MPI_Request_free(&one);
            break;
          }
          static_cast<void>(pause.pause());
        }
      }
    }
    own_board().receiving.store(false, std::memory_order_release);
  }

  /// Whether all ranks have left before this one ran out of patience.
  [[nodiscard]] bool await_departures() const {
    const auto since = clock::now();
    auto pause = patience();
    for (int other = 0; other < size_;) {
      if (has_returned(other)) {
        ++other;
      } else if (clock::now() - since > parting_time()) {
        return false;
      } else {
        progress();
        static_cast<void>(pause.pause());
      }
    }
    return true;
  }

  /// Nobody waits for a note, so it must fit what MPI sends without being asked; its bytes are
  /// kept.
  void send_note(const void* what, std::size_t bytes) {
    const auto* from = static_cast<const std::byte*>(what);
    notes_.emplace_back(from, from + bytes);
    for (int other = 0; other < size_; ++other) {
      MPI_Request request = MPI_REQUEST_NULL;
      if (other != rank_ && MPI_Isend(notes_.back().data(), static_cast<int>(bytes), MPI_BYTE,
                                      other, note_tag, users_.get(), &request) == MPI_SUCCESS) {
        MPI_Request_free(&request);
      }
    }
  }

  [[nodiscard]] static std::uint64_t named_together(MPI_Comm of, int rank) {
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    const auto here = static_cast<std::uint64_t>(getpid()) << 32;
    std::uint64_t made = rank == 0 ? static_cast<std::uint64_t>(now) ^ here : 0;
    check(MPI_Bcast(&made, 1, MPI_UINT64_T, 0, of), "MPI_Bcast");
    return made;
  }

  [[nodiscard]] static owned_communicator duplicate(MPI_Comm of) {
    MPI_Comm made = MPI_COMM_NULL;
    check(MPI_Comm_dup(of, &made), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(made, MPI_ERRORS_RETURN);
    return owned_communicator{made};
  }

  owned_communicator around_;
  owned_communicator users_;
  int rank_ = 0;
  int size_ = 1;
  std::optional<window> memory_;
  std::unique_ptr<board[]> boards_;  ///< where there is no shared memory: what others have told
  std::unique_ptr<verdict> verdict_;
  std::vector<std::vector<std::byte>> notes_;
};

}  // namespace rondo::inline v0_1::mpi::detail
