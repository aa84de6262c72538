// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/coded_rounds.hpp>
#include <rondo/collective/detail/movement.hpp>
#include <rondo/collective/detail/wires.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

/// The collectives with a codec.
namespace rondo::inline v0_1::detail {

/// Refuses pairs that would lose meaning, with one line that says why.
template <class Operation, class Algorithm, class Codec>
consteval void check_codec() {
  static_assert(!codec::linear_codec<Codec>,
                "rondo: shared_scale and low_rank are sums made by all_reduce; this collective "
                "takes int8, int4, ...");
  static_assert(codec::codec<Codec>,
                "rondo: the codec needs block, wire_bytes, encode, decode and decode_add; see "
                "codec/concept.hpp");
  static_assert(std::is_same_v<Operation, op::sum> || std::is_same_v<Operation, op::average>,
                "rondo: a codec decodes and adds; with one, pass op::sum or op::average");
  static_assert(!is_native<Algorithm>,
                "rondo: the transport's own collectives know no codec; use two_shot or one_shot");
  static_assert(!codec::traits<Codec>::lossy || codec::traits<Codec>::requantises_per_hop ||
                    is_direct<Algorithm> || is_automatic<Algorithm>,
                "rondo: this algorithm would encode anew at every hop and lose accuracy each time; "
                "use two_shot or one_shot, or ask for it with codec::requantised{...}");
  static_assert(!(codec::traits<Codec>::needs_state && codec::traits<Codec>::requantises_per_hop),
                "rondo: a codec with a memory cannot encode at every hop, where values are partial "
                "sums of other ranks; use two_shot or one_shot");
}

/// With a codec, all-reduce alone has more than one form.
template <class Algorithm>
consteval void check_encoded_once() {
  static_assert(is_direct<Algorithm> || is_automatic<Algorithm>,
                "rondo: with a codec this collective goes straight to its peers; use one_shot, "
                "two_shot or no algorithm");
}

inline void set_to_zero(std::span<float> sums) {
  for (auto& sum : sums) {
    sum = 0.0F;
  }
}

/// Sums in fp32, on their way back to the caller's type.
template <class Operation>
void finish_sums(const Operation& operation, std::span<float> sums, int ranks) {
  if constexpr (std::is_same_v<Operation, op::average>) {
    for (auto& sum : sums) {
      sum = operation.finish(sum, ranks);
    }
  }
}

template <class Comm, class T, class Operation, class Algorithm, class Codec>
struct coded_all_reduce {
  Comm& comm;
  const T* in;
  T* out;
  std::size_t count;
  Operation operation;
  Algorithm algorithm;
  Codec codec;

  static constexpr auto what = schedule::collective::all_reduce;

  template <class Turn>
  void operator()(Turn& turn) const {
    check_memory(codec, count, turn.rank());
    if constexpr (works_elsewhere<Turn>) {
      all_reduce_in_rounds<Algorithm>(turn, *this);
    } else if constexpr (std::is_same_v<Algorithm, one_shot>) {
      from_all(turn);
    } else if constexpr (is_automatic<Algorithm>) {
      prefers_one_round(count) ? from_all(turn) : by_owners(turn);
    } else if constexpr (is_direct<Algorithm>) {
      by_owners(turn);
    } else {
      by_hops(turn);
    }
  }

 private:
  /// one_shot: everyone's whole wire to everyone, encoded once.
  template <class Turn>
  void from_all(Turn& turn) const {
    const std::size_t size = codec.wire_bytes(count);
    auto* memory = comm.scratch().get(size + count * sizeof(float));
    const wire mine{memory, size};
    const std::span<float> sums{reinterpret_cast<float*>(memory + size), count};
    codec.encode(std::span<const T>{in, count}, mine, context_of(turn, 0));
    set_to_zero(sums);
    lend_each(comm, turn, wire_stream::unsummed, [&](int) { return mine; });
    take_in_rank_order(comm, turn, mine, [&](read_wire data) { codec.decode_add(data, sums); });
    turn.settle();
    finish_sums(operation, sums, turn.size());
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = static_cast<T>(sums[i]);
    }
  }

  /// two_shot: each chunk to its owner, who sums, encodes the sum once and hands it to all. Long
  /// buffers go segment by segment, so that the link carries one while the next is encoded.
  template <class Turn>
  void by_owners(Turn& turn) const {
    const int self = turn.rank();
    const std::size_t step = chunk_values * static_cast<std::size_t>(turn.size());
    const std::size_t segments = count == 0 ? 1 : (count + step - 1) / step;
    const auto room_of = [&](std::size_t values) {
      const wires<Codec> cut{codec, blockwise(values), turn.size()};
      return cut.total() + cut.stride();
    };
    const std::size_t stride =
        larger(room_of(smaller(count, step)), room_of(count - (segments - 1) * step));
    // The wires that are summed together have room where a segment has it: there are fewer.
    constexpr bool together = codec::traits<Codec>::sums_together;
    auto* memory =
        comm.scratch().get(segments * stride + (together ? stride : chunk_values * sizeof(float)));
    auto* unsummed_here = memory + segments * stride;

    const auto segment_at = [&](std::size_t index) {
      const std::size_t first = index * step;
      const chunking chunks = blockwise(smaller(count - first, step));
      auto* wires_begin = memory + index * stride;
      const wires<Codec> cut{codec, chunks, turn.size()};
      return segment{first, chunks, cut, wires_begin,
                     wire{wires_begin + cut.total(), cut.bytes(self)}};
    };
    const auto begin = [&](const segment& one) {
      one.cut.encode(turn, in + one.first, one.memory, one.first);
      lend_each(comm, turn, wire_stream::unsummed,
                [&](int peer) { return one.cut.of(one.memory, peer); });
    };
    const auto sum = [&](const segment& one) {
      const wire mine = one.cut.of(one.memory, self);
      const std::size_t values = one.chunks.count(self);
      const auto where = context_of(turn, one.first + one.chunks.offset(self), true);
      if constexpr (together) {
        codec.encode_sum(gather_in_rank_order(comm, turn, mine, unsummed_here), values, one.summed,
                         where, divisor_of<Operation>(turn.size()));
      } else {
        const std::span<float> owned{reinterpret_cast<float*>(unsummed_here), values};
        set_to_zero(owned);
        take_in_rank_order(comm, turn, mine,
                           [&](read_wire data) { codec.decode_add(data, owned); });
        finish_sums(operation, owned, turn.size());
        codec.encode(std::span<const float>{owned}, one.summed, where);
      }
      lend_each(comm, turn, wire_stream::finished, [&](int) { return one.summed; });
    };
    const auto end = [&](const segment& one) {
      take_and_decode(comm, turn, one.cut, one.summed, out + one.first);
    };

    // `ahead` segments are on their way to be summed, and as many on their way back.
    for (std::size_t tick = 0; tick < segments + 2 * ahead; ++tick) {
      if (tick < segments) {
        begin(segment_at(tick));
      }
      if (tick >= ahead && tick - ahead < segments) {
        sum(segment_at(tick - ahead));
      }
      if (tick >= 2 * ahead) {
        end(segment_at(tick - 2 * ahead));
      }
    }
    turn.settle();
  }

  /// ring and the like, asked for by name: encoded anew at every hop of the reduce-scatter; the
  /// finished chunks travel as the bytes of their owner.
  template <class Turn>
  void by_hops(Turn& turn) const {
    const int self = turn.rank();
    const chunking chunks = blockwise(count);
    const wires<Codec> cut{codec, chunks, turn.size()};
    const std::size_t own = chunks.count(self);
    auto* wide =
        reinterpret_cast<float*>(comm.widened().get((count + own) * sizeof(float) + cut.stride()));
    const std::span<float> sums{wide + count, own};
    for (std::size_t i = 0; i < count; ++i) {
      wide[i] = static_cast<float>(in[i]);
    }
    coded_turn<Comm, Turn, Codec> coded{comm, turn, codec};
    const folds_with<float, op::sum> add{{op::sum{}, turn.size()}};
    run_program(
        comm, coded,
        program_of<schedule::collective::reduce_scatter>(comm, resolved(algorithm, comm), 0),
        static_cast<const float*>(wide), sums.data(), chunks, chunks.from(self), add.partials());
    finish_sums(operation, sums, turn.size());
    const wire summed{reinterpret_cast<std::byte*>(wide + count + own), cut.bytes(self)};
    codec.encode(std::span<const float>{sums}, summed, context_of(turn, chunks.offset(self), true));
    lend_each(comm, turn, wire_stream::finished, [&](int) { return summed; });
    take_and_decode(comm, turn, cut, summed, out);
    turn.settle();
  }

  /// A chunk for every rank, begun on a multiple of the codec's block.
  [[nodiscard]] chunking blockwise(std::size_t values) const {
    return chunking::even(values, comm.size(), Codec::block);
  }

  /// Values of a chunk of a segment: 256 KiB of floats, which stay in cache from sum to encode.
  static constexpr std::size_t chunk_values =
      (65536 + Codec::block - 1) / Codec::block * Codec::block;

  /// Enough to keep a link busy over a late wake-up; messages under way stay below what a channel
  /// holds.
  static constexpr std::size_t ahead = 3;

  struct segment {
    std::size_t first;
    chunking chunks;
    wires<Codec> cut;
    std::byte* memory;
    wire summed;
  };
};

/// The input of every rank is encoded chunk by chunk; each rank decodes and sums its own.
template <class Turn, class Job>
void move_coded(Turn& turn, schedule::make<schedule::collective::reduce_scatter>, const Job& job) {
  check_memory(job.codec, job.sent.total(turn.size()), turn.rank());
  const wires cut{job.codec, job.sent.of(job.comm), turn.size()};
  const std::size_t own = job.sent.count(turn.rank());
  auto* memory = job.comm.scratch().get(cut.total() + own * sizeof(float));
  const std::span<float> sums{reinterpret_cast<float*>(memory + cut.total()), own};
  cut.encode(turn, job.in, memory);
  set_to_zero(sums);
  lend_each(job.comm, turn, wire_stream::unsummed, [&](int peer) { return cut.of(memory, peer); });
  take_in_rank_order(job.comm, turn, cut.of(memory, turn.rank()),
                     [&](read_wire data) { job.codec.decode_add(data, sums); });
  turn.settle();
  finish_sums(job.operation, sums, turn.size());
  for (std::size_t i = 0; i < own; ++i) {
    job.out[i] = static_cast<std::remove_pointer_t<decltype(job.out)>>(sums[i]);
  }
}

/// Every rank's input is encoded once and decoded by all, the rank itself included.
template <class Turn, class Job>
void move_coded(Turn& turn, schedule::make<schedule::collective::all_gather>, const Job& job) {
  const chunking whole = job.received.of(job.comm);
  const std::size_t first = whole.offset(turn.rank());
  const std::size_t count = whole.count(turn.rank());
  check_memory(job.codec, first + count, turn.rank());
  const wires cut{job.codec, whole, turn.size()};
  const wire mine{job.comm.scratch().get(cut.stride()), cut.bytes(turn.rank())};
  job.codec.encode(std::span{job.in, count}, mine, context_of(turn, first));
  lend_each(job.comm, turn, wire_stream::finished, [&](int) { return mine; });
  take_and_decode(job.comm, turn, cut, mine, job.out);
  turn.settle();
}

/// Wires of different counts may be equally long, so every rank first tells its peers the counts.
template <class Turn, class Job>
void compare_counts(Turn& turn, const Job& job) {
  const int size = turn.size();
  const auto ranks = static_cast<std::size_t>(size);
  std::uint64_t* const told = job.comm.scratch().template get<std::uint64_t>(2 * ranks);
  std::uint64_t* const heard = told + ranks;
  auto& lists = lists_of(job.comm);
  lists.out.clear();
  lists.in.clear();
  for (int rank = 0; rank < size; ++rank) {
    told[rank] = job.sent.count(rank);
    heard[rank] = told[rank];
    if (rank != turn.rank()) {
      lists.out.push_back(
          {rank, reinterpret_cast<const std::byte*>(told + rank), sizeof(std::uint64_t)});
      lists.in.push_back({rank, reinterpret_cast<std::byte*>(heard + rank), sizeof(std::uint64_t)});
    }
  }
  turn.exchange(lists.out, lists.in, [](std::size_t, const std::byte*) {});
  for (int rank = 0; rank < size; ++rank) {
    require_count(turn, rank, job.received.count(rank), heard[rank]);
  }
}

/// Every chunk is encoded once and decoded where it arrives, the rank's own included.
template <class Turn, class Job>
void move_coded(Turn& turn, schedule::make<schedule::collective::all_to_all>, const Job& job) {
  check_memory(job.codec, job.sent.total(turn.size()), turn.rank());
  if (!job.sent.per_rank.empty()) {
    compare_counts(turn, job);
  }
  const wires going{job.codec, job.sent.of(job.comm), turn.size()};
  const wires coming{job.codec, job.received.of(job.comm), turn.size()};
  auto* memory = job.comm.scratch().get(going.total());
  going.encode(turn, job.in, memory);
  lend_each(job.comm, turn, wire_stream::finished,
            [&](int peer) { return going.of(memory, peer); });
  take_and_decode(job.comm, turn, coming, going.of(memory, turn.rank()), job.out);
  turn.settle();
}

/// A `movement` whose elements travel encoded.
template <schedule::collective What, class Comm, class T, class Operation, class Codec>
struct coded_movement {
  Comm& comm;
  const T* in;
  T* out;
  cut_by_rank sent;
  cut_by_rank received;
  Operation operation{};
  Codec codec;

  static constexpr auto what = What;

  template <class Turn>
  void operator()(Turn& turn) const {
    if constexpr (works_elsewhere<Turn>) {
      move_in_rounds(turn, schedule::make<What>{}, *this);
    } else {
      move_coded(turn, schedule::make<What>{}, *this);
    }
  }
};

}  // namespace rondo::inline v0_1::detail
