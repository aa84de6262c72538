// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/protocol/packets.hpp>
#include <rondo/transport/detail/backoff.hpp>
#include <rondo/transport/detail/failure_texts.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/threads/detail/group.hpp>
#include <rondo/transport/threads/detail/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

/// Groups that are made of the members of another.
namespace rondo::inline v0_1::threads::detail {

/// A rank of a group.
struct membership {
  rondo::detail::shared<group> in{};
  int rank = 0;
};

template <class T>
void insert_in_order(std::vector<T>& sorted, T value) {
  auto place = sorted.end();
  while (place != sorted.begin() && value < *(place - 1)) {
    --place;
  }
  sorted.insert(place, value);
}

/// The group that a call makes for one color: made by whoever comes first.
[[nodiscard]] inline rondo::detail::shared<group> group_of_color(group& in, std::uint64_t word,
                                                                 int color,
                                                                 std::vector<int> world_ranks) {
  const std::uint64_t key = (word & ~std::uint64_t{0xffffffff}) | static_cast<unsigned>(color);
  const std::scoped_lock hold{in.lock};
  auto& nursery = in.nursery;
  auto found = nursery.begin();
  while (found != nursery.end() && found->first != key) {
    ++found;
  }
  if (found == nursery.end()) {
    auto made = group::make(in.around, std::move(world_ranks));
    made->expected = static_cast<int>(made->ranks.size()) - 1;
    if (made->expected > 0) {
      nursery.emplace_back(key, made);
    }
    return made;
  }
  auto made = found->second;
  if (--made->expected == 0) {
    nursery.erase(found);
  }
  return made;
}

/// This rank among those that give the same color, ordered by key, then by rank.
[[nodiscard]] inline membership split(turn& now, group& in, int color, int key) {
  struct choice {
    int color;
    int key;
  };
  const choice chosen{color, key};
  std::vector<std::pair<int, int>> members;  // key, rank
  protocol::one_thread alone;
  protocol::exchange_packets(alone, now, &chosen, sizeof chosen,
                             [&](int rank, const std::byte* bytes) {
                               choice theirs;
                               std::memcpy(&theirs, bytes, sizeof theirs);
                               if (theirs.color == color) {
                                 insert_in_order(members, {theirs.key, rank});
                               }
                             });
  int place = 0;
  std::vector<int> world_ranks;
  for (const auto& [unused, rank] : members) {
    place = rank == now.rank() ? static_cast<int>(world_ranks.size()) : place;
    world_ranks.push_back(in.ranks[static_cast<std::size_t>(rank)]);
  }
  return {group_of_color(in, now.word(), color, std::move(world_ranks)), place};
}

/// Whether all who still run have come, or the deadline has passed.
[[nodiscard]] inline bool complete(const group& in) {
  const auto& after = in.after;
  if (clock::now() - after.since > in.around->deadline) {
    return true;
  }
  auto next = after.arrived.begin();
  for (int rank = 0; rank < in.size(); ++rank) {
    if (next != after.arrived.end() && *next == rank) {
      ++next;
    } else if (in.presence_of(rank) == presence::running) {
      return false;
    }
  }
  return true;
}

/// This rank among those that come here after a failure, in the old order.
[[nodiscard]] inline membership survivors(group& in, int self) {
  auto& after = in.after;
  {
    const std::scoped_lock hold{in.lock};
    if (after.next) {
      for (const int rank : after.arrived) {
        if (rank == self) {
          rondo::detail::raise_shrunk_before(self);
        }
      }
      rondo::detail::raise_shrunk_without(self);
    }
    if (after.arrived.empty()) {
      after.since = clock::now();
    }
    insert_in_order(after.arrived, self);
    in.fail(error_code::revoked, self, rondo::detail::text_of_leaving(self));
  }
  for (rondo::detail::backoff patience;; static_cast<void>(patience.pause())) {
    const std::scoped_lock hold{in.lock};
    if (!after.next && complete(in)) {
      std::vector<int> world_ranks;
      for (const int rank : after.arrived) {
        world_ranks.push_back(in.ranks[static_cast<std::size_t>(rank)]);
      }
      after.next = group::make(in.around, std::move(world_ranks));
    }
    if (after.next) {
      int place = 0;
      for (const int rank : after.arrived) {
        place += rank < self ? 1 : 0;
      }
      return {after.next, place};
    }
  }
}

}  // namespace rondo::inline v0_1::threads::detail
