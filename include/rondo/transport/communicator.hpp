// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>

struct CUstream_st;  // what cudaStream_t points to

/// What a transport gives: a communicator, one rank's handle on a group of ranks. Collectives, and
/// what is made of them, are templates over it.
namespace rondo::inline v0_1 {

namespace detail {

/// Stands for what a call does with its turn, whatever that turn is.
struct any_job {
  template <class Turn>
  void operator()(Turn&) const {}
};

}  // namespace detail

/// A communicator that takes collective calls.
///  - `rank()`, `size()`
///  - `node_size()`  ranks per node, where each has as many and ranks are numbered node by node;
///    else 1. `hierarchical` cuts by it
///  - `collective(made, job)`  makes the call `made`: every rank does, in the same order
template <class Comm>
concept takes_calls = requires(Comm& comm, const call& made, const detail::any_job& job) {
  { comm.rank() } -> std::convertible_to<int>;
  { comm.size() } -> std::convertible_to<int>;
  { comm.node_size() } -> std::convertible_to<int>;
  comm.collective(made, job);
};

/// A communicator whose calls run by turns: `collective(made, job)` returns when `job(turn)` has,
/// once, behind all calls before it. The turn is `exchanging` (transport/turn.hpp) at least. The
/// communicator keeps memory from call to call (transport/keepsake.hpp), so that the second call of
/// a shape allocates nothing: of three kinds, as a call may use all at once.
///  - `scratch()`  bytes on their way: the slots of a schedule, wires. Gone with the next `get`
///  - `widened()`  values of a whole call, while a schedule that carries them has the scratch:
///    partial results wider than the elements, sums on ranks that have no output
///  - `kept()`  objects that stay, by type and key: programs, lists of messages, counts
template <class Comm>
concept gives_turns = takes_calls<Comm> && requires(Comm& comm, std::size_t count) {
  { comm.scratch().get(count) } -> std::same_as<std::byte*>;
  { comm.scratch().template get<float>(count) } -> std::same_as<float*>;
  { comm.widened().get(count) } -> std::same_as<std::byte*>;
  { comm.widened().template get<float>(count) } -> std::same_as<float*>;
  { comm.kept().template get<int>() } -> std::same_as<int&>;
};

/// A communicator for `async{}`: `begin_collective(made, job)` returns at once what has `wait()`,
/// and runs a copy of the job behind the calls begun before. `collective` waits for all of them.
/// So does `settle()`, which a pipeline calls before it uses what the communicator keeps.
template <class Comm>
concept begins_calls = takes_calls<Comm> &&
    requires(Comm& comm, const call& made, detail::any_job job) {
  comm.begin_collective(made, job).wait();
};

/// A communicator for `send` and `receive`: `message(made, job)`, whose turn is `messaging`. With
/// `deadline()` pipelines run over it.
template <class Comm>
concept takes_messages = requires(Comm& comm, const call& made, const detail::any_job& job) {
  { comm.rank() } -> std::convertible_to<int>;
  { comm.size() } -> std::convertible_to<int>;
  comm.message(made, job);
};

/// A communicator whose messages take `async{}`: `begin_message(made, job)`, likewise.
template <class Comm>
concept begins_messages = takes_messages<Comm> &&
    requires(Comm& comm, const call& made, detail::any_job job) {
  comm.begin_message(made, job).wait();
};

/// A communicator for a mesh: `split(color, key)` is one of those ranks that give the same color,
/// ordered by key, then by rank.
template <class Comm>
concept splits = requires(Comm& comm) {
  { comm.split(0, 0).size() } -> std::convertible_to<int>;
};

/// A communicator of ranks that are GPUs.
template <class Comm>
inline constexpr bool takes_device_memory = requires {
  requires Comm::device_memory;
};

/// Such a communicator that has yet to be told the stream: `comm.on(stream)` is one that has been.
template <class Comm>
concept binds_stream = requires(Comm& comm) {
  comm.on(static_cast<CUstream_st*>(nullptr));
};

/// Such a communicator that has a stream of its own for calls that go on behind.
template <class Comm>
inline constexpr bool begins_behind = requires {
  typename Comm::pending;
};

}  // namespace rondo::inline v0_1
