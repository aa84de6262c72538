// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/automatic.hpp>
#include <rondo/collective/detail/execute.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/protocol/rendezvous.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/tensor/exact/detail/leaf_node.hpp>
#include <rondo/tensor/exact/detail/leaf_order.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::inline v0_1::detail {

/// What an exact sum folds by, for the fingerprint and in messages.
struct sum_by_leaves {
  static constexpr std::string_view name = "sum by the tree of its leaves";
  std::uint64_t order = 0;
  [[nodiscard]] std::uint64_t parameters() const noexcept { return order; }
};

/// Peer memory in which a pointer that a peer stored can be followed.
template <class Turn>
concept shares_addresses =
    protocol::reaches_buffers<Turn> && !requires(Turn & turn, const void* there) {
  turn.seen_here(0, there);
};

/// One sum of all ranks' nodes. Each element is folded by the rank that owns it, as the tree says,
/// and stored in its output or in all; a few elements are folded by whoever wants them.
///
///  - ranks that share addresses: two meetings; nodes are read, and sums written, where they lie;
///    where ranks share processors, one that is done takes blocks of others' elements
///  - few elements, shared memory: one meeting; nodes are staged
///  - messages: two rounds; one, where sums stay with their owners. Memory of devices is sent from
///    where it lies, and kernels add
template <class Comm, class T>
struct leaf_sum_job {
  using held = held_node<T>;
  using operand = leaf_order::operand;

  Comm& comm;
  const leaf_order& order;
  std::span<const held> nodes;  ///< own ones
  T* out;
  std::size_t count;                                     ///< elements of a node
  const std::vector<std::vector<part>>* rows = nullptr;  ///< of each rank; null: all get everything
  std::size_t columns = 1;

  /// How many arrays all ranks bring.
  [[nodiscard]] std::size_t terms() const { return order.size(); }

  template <class Turn>
  void operator()(Turn& turn) const {
    if (nodes.size() != order.of(turn.rank()).size()) {
      refuse("exact sum: rank " + std::to_string(turn.rank()) + " has " +
                 std::to_string(nodes.size()) + " nodes in place of " +
                 std::to_string(order.of(turn.rank()).size()),
             turn.rank());
    }
    if constexpr (shares_memory<Turn>) {
      const std::size_t staged = order.most() * count * sizeof(T);
      if (staged <= turn.stage_bytes() && prefers_one_shot(turn, staged)) {
        stage(turn);
        return;
      }
    }
    if constexpr (shares_addresses<Turn>) {
      meet(turn);
    } else {
      send(turn);
    }
  }

 private:
  /// Calls `act(elements, where in the output)` for what `rank` folds.
  template <class Act>
  void for_each_owned(int rank, const Act& act) const {
    if (rows == nullptr) {
      const part some = even_part(count, static_cast<std::size_t>(order.ranks()),
                                  static_cast<std::size_t>(rank), protocol::line_of<T>);
      act(some, some.first);
      return;
    }
    std::size_t local = 0;
    for (const part run : (*rows)[static_cast<std::size_t>(rank)]) {
      act(part{run.first * columns, run.count * columns}, local);
      local += run.count * columns;
    }
  }
  [[nodiscard]] std::size_t owned(int rank) const {
    std::size_t sum = 0;
    for_each_owned(rank, [&](part some, std::size_t) { sum += some.count; });
    return sum;
  }

  /// Memory of the communicator: for the fold, and `more` elements.
  struct room {
    T* fold;
    T* more;
  };
  [[nodiscard]] room memory(std::size_t more) const {
    return memory(order.template fold_elements<T>(), more);
  }
  [[nodiscard]] room memory(std::size_t fold, std::size_t more) const {
    T* const all = comm.scratch().template get<T>(fold + more);
    return {all, all + fold};
  }

  /// Own nodes one behind the other.
  [[nodiscard]] const T* packed(T* into) const {
    if (nodes.size() == 1) {
      return nodes.front().value;
    }
    for (const held& one : nodes) {
      protocol::copy_elements(into, static_cast<const T*>(one.value), count);
      into += count;
    }
    return into - nodes.size() * count;
  }

  template <class Turn>
  void stage(Turn& turn) const {
    protocol::one_thread alone;
    const room at = memory(nodes.size() * count);
    const T* const mine = packed(at.more);
    protocol::exchange_stages(
        alone, turn, mine, nodes.size() * count * sizeof(T), [&](const auto& area) {
          const auto fold = [&](part some, std::size_t to) {
            order.fold(
                some.count,
                [&](const operand& of) {
                  return reinterpret_cast<const T*>(area(of.rank)) + of.index * count + some.first;
                },
                1, [&](int) { return out + to; }, at.fold);
          };
          rows == nullptr ? fold({0, count}, 0) : for_each_owned(turn.rank(), fold);
        });
  }

  /// What ranks that help each other show: their nodes, and how many blocks of their elements are
  /// taken.
  struct shown {
    alignas(64) const held* nodes;
    alignas(64) mutable std::atomic<std::size_t> taken{0};
  };
  /// Elements that are taken at once, 64 KiB: with 16, 256 KiB on 2 ranks took a tenth more.
  static constexpr std::size_t block = larger(std::size_t{1}, (std::size_t{64} << 10) / sizeof(T));

  template <class Turn>
  void meet(Turn& turn) const {
    protocol::one_thread alone;
    const room at = memory(0);
    const int copies = rows == nullptr ? turn.size() : 1;
    // Sums apart from the nodes go around the cache from half as many bytes on as a fold of
    // buffers: 0.6 to 0.97 of the time at 24 and 32 MiB, though read again afterwards
    // (bench/results/tensor_layers.md).
    const bool in_place = !nodes.empty() && nodes.front().value == out;
    const std::size_t touched =
        (order.size() + static_cast<std::size_t>(copies)) * count * sizeof(T);
    const auto how = in_place ? protocol::store::cached : protocol::store_for(turn, 2 * touched);
    const bool helping = helps(turn);
    const shown mine{nodes.data()};
    const void* const shows = helping ? static_cast<const void*>(&mine) : nodes.data();
    const auto do_share = [&](int self, const auto& input_of, const auto& output_of) {
      const auto shown_by = [&](int rank) { return static_cast<const shown*>(input_of(rank)); };
      const auto nodes_of = [&](int rank) {
        return helping ? shown_by(rank)->nodes : static_cast<const held*>(input_of(rank));
      };
      const auto fold_of = [&](int owner) {
        return [&, owner](part some, std::size_t to) {
          order.fold(
              some.count,
              [&](const operand& of) { return nodes_of(of.rank)[of.index].value + some.first; },
              copies,
              [&](int rank) {
                return static_cast<T*>(output_of(rows == nullptr ? rank : owner)) + to;
              },
              at.fold, how);
        };
      };
      if (!helping) {
        for_each_owned(self, fold_of(self));
        return;
      }
      for (int step = 0; step < turn.size(); ++step) {
        const int owner = protocol::rank_after(self, step, turn.size());
        for_each_taken(owner, shown_by(owner)->taken, fold_of(owner));
      }
    };
    protocol::rendezvous(alone, turn, shows, out, do_share);
  }

  /// Whether ranks that are done fold what others have not come to: where ranks wait for a
  /// processor and have more than a block each. The same on all ranks.
  template <class Turn>
  [[nodiscard]] bool helps(const Turn& turn) const {
    if constexpr (protocol::shares_processors<Turn>) {
      return turn.crowded() && count > block * static_cast<std::size_t>(turn.size());
    }
    return false;
  }

  /// Calls `act(elements, where in the output)` for blocks of what `owner` owns, as long as there
  /// are some that no rank has taken.
  template <class Act>
  void for_each_taken(int owner, std::atomic<std::size_t>& taken, const Act& act) const {
    const std::size_t all = owned(owner);
    for (;;) {
      const std::size_t first = block * taken.fetch_add(1, std::memory_order_relaxed);
      if (first >= all) {
        return;
      }
      std::size_t ahead = 0;  // of the owner's elements
      for_each_owned(owner, [&](part some, std::size_t to) {
        const std::size_t begin = (std::max)(ahead, first);
        const std::size_t end = (std::min)(ahead + some.count, first + block);
        if (begin < end) {
          act(part{some.first + (begin - ahead), end - begin}, to + (begin - ahead));
        }
        ahead += some.count;
      });
    }
  }

  /// What `rank` folds of own nodes, one behind the other; returns where the next ones go.
  [[nodiscard]] T* pack_for(int rank, T* into) const {
    for (const held& one : nodes) {
      for_each_owned(rank, [&](part some, std::size_t) {
        protocol::copy_elements(into, static_cast<const T*>(one.value) + some.first, some.count);
        into += some.count;
      });
    }
    return into;
  }

  /// What `rank` folds of own nodes, from where they lie, and what `self` folds of those of `rank`,
  /// one behind the other.
  void list_nodes(round_lists& lists, int self, int rank, T* into) const {
    for (const held& one : nodes) {
      for_each_owned(rank, [&](part some, std::size_t) {
        give(lists, rank, one.value + some.first, some.count);
      });
    }
    for (std::size_t node = 0; node < order.of(rank).size(); ++node) {
      for_each_owned(self, [&](part some, std::size_t) {
        get(lists, rank, into, some.count);
        into += some.count;
      });
    }
  }

  template <class Turn>
  void send(Turn& turn) const {
    constexpr bool elsewhere = works_elsewhere<Turn>;
    const int self = turn.rank();
    const std::size_t mine = owned(self);
    const std::size_t leaving = elsewhere ? 0 : nodes.size() * (count - mine);
    const std::size_t arrives = (order.size() - nodes.size()) * mine;
    const room at =
        elsewhere ? memory(order.fold_by_elements(mine), arrives) : memory(leaving + arrives);
    T* const arriving = at.more + leaving;
    const auto before = [&](int rank) {  // nodes that arrive ahead of those of `rank`
      std::size_t ahead = 0;
      for (int each = 0; each < rank; ++each) {
        ahead += each == self ? 0 : order.of(each).size();
      }
      return ahead;
    };
    round_lists& lists = cleared_lists();
    T* next = at.more;
    for (int rank = 0; rank < turn.size(); ++rank) {
      if (rank == self) {
        continue;
      }
      T* const into = arriving + before(rank) * mine;
      if constexpr (elsewhere) {
        list_nodes(lists, self, rank, into);
      } else {
        const T* const begin = next;
        next = pack_for(rank, next);
        give(lists, rank, begin, static_cast<std::size_t>(next - begin));
        get(lists, rank, into, order.of(rank).size() * mine);
      }
    }
    turn.exchange(lists.out, lists.in, [](std::size_t, const std::byte*) {});
    std::size_t done = 0;  // of what this rank folds
    for_each_owned(self, [&](part some, std::size_t to) {
      const auto source = [&](const operand& of) -> const T* {
        return of.rank == self ? nodes[of.index].value + some.first
                               : arriving + (before(of.rank) + of.index) * mine + done;
      };
      if constexpr (elsewhere) {
        order.fold_by(turn, some.count, source, out + to, at.fold);
      } else {
        order.fold(
            some.count, source, 1, [&](int) { return out + to; }, at.fold);
      }
      done += some.count;
    });
    if (rows == nullptr) {
      share(turn);
    }
  }

  /// Gives everyone what this rank has folded.
  template <class Turn>
  void share(Turn& turn) const {
    round_lists& lists = cleared_lists();
    for (int rank = 0; rank < turn.size(); ++rank) {
      if (rank != turn.rank()) {
        for_each_owned(turn.rank(),
                       [&](part some, std::size_t to) { give(lists, rank, out + to, some.count); });
        for_each_owned(rank,
                       [&](part some, std::size_t to) { get(lists, rank, out + to, some.count); });
      }
    }
    turn.exchange(lists.out, lists.in, [](std::size_t, const std::byte*) {});
  }

  [[nodiscard]] round_lists& cleared_lists() const {
    auto& lists = lists_of(comm);
    lists.out.clear();
    lists.in.clear();
    return lists;
  }
  static void give(round_lists& lists, int rank, const T* from, std::size_t elements) {
    if (elements != 0) {
      lists.out.push_back({rank, reinterpret_cast<const std::byte*>(from), elements * sizeof(T)});
    }
  }
  static void get(round_lists& lists, int rank, T* into, std::size_t elements) {
    if (elements != 0) {
      lists.in.push_back({rank, reinterpret_cast<std::byte*>(into), elements * sizeof(T)});
    }
  }
};

}  // namespace rondo::inline v0_1::detail
