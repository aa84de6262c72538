// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/collective/detail/execute.hpp>
#include <rondo/collective/detail/wires.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

/// The collectives with a codec where the memory is not the host's: rounds of messages, and between
/// them whole buffers encoded and decoded by the turn, in the order in which it is told. A turn
/// offers, beside `works_elsewhere`,
///  - `encode(codec, values, count, wire, context)`, `decode(codec, wire, values, count)`
///  - `decode_add(codec, wire, sums, count)`, in float
///  - `encode_sum(codec, wire_of(rank), ranks, count, wire, context, divisor)`: the wires' sum in
///    rank order, divided, encoded, of up to `fused_wires` ranks
namespace rondo::inline v0_1::detail {

template <class T>
struct lower_sum {
  const float* from;
  T* to;
  float divisor;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const {
    to[i] = static_cast<T>(divisor == 1 ? from[i] : from[i] / divisor);
  }
};
struct set_zero {
  float* to;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const { to[i] = 0; }
};

/// Sends `to(peer)` to each peer, and fills `from(peer)` with what comes from it.
template <class Comm, class Turn, class To, class From>
void exchange_wires(Comm& comm, Turn& turn, const To& to, const From& from) {
  auto& lists = lists_of(comm);
  lists.out.clear();
  lists.in.clear();
  for (int step = 1; step < turn.size(); ++step) {
    const int ahead = protocol::rank_after(turn.rank(), step, turn.size());
    const int behind = protocol::rank_after(turn.rank(), turn.size() - step, turn.size());
    const wire sent = to(ahead);
    const wire got = from(behind);
    lists.out.push_back({ahead, sent.data(), sent.size()});
    lists.in.push_back({behind, got.data(), got.size()});
  }
  turn.exchange(lists.out, lists.in, [](std::size_t, const std::byte*) {});
}

/// `automatic` with a codec: so few values are a block or a few, and a message costs more than its
/// bytes, so everyone sends all in one round.
[[nodiscard]] constexpr bool prefers_one_round(std::size_t count) noexcept { return count <= 512; }

/// out = the sum of `wire_of(rank)`, in rank order, divided; by way of `sums`.
template <class Turn, class Codec, class WireOf, class T>
void decode_sum(Turn& turn, const Codec& with, const WireOf& wire_of, float* sums, T* out,
                std::size_t count, float divisor) {
  turn.each(count, set_zero{sums});
  for (int rank = 0; rank < turn.size(); ++rank) {
    turn.decode_add(with, wire_of(rank), sums, count);
  }
  turn.each(count, lower_sum<T>{sums, out, divisor});
}

template <class Turn, class Codec, class T>
void encode_each(Turn& turn, const Codec& with, const wires<Codec>& cut, const chunking& chunks,
                 const T* in, std::byte* memory) {
  for (int chunk = 0; chunk < turn.size(); ++chunk) {
    turn.encode(with, in + chunks.offset(chunk), chunks.count(chunk), cut.of(memory, chunk).data(),
                context_of(turn, chunks.offset(chunk)));
  }
}
template <class Turn, class Codec, class T>
void decode_each(Turn& turn, const Codec& with, const wires<Codec>& cut, const chunking& chunks,
                 std::byte* memory, T* out) {
  for (int chunk = 0; chunk < turn.size(); ++chunk) {
    turn.decode(with, cut.of(memory, chunk).data(), out + chunks.offset(chunk),
                chunks.count(chunk));
  }
}

/// one_shot: everyone's whole wire to everyone.
template <class Turn, class Job>
void all_reduce_in_one_round(Turn& turn, const Job& job) {
  const std::size_t size = job.codec.wire_bytes(job.count);
  const auto ranks = static_cast<std::size_t>(turn.size());
  auto* memory = job.comm.scratch().get(ranks * size + job.count * sizeof(float));
  const auto wire_of = [&](int rank) {
    return wire{memory + static_cast<std::size_t>(rank) * size, size};
  };
  turn.encode(job.codec, job.in, job.count, wire_of(turn.rank()).data(), context_of(turn, 0));
  exchange_wires(
      job.comm, turn, [&](int) { return wire_of(turn.rank()); }, wire_of);
  decode_sum(
      turn, job.codec, [&](int rank) { return wire_of(rank).data(); },
      reinterpret_cast<float*>(memory + ranks * size), job.out, job.count,
      divisor_of<decltype(job.operation)>(turn.size()));
}

/// two_shot: each chunk to its owner, who sums, encodes the sum once and hands it to all.
template <class Turn, class Job>
void all_reduce_in_two_rounds(Turn& turn, const Job& job) {
  const int self = turn.rank();
  const chunking chunks = chunking::even(job.count, turn.size(), decltype(job.codec)::block);
  const wires cut{job.codec, chunks, turn.size()};
  const bool fused = turn.size() <= Turn::fused_wires;
  const std::size_t own_count = chunks.count(self);
  auto* mine = job.comm.scratch().get(3 * cut.total() + (fused ? 0 : own_count * sizeof(float)));
  auto* theirs = mine + cut.total();
  auto* summed = theirs + cut.total();
  encode_each(turn, job.codec, cut, chunks, job.in, mine);
  exchange_wires(
      job.comm, turn, [&](int peer) { return cut.of(mine, peer); },
      [&](int peer) {
        return wire{theirs + cut.stride() * static_cast<std::size_t>(peer), cut.bytes(self)};
      });
  const auto wire_of = [&](int rank) -> const std::byte* {
    return rank == self ? cut.of(mine, self).data()
                        : theirs + cut.stride() * static_cast<std::size_t>(rank);
  };
  const wire own = cut.of(summed, self);
  const auto where = context_of(turn, chunks.offset(self), true);
  const float divisor = divisor_of<decltype(job.operation)>(turn.size());
  if (fused) {
    turn.encode_sum(job.codec, wire_of, turn.size(), own_count, own.data(), where, divisor);
  } else {
    auto* sums = reinterpret_cast<float*>(summed + cut.total());
    decode_sum(turn, job.codec, wire_of, sums, sums, own_count, divisor);
    turn.encode(job.codec, sums, own_count, own.data(), where);
  }
  exchange_wires(
      job.comm, turn, [&](int) { return own; }, [&](int peer) { return cut.of(summed, peer); });
  decode_each(turn, job.codec, cut, chunks, summed, job.out);
}

template <class Algorithm, class Turn, class Job>
void all_reduce_in_rounds(Turn& turn, const Job& job) {
  static_assert(std::is_same_v<Algorithm, one_shot> || std::is_same_v<Algorithm, two_shot> ||
                    std::is_same_v<Algorithm, automatic>,
                "rondo: on GPUs a codec goes with one_shot and two_shot; encoding at every hop is "
                "not there");
  if constexpr (std::is_same_v<Algorithm, one_shot>) {
    all_reduce_in_one_round(turn, job);
  } else if constexpr (std::is_same_v<Algorithm, two_shot>) {
    all_reduce_in_two_rounds(turn, job);
  } else {
    prefers_one_round(job.count) ? all_reduce_in_one_round(turn, job)
                                 : all_reduce_in_two_rounds(turn, job);
  }
}

template <class Turn, class Job>
void move_in_rounds(Turn& turn, schedule::make<schedule::collective::reduce_scatter>,
                    const Job& job) {
  const int self = turn.rank();
  const chunking chunks = job.sent.of(job.comm);
  const wires cut{job.codec, chunks, turn.size()};
  const std::size_t own = chunks.count(self);
  auto* mine = job.comm.scratch().get(2 * cut.total() + own * sizeof(float));
  auto* theirs = mine + cut.total();
  const auto from = [&](int peer) {
    return wire{theirs + cut.stride() * static_cast<std::size_t>(peer), cut.bytes(self)};
  };
  encode_each(turn, job.codec, cut, chunks, job.in, mine);
  exchange_wires(
      job.comm, turn, [&](int peer) { return cut.of(mine, peer); }, from);
  decode_sum(
      turn, job.codec,
      [&](int rank) { return rank == self ? cut.of(mine, self).data() : from(rank).data(); },
      reinterpret_cast<float*>(theirs + cut.total()), job.out, own,
      divisor_of<decltype(job.operation)>(turn.size()));
}

template <class Turn, class Job>
void move_in_rounds(Turn& turn, schedule::make<schedule::collective::all_gather>, const Job& job) {
  const int self = turn.rank();
  const chunking chunks = job.received.of(job.comm);
  const wires cut{job.codec, chunks, turn.size()};
  auto* memory = job.comm.scratch().get(cut.total());
  const wire own = cut.of(memory, self);
  turn.encode(job.codec, job.in, chunks.count(self), own.data(),
              context_of(turn, chunks.offset(self)));
  exchange_wires(
      job.comm, turn, [&](int) { return own; }, [&](int peer) { return cut.of(memory, peer); });
  decode_each(turn, job.codec, cut, chunks, memory, job.out);
}

/// Ranks whose counts do not agree are not found out here: that would have to wait for the device.
template <class Turn, class Job>
void move_in_rounds(Turn& turn, schedule::make<schedule::collective::all_to_all>, const Job& job) {
  const int self = turn.rank();
  const chunking sent = job.sent.of(job.comm);
  const chunking received = job.received.of(job.comm);
  const wires going{job.codec, sent, turn.size()};
  const wires coming{job.codec, received, turn.size()};
  auto* mine = job.comm.scratch().get(going.total() + coming.total());
  auto* theirs = mine + going.total();
  encode_each(turn, job.codec, going, sent, job.in, mine);
  exchange_wires(
      job.comm, turn, [&](int peer) { return going.of(mine, peer); },
      [&](int peer) { return coming.of(theirs, peer); });
  turn.copy(coming.of(theirs, self).data(), going.of(mine, self).data(), going.bytes(self));
  decode_each(turn, job.codec, coming, received, theirs, job.out);
}

}  // namespace rondo::inline v0_1::detail
