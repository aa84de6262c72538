// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/mpi/board.hpp>
#include <rondo/transport/mpi/handle.hpp>
#include <rondo/transport/mpi/place.hpp>
#include <rondo/transport/mpi/window.hpp>
#include <rondo/transport/backoff.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::mpi {

using detail::clock;

struct options {
  /// How long a rank waits for another before it gives up on it.
  clock::duration deadline = std::chrono::seconds{30};
  /// Whether ranks that are all on one node meet in shared memory; otherwise by messages alone.
  enum class memory { shared, messages } memory = memory::shared;
  /// 0: nodes are as MPI finds them. Else so many neighbouring ranks count as a node, to see on one
  /// machine what many would do.
  int ranks_per_node = 0;
};

/// A message of the user that was taken off the wire before anybody asked for it.
struct unclaimed {
  int peer;
  std::uint64_t tag;
  std::uint64_t kind;
  std::uint64_t bytes;
  std::uint64_t number;
  std::vector<std::byte> eager;
};

/// A message of the user that this rank has begun to send and does not wait for.
struct in_transit {
  std::uint64_t number;  ///< 0: it is sent
  std::vector<std::byte> packet;
  std::vector<MPI_Request> requests;
};

/// What one process knows about one communicator.
class group {
 public:
  /// Collective over `around`, all of whose ranks give equal options.
  group(MPI_Comm around, const options& with, int spins_at_most)
      : deadline{with.deadline}, around_{duplicate(around)}, users_{duplicate(around)} {
    MPI_Comm_rank(around_.get(), &rank_);
    MPI_Comm_size(around_.get(), &size_);
    where = find_place(around_.get(), with.ranks_per_node);
    spins = (std::min)(spins_at_most, detail::spins_for(where.node_ranks, where.processors));
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
    const bool all_taken = abandon_offers();
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

  /// Messages of one call go under one tag: as many bits as there are of its number and of what was
  /// called, so that messages of calls that do not agree do not meet.
  [[nodiscard]] int tag_of(std::uint64_t word) const noexcept {
    const int low = tag_bits / 2;
    const auto number = static_cast<std::uint32_t>(word >> 32);
    const auto mask = (std::uint32_t{1} << low) - 1;
    return static_cast<int>(((number << low) | (static_cast<std::uint32_t>(word) & mask)) &
                            ((std::uint32_t{1} << tag_bits) - 1));
  }

  // --- what a diagnosis reads ----------------------------------------------------------------

  [[nodiscard]] board& board_of(int rank) const noexcept {
    return memory_ ? memory_->of(rank).told : boards_[static_cast<std::size_t>(rank)];
  }
  [[nodiscard]] board& own_board() const noexcept { return board_of(rank_); }
  [[nodiscard]] std::uint64_t word_of(int rank, std::uint32_t number) const noexcept {
    const auto word =
        board_of(rank).calls[number % detail::records_kept].word.load(std::memory_order_acquire);
    return word >> 32 == number ? word : 0;
  }
  [[nodiscard]] std::string call_of(int rank, std::uint32_t number) const {
    return board_of(rank).calls[number % detail::records_kept].describe(word_of(rank, number));
  }
  [[nodiscard]] std::string message_of(int rank) const {
    const auto& shown = board_of(rank).message;
    const auto word = shown.word.load(std::memory_order_acquire);
    return word != 0 ? shown.describe(word) : std::string{};
  }
  [[nodiscard]] bool has_returned(int rank) const noexcept {
    return board_of(rank).returned.load(std::memory_order_acquire);
  }

  // --- offers ----------------------------------------------------------------------------------

  /// A place for another offer: of one that is sent, if there is any.
  [[nodiscard]] in_transit& free_offer() {
    auto free = offers_.begin();
    while (free != offers_.end() && !settled(*free)) {
      ++free;
    }
    in_transit& made = free != offers_.end() ? *free : offers_.emplace_back();
    made.number = ++offers_made_;
    made.requests.clear();
    return made;
  }
  [[nodiscard]] bool is_sent(std::uint64_t number) {
    const auto found = std::find_if(offers_.begin(), offers_.end(),
                                    [&](const in_transit& one) { return one.number == number; });
    return found == offers_.end() || settled(*found);
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

  /// Those who call this before the deadline, on a communicator of MPI's that the caller frees.
  [[nodiscard]] MPI_Comm survivors() {
    MPI_Comm made = MPI_COMM_NULL;
    if (!memory_) {
      return meet_all();
    }
    const auto present = agree_on_survivors();
    MPI_Group all = MPI_GROUP_NULL;
    MPI_Group rest = MPI_GROUP_NULL;
    MPI_Comm_group(around_.get(), &all);
    MPI_Group_incl(all, static_cast<int>(present.size()), present.data(), &rest);
    const int result = MPI_Comm_create_group(around_.get(), rest, tag_limit, &made);
    MPI_Group_free(&all);
    MPI_Group_free(&rest);
    check(result, "MPI_Comm_create_group");
    return made;
  }

  clock::duration deadline;
  place where;
  int spins = 20;
  int tag_limit = 32767;
  int tag_bits = 14;

  // What this rank keeps to itself.
  std::uint32_t calls_made = 0;  ///< number of the last collective call
  std::uint32_t history = 0;     ///< of what was called so far
  protocol::counters used{};
  record::site told_calls[detail::records_kept];
  record::site told_message;
  std::vector<std::uint64_t> sent;  ///< large messages of the user, by peer
  std::vector<unclaimed> taken;
  detail::arena inbox;
  detail::arena outbox;
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

  /// Whether all ranks have left before this one ran out of patience.
  [[nodiscard]] bool await_departures() const {
    const auto since = clock::now();
    const auto patience = (std::min)(deadline, clock::duration{std::chrono::seconds{5}});
    detail::backoff pause;
    for (int other = 0; other < size_;) {
      if (has_returned(other)) {
        ++other;
      } else if (clock::now() - since > patience) {
        return false;
      } else {
        static_cast<void>(pause.pause());
      }
    }
    return true;
  }

  /// What nobody has taken stays with MPI, which may read it until the process ends. Returns
  /// whether all was taken.
  bool abandon_offers() {
    bool all_taken = true;
    for (in_transit& one : offers_) {
      int done = 1;
      MPI_Testall(static_cast<int>(one.requests.size()), one.requests.data(), &done,
                  MPI_STATUSES_IGNORE);
      if (done == 0) {
        for (MPI_Request& each : one.requests) {
          if (each != MPI_REQUEST_NULL) {
            MPI_Request_free(&each);
          }
        }
        static_cast<void>(new std::vector<std::byte>{std::move(one.packet)});
        all_taken = false;
      }
    }
    return all_taken;
  }

  [[nodiscard]] static bool settled(in_transit& one) {
    int done = 1;
    if (one.number != 0) {
      check(MPI_Testall(static_cast<int>(one.requests.size()), one.requests.data(), &done,
                        MPI_STATUSES_IGNORE),
            "MPI_Isend");
      one.number = done != 0 ? 0 : one.number;
    }
    return done != 0;
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

  /// Ranks that want to go on, the same list for all of them. Whoever first sees that all who still
  /// live have come, or that the deadline has passed, writes it down.
  [[nodiscard]] std::vector<int> agree_on_survivors() {
    auto& state = of(0).reunion;
    own_board().wants_to_shrink.store(true, std::memory_order_release);
    const auto since = clock::now();
    detail::backoff patience;
    while (state.load(std::memory_order_acquire) != 2) {
      bool complete = clock::now() - since > deadline;
      if (!complete) {
        complete = true;
        for (int other = 0; other < size_; ++other) {
          const auto& told = board_of(other);
          complete = complete && (told.wants_to_shrink.load(std::memory_order_acquire) ||
                                  told.returned.load(std::memory_order_acquire));
        }
      }
      std::uint32_t open = 0;
      if (complete && state.compare_exchange_strong(open, 1, std::memory_order_acq_rel)) {
        for (int other = 0; other < size_; ++other) {
          of(other).survives.store(board_of(other).wants_to_shrink.load(std::memory_order_acquire),
                                   std::memory_order_relaxed);
        }
        state.store(2, std::memory_order_release);
      }
      static_cast<void>(patience.pause());
    }
    if (!of(rank_).survives.load(std::memory_order_acquire)) {
      raise(revoked{"shrink: rank " + std::to_string(rank_) +
                        " came after the deadline; the others went on without it",
                    rank_});
    }
    std::vector<int> present;
    for (int other = 0; other < size_; ++other) {
      if (of(other).survives.load(std::memory_order_relaxed)) {
        present.push_back(other);
      }
    }
    return present;
  }

  /// A duplicate of the communicator, if all ranks come for it before the deadline.
  [[nodiscard]] MPI_Comm meet_all() {
    MPI_Comm made = MPI_COMM_NULL;
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Comm_idup(around_.get(), &made, &request), "MPI_Comm_idup");
    const auto since = clock::now();
    detail::backoff patience;
    for (int done = 0; done == 0; static_cast<void>(patience.pause())) {
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Comm_idup");
      if (done == 0 && clock::now() - since > deadline) {
        raise(timeout{"shrink: without shared memory all " + std::to_string(size_) +
                          " ranks must call it, and some did not before the deadline",
                      rank_});
      }
    }
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
  std::vector<in_transit> offers_;
  std::uint64_t offers_made_ = 0;
};

}  // namespace rondo::inline v0_1::mpi
