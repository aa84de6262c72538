// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

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
};

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

/// The words that one rank writes and all watch. Two of a kind where a rank may be one call ahead
/// of a peer that still reads the last one; all-zero before the first call.
struct pad {
  packet packets[2];
  flag staged[2];
  flag arrived[2];
  entry entered{};
  flag left{};
};

/// How often this rank used the doubled words of its pad; its own, not shared.
struct counters {
  std::uint32_t packets = 0;
  std::uint32_t stages = 0;
  std::uint32_t arrivals = 0;
};

/// Memory of every rank that this rank can load and store, and a bounded wait.
///  - `pad(r)`      the words of rank r
///  - `stage(r, b)` staging bytes of rank r, bank b in {0, 1}, `stage_bytes()` long
///  - `word()`      the word of the running step of the running call
///  - `advance()`   begins the next step, for calls that go through a doubled word more than twice
///  - `wait(r, word)` returns true when rank r has written this step's word there. On a host it
///    throws when that cannot happen any more; on a device it returns false.
///  - `touch(body)` runs `body`, which reads or writes buffers that belong to peers' callers; absent
///    where they cannot be reached.
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

/// Peer memory that includes the buffers of peers' callers: threads of one process, or GPUs that map
/// each other. Without it (processes that share no more than a window) data goes through staging.
template <class Peers>
concept reaches_buffers = peer_memory<Peers> && requires(Peers& peers, detail::no_body nothing) {
  peers.touch(nothing);
};

/// True when every rank's word, found by `word_of(rank)`, is that of the running call.
template <peer_memory Peers, class WordOf>
RONDO_HOST_DEVICE bool wait_for_all(Peers& peers, const WordOf& word_of) {
  const int size = peers.size();
  int rank = peers.rank();
  for (int step = 1; step < size; ++step) {
    rank = rank + 1 == size ? 0 : rank + 1;  // each rank starts with another peer
    if (!peers.wait(rank, word_of(rank))) {
      return false;
    }
  }
  return true;
}

}  // namespace rondo::inline v0_1::protocol
