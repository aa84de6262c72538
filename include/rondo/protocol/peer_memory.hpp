// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

RONDO_HOST_DEVICE_BEGIN

/// What a load/store protocol needs from the place it runs in: a group of threads that act as one
/// rank, and memory of every rank that all ranks can reach.
namespace rondo::inline v0_1::protocol {

/// Threads that act together as one rank: a thread of the CPU, a warp, a block, a grid.
template <class Group>
concept cooperative = requires(Group& group) {
  { group.thread_rank() } -> std::convertible_to<unsigned>;
  { group.size() } -> std::convertible_to<unsigned>;
  group.sync();
};

/// A CPU thread is a group of one.
struct one_thread {
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr unsigned thread_rank() { return 0; }
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr unsigned size() { return 1; }
  RONDO_HOST_DEVICE static constexpr void sync() {}
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr bool all(bool mine) { return mine; }
};

/// The rank that stands `steps` places, at most `size`, behind rank `self` in the round of all.
[[nodiscard]] RONDO_HOST_DEVICE constexpr int rank_after(int self, int steps, int size) {
  return self + steps < size ? self + steps : self + steps - size;
}

/// Elements that fill a cache line; at least one.
template <class T>
inline constexpr std::size_t line_of = sizeof(T) < 64 ? 64 / sizeof(T) : 1;

/// Bytes that travel together with their signal in one cache line.
struct alignas(128) packet {
  static constexpr std::size_t capacity = 56;
  alignas(64) std::byte payload[capacity];
  std::uint64_t word = 0;
};

/// A signal that carries where the rank's buffers are.
struct alignas(128) entry {
  const void* input = nullptr;
  void* output = nullptr;
  std::uint64_t word = 0;
};

struct alignas(128) flag {
  std::uint64_t word = 0;
};

/// A signal that a rank's share of the work is done, and who has claimed it.
struct alignas(128) share_flag {
  std::uint64_t claim = 0;
  std::uint64_t word = 0;
};

/// The words that one rank writes and all watch. Two of a kind where a rank may be one call ahead
/// of a peer that still reads the last one; all-zero before the first call.
struct pad {
  packet packets[2];
  flag staged[2];
  flag arrived[2];
  entry entered[2];
  share_flag left{};
};

/// How often this rank used the doubled words of its pad. Each thread of a group keeps its own, all
/// alike.
struct counters {
  std::uint32_t packets = 0;
  std::uint32_t stages = 0;
  std::uint32_t arrivals = 0;
  std::uint32_t entries = 0;
};

/// Memory of every rank that this rank can load and store, and a bounded wait.
///  - `pad(r)`      the words of rank r
///  - `stage(r, b)` staging bytes of rank r, bank b in {0, 1}, `stage_bytes()` long
///  - `word()`      the word of the running step of the running call
///  - `advance()`   begins the next step, for calls that go through a doubled word more than twice
///  - `wait(r, word)` returns true when rank r has written this step's word there. On a host it
///    throws when that cannot happen any more; on a device it returns false.
///  - `used()`      the counters of the doubled words, this thread's own
template <class Peers>
concept peer_memory = requires(Peers& peers, int rank, std::uint64_t& word) {
  { peers.rank() } -> std::convertible_to<int>;
  { peers.size() } -> std::convertible_to<int>;
  { peers.pad(rank) } -> std::same_as<struct pad&>;
  { peers.stage(rank, 0u) } -> std::same_as<std::byte*>;
  { peers.stage_bytes() } -> std::convertible_to<std::size_t>;
  { peers.word() } -> std::same_as<std::uint64_t>;
  { peers.used() } -> std::same_as<counters&>;
  peers.advance();
  { peers.wait(rank, word) } -> std::same_as<bool>;
};

namespace detail {
struct no_body {  // nvcc finds no lambda inside a requirement
  RONDO_HOST_DEVICE void operator()() const {}
};
}  // namespace detail

/// Peer memory that includes the buffers of peers' callers: threads of one process, or GPUs that
/// map each other. Without it (processes that share no more than a window) data goes through
/// staging.
///  - `touch(body)` runs `body`, which reads or writes buffers that belong to peers' callers
template <class Peers>
concept reaches_buffers = peer_memory<Peers> && requires(Peers& peers, detail::no_body nothing) {
  peers.touch(nothing);
};

/// Peer memory that can say that what is to be staged fits no staging area.
///  - `cannot_stage(bytes, parts)` an area has no room for `parts` times `bytes`: on a host it
///    throws; on a device it reports, and the call that found so returns false
template <class Peers>
concept stages = peer_memory<Peers> && requires(Peers& peers) {
  peers.cannot_stage(std::size_t{}, 0);
};

/// Peer memory where each rank holds a copy of every rank's pad, so that who waits looks at memory
/// of its own: `pad(r)` is the copy, held here, of what rank r wrote, and `copy_at(r)` is the copy,
/// held by rank r, of what this rank writes.
template <class Peers>
concept copies_pads = peer_memory<Peers> && requires(Peers& peers, int rank) {
  { peers.copy_at(rank) } -> std::same_as<struct pad&>;
};

/// `write(pad)` stores a signal where peers look for it. The caller's group has synchronised since
/// what is signalled was written.
template <cooperative Group, peer_memory Peers, class Write>
RONDO_HOST_DEVICE void announce(Group& group, Peers& peers, const Write& write) {
  if constexpr (copies_pads<Peers>) {
    const int size = peers.size();
    for (int step = static_cast<int>(group.thread_rank()); step < size;
         step += static_cast<int>(group.size())) {
      // Links share the load; self last.
      write(peers.copy_at(rank_after(peers.rank(), 1 + step, size)));
    }
  } else if (group.thread_rank() == 0) {
    write(peers.pad(peers.rank()));
  }
}

/// Groups whose threads can vote: `all(mine)` is true on each if `mine` is on all. So can the tiles
/// and the coalesced groups of cooperative_groups.
template <class Group>
concept votes = cooperative<Group> && requires(Group& group) {
  { group.all(true) } -> std::convertible_to<bool>;
};

/// cooperative_groups::thread_block, recognised without its header.
template <class Group>
concept thread_block = cooperative<Group> && requires(Group& group) {
  group.group_index();
  group.thread_index();
};

/// True on every thread if `mine` is true on every thread. Synchronises.
template <cooperative Group>
RONDO_HOST_DEVICE bool agree(Group& group, bool mine) {
  static_assert(votes<Group> || thread_block<Group>,
                "rondo: device: the threads of this group cannot vote whether to go on, and those "
                "that saw a deadline pass would leave the others behind; call with a thread_block, "
                "a tile or a coalesced group of cooperative_groups, or give the group all(bool)");
#if defined(__CUDA_ARCH__)
  if constexpr (thread_block<Group>) {
    return __syncthreads_and(mine) != 0;
  }
#endif
  if constexpr (votes<Group>) {
    mine = group.all(mine);
  }
  group.sync();  // a vote of a warp orders no memory
  return mine;
}

/// Peer memory of ranks that may share processors, and know with whom.
///  - `crowded()`         true if ranks share processors
///  - `note_processor()`  shows the others which one this rank is on now
///  - `beside(r)`         rank r shares this rank's processor, as far as is known
template <class Peers>
concept shares_processors = peer_memory<Peers> && requires(Peers& peers, int rank) {
  { peers.crowded() } -> std::same_as<bool>;
  peers.note_processor();
  { peers.beside(rank) } -> std::same_as<bool>;
};

/// True, on all threads, when every rank's word, found by `word_of(rank)`, is that of the running
/// step; `writer_of(rank)` is who writes it, by default the rank itself. Also synchronises the
/// group. Its threads share the peers among them. Ranks that share a processor wait for each other
/// first: those cannot come while this one looks for others.
template <cooperative Group, peer_memory Peers, class WordOf, class WriterOf>
RONDO_HOST_DEVICE bool wait_for_all(Group& group, Peers& peers, const WordOf& word_of,
                                    const WriterOf& writer_of) {
  const int size = peers.size();
  bool came = true;
  const auto each_peer = [&](const auto& wanted) {
    for (int step = static_cast<int>(group.thread_rank()); step < size - 1;
         step += static_cast<int>(group.size())) {
      const int rank = rank_after(peers.rank(), 1 + step, size);  // each starts with another peer
      if (wanted(rank)) {
        came = came && peers.wait(writer_of(rank), word_of(rank));
      }
    }
  };
  if constexpr (shares_processors<Peers>) {
    if (peers.crowded()) {
      peers.note_processor();
      each_peer([&](int rank) { return peers.beside(rank); });
    }
  }
  each_peer([](int) { return true; });
  return agree(group, came);
}
template <cooperative Group, peer_memory Peers, class WordOf>
RONDO_HOST_DEVICE bool wait_for_all(Group& group, Peers& peers, const WordOf& word_of) {
  return wait_for_all(group, peers, word_of, [](int rank) { return rank; });
}

/// Returns when all ranks have come: each writes its word of the running step to `word_of(pad)`,
/// after what `fill(pad)` writes to go with it, and watches those of all. True, on all threads,
/// when they are there. The caller's group has synchronised since what is signalled was written;
/// synchronises it. Cost: one latency.
template <cooperative Group, peer_memory Peers, class WordOf, class Fill>
RONDO_HOST_DEVICE bool meet(Group& group, Peers& peers, const WordOf& word_of, const Fill& fill) {
  announce(group, peers, [&](pad& to) {
    fill(to);
    publish(word_of(to), peers.word());
  });
  return wait_for_all(group, peers,
                      [&](int rank) -> std::uint64_t& { return word_of(peers.pad(rank)); });
}
template <cooperative Group, peer_memory Peers, class WordOf>
RONDO_HOST_DEVICE bool meet(Group& group, Peers& peers, const WordOf& word_of) {
  return meet(group, peers, word_of, [](pad&) {});
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
