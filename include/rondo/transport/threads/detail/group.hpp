// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/detail/backoff.hpp>
#include <rondo/transport/detail/diagnosis.hpp>
#include <rondo/transport/detail/processors.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/threads/detail/channel.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// What the ranks of one communicator share.
namespace rondo::inline v0_1::threads::detail {

using rondo::detail::clock;

/// Why a communicator is dead. Written once, by the first rank that knows.
struct failure {
  error_code code;
  int rank;  ///< the rank at fault, in this group's numbers, or -1
  std::string message;
};

/// A call as its rank announces it. The fields are written before the word and read between two
/// looks at it, so that a reader never believes a half-written record. (Ordered by the accesses
/// themselves, for ThreadSanitizer does not know fences; on x86 they cost the same.)
struct alignas(64) record {
  std::atomic<std::uint64_t> word{0};
  std::atomic<const signature*> what{nullptr};
  std::atomic<std::size_t> count{0};
  std::atomic<std::int64_t> partner{0};
  std::atomic<std::uint64_t> parameters{0};
  std::atomic<const char*> file{nullptr};
  std::atomic<std::uint32_t> line{0};

  void write(std::uint64_t new_word, const call& made) noexcept {
    word.store(0, std::memory_order_relaxed);
    what.store(made.what, std::memory_order_release);
    count.store(made.count, std::memory_order_release);
    partner.store(made.partner, std::memory_order_release);
    parameters.store(made.parameters, std::memory_order_release);
    file.store(made.where.file, std::memory_order_release);
    line.store(made.where.line, std::memory_order_release);
    word.store(new_word, std::memory_order_release);
  }

  /// The record's word, and the call if it could be read whole; else 0.
  [[nodiscard]] std::uint64_t read(call& made) const noexcept {
    const auto before = word.load(std::memory_order_acquire);
    made.what = what.load(std::memory_order_acquire);
    made.count = count.load(std::memory_order_acquire);
    made.partner = partner.load(std::memory_order_acquire);
    made.parameters = parameters.load(std::memory_order_acquire);
    made.where = {file.load(std::memory_order_acquire), line.load(std::memory_order_acquire)};
    const auto after = word.load(std::memory_order_relaxed);
    return before == after && made.what != nullptr ? before : 0;
  }
};

/// What a rank is waiting for, once it has waited for long: that `*word` equals `value`, or, if
/// `differs`, that it no longer does. `stamp` is odd while the rank waits.
struct alignas(64) waiting {
  std::atomic<std::uint64_t> stamp{0};
  std::atomic<int> peer{-1};
  std::atomic<const std::uint64_t*> word{nullptr};
  std::atomic<std::uint64_t> value{0};
  std::atomic<bool> differs{false};
};

enum class presence : int { running, returned, threw };

/// What all ranks of one `run` share.
struct world : rondo::detail::counted_owner {
  int size = 1;
  clock::duration deadline{};
  int processors = 1;            ///< that ranks may run on
  bool crowded = true;           ///< more ranks than processors
  std::size_t streams_from = 0;  ///< bytes of a call
  std::vector<std::atomic<presence>> present;
  std::mutex lock;
  std::vector<struct group*> groups;  ///< that live

  world(int ranks, clock::duration patience)
      : size{ranks},
        deadline{patience},
        processors{rondo::detail::processors()},
        crowded{ranks > processors},
        streams_from{protocol::streams_from()},
        present(static_cast<std::size_t>(ranks)) {}

  /// Rank `rank` (a world number) has left. If it threw, all its communicators die.
  void depart(int rank, presence how, const std::string& why);
};

/// Survivors of a failure who want to go on, until enough have come.
struct reunion {
  std::vector<int> arrived;
  rondo::detail::shared<struct group> next;
  clock::time_point since{};
};

struct group : rondo::detail::counted_owner {
  static constexpr std::size_t stage_capacity = 32 * 1024;

  /// Everything that one rank writes.
  struct member {
    protocol::pad pad{};
    record calls[rondo::detail::records_kept];
    record message;  ///< the send or receive that is running
    waiting wait;
    alignas(64) std::atomic<bool> touching{false};  ///< reads or writes peers' callers' memory
    std::vector<std::byte> stage = std::vector<std::byte>(2 * stage_capacity + 64);

    [[nodiscard]] std::byte* bank(unsigned which) noexcept {
      const auto raw = reinterpret_cast<std::uintptr_t>(stage.data());
      return reinterpret_cast<std::byte*>((raw + 63) / 64 * 64) + which * stage_capacity;
    }
  };

  group(rondo::detail::shared<world> of, std::vector<int> world_ranks)
      : around{std::move(of)},
        ranks{std::move(world_ranks)},
        members(ranks.size()),
        processor_of(ranks.size()),
        channels(2 * ranks.size() * ranks.size()) {
    const std::scoped_lock hold{around->lock};
    around->groups.push_back(this);
  }

  ~group() {
    {
      const std::scoped_lock hold{around->lock};
      std::erase(around->groups, this);
    }
    for (const auto& one : channels) {
      delete one.load(std::memory_order_acquire);
    }
    delete failed.load(std::memory_order_acquire);
  }

  [[nodiscard]] static rondo::detail::shared<group> make(rondo::detail::shared<world> around,
                                                         std::vector<int> world_ranks) {
    rondo::detail::shared<group> made{new group{std::move(around), std::move(world_ranks)}};
    const std::scoped_lock hold{made->around->lock};
    for (std::size_t rank = 0; rank < made->ranks.size(); ++rank) {
      const auto state = made->presence_of(static_cast<int>(rank));
      if (state == presence::threw) {
        made->fail(error_code::revoked, static_cast<int>(rank),
                   "rank " + std::to_string(rank) + " has failed");
      }
    }
    return made;
  }

  [[nodiscard]] int size() const noexcept { return static_cast<int>(ranks.size()); }
  [[nodiscard]] member& of(int rank) const noexcept {
    return members[static_cast<std::size_t>(rank)];
  }
  [[nodiscard]] presence presence_of(int rank) const noexcept {
    return around->present[static_cast<std::size_t>(ranks[static_cast<std::size_t>(rank)])].load(
        std::memory_order_acquire);
  }

  // What a diagnosis reads.
  static constexpr const char* what_ends_a_rank = "returned from its body";
  [[nodiscard]] std::uint64_t word_of(int rank, std::uint32_t number) const noexcept {
    call made;
    const auto word = of(rank).calls[number % rondo::detail::records_kept].read(made);
    return word >> 32 == number ? word : 0;
  }
  [[nodiscard]] std::string call_of(int rank, std::uint32_t number) const {
    call made;
    const auto word = of(rank).calls[number % rondo::detail::records_kept].read(made);
    return word >> 32 == number ? made.describe() : std::string{"another call"};
  }
  [[nodiscard]] std::uint32_t newest_call(int rank) const noexcept {
    std::uint32_t newest = 0;
    for (const record& one : of(rank).calls) {
      call made;
      const auto number = static_cast<std::uint32_t>(one.read(made) >> 32);
      const bool newer = newest == 0 || static_cast<std::int32_t>(number - newest) > 0;
      newest = number != 0 && newer ? number : newest;
    }
    return newest;
  }
  [[nodiscard]] std::string message_of(int rank) const {
    call made;
    return of(rank).message.read(made) != 0 ? made.describe() : std::string{};
  }
  [[nodiscard]] bool has_returned(int rank) const noexcept {
    return presence_of(rank) == presence::returned;
  }
  /// The call in which a rank waits on another communicator, in words; empty if it does not.
  [[nodiscard]] std::string elsewhere(int rank) const {
    const int who = ranks[static_cast<std::size_t>(rank)];
    const std::scoped_lock hold{around->lock};
    for (const group* const other : around->groups) {
      for (int there = 0; other != this && there < other->size(); ++there) {
        if (other->ranks[static_cast<std::size_t>(there)] == who &&
            other->of(there).wait.stamp.load(std::memory_order_acquire) % 2 != 0) {
          return other->last_call_of(there);
        }
      }
    }
    return {};
  }

  /// The messages from one rank to another; made when first used.
  [[nodiscard]] channel& between(int from, int to, traffic which) const {
    const auto n = ranks.size();
    const auto row = (which == traffic::user ? n : 0) + static_cast<std::size_t>(from);
    auto& place = channels[row * n + static_cast<std::size_t>(to)];
    if (auto* found = place.load(std::memory_order_acquire)) {
      return *found;
    }
    auto* const fresh = new channel{};
    channel* first = nullptr;
    if (place.compare_exchange_strong(first, fresh, std::memory_order_acq_rel)) {
      return *fresh;
    }
    delete fresh;
    return *first;
  }

  /// Ends this communicator. The first reason stands; returns it.
  const failure& fail(error_code code, int rank, std::string message) noexcept {
    auto* mine = new failure{code, rank, std::move(message)};
    failure* before = nullptr;
    if (!failed.compare_exchange_strong(before, mine, std::memory_order_seq_cst)) {
      delete mine;
      return *before;
    }
    return *mine;
  }

  /// The send or receive that a rank is in, or its last collective call.
  [[nodiscard]] std::string last_call_of(int rank) const {
    if (auto message = message_of(rank); !message.empty()) {
      return message;
    }
    call last;
    std::uint64_t highest = 0;
    for (const record& one : of(rank).calls) {
      call made;
      if (const auto word = one.read(made); word > highest) {
        highest = word;
        last = made;
      }
    }
    return highest != 0 ? last.describe() : std::string{"another call"};
  }

  rondo::detail::shared<world> around;
  std::vector<int> ranks;  ///< world number of each rank
  mutable std::vector<member> members;
  /// 1 + the processor that each rank was on when it waited last: written when that changes.
  mutable std::vector<std::atomic<int>> processor_of;
  mutable std::vector<std::atomic<channel*>> channels;
  std::atomic<failure*> failed{nullptr};

  std::mutex lock;  ///< for split and shrink only
  std::vector<std::pair<std::uint64_t, rondo::detail::shared<group>>> nursery;
  reunion after;
  int expected = 0;  ///< members that have not yet picked this group up from its nursery
};

inline void world::depart(int rank, presence how, const std::string& why) {
  present[static_cast<std::size_t>(rank)].store(how, std::memory_order_release);
  if (how != presence::threw) {
    return;
  }
  const std::scoped_lock hold{lock};
  for (auto* const one : groups) {
    for (std::size_t r = 0; r < one->ranks.size(); ++r) {
      if (one->ranks[r] == rank) {
        one->fail(
            error_code::revoked, static_cast<int>(r),
            "rank " + std::to_string(r) + " failed: " + rondo::detail::without_prefix(why.c_str()));
      }
    }
  }
}

}  // namespace rondo::inline v0_1::threads::detail
