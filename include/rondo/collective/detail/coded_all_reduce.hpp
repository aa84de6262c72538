// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/coded_rounds.hpp>
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/collective/detail/wires.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace rondo::inline v0_1::detail {

/// A turn whose messages are runs of floats that travel encoded: any schedule, encoded at every
/// hop.
template <class Comm, class Turn, class Codec>
class coded_turn {
 public:
  coded_turn(Comm& comm, Turn& turn, const Codec& with) : comm_{comm}, turn_{turn}, with_{with} {}

  [[nodiscard]] int rank() const { return turn_.rank(); }
  [[nodiscard]] int size() const { return turn_.size(); }
  [[nodiscard]] std::uint64_t word() const { return turn_.word(); }

  template <class Out, class In, class Arrived>
  void exchange(const Out& out, const In& in, const Arrived& arrived) {
    auto& mine = comm_.kept().template get<staging>();
    std::size_t needed = 0;
    std::size_t longest = 0;
    for (const auto& one : out) {
      needed += with_.wire_bytes(one.bytes / sizeof(float));
    }
    for (const auto& one : in) {
      longest = larger(longest, one.bytes);
    }
    auto* memory = mine.memory.get(needed + longest);
    auto* values = reinterpret_cast<float*>(memory + needed);
    mine.out.clear();
    mine.in.clear();
    for (const auto& one : out) {
      const std::size_t count = one.bytes / sizeof(float);
      const wire sent{memory, with_.wire_bytes(count)};
      with_.encode(
          std::span<const float>{reinterpret_cast<const float*>(one.data), count}, sent,
          {.step = word() >> 32, .rank = static_cast<std::uint32_t>(rank()), .hop = ++hop_});
      mine.out.push_back({one.peer, sent.data(), sent.size()});
      memory += sent.size();
    }
    for (const auto& one : in) {
      mine.in.push_back({one.peer, nullptr, with_.wire_bytes(one.bytes / sizeof(float))});
    }
    turn_.exchange(mine.out, mine.in, [&](std::size_t which, const std::byte* data) {
      auto* into = in[which].into == nullptr ? values : reinterpret_cast<float*>(in[which].into);
      with_.decode(read_wire{data, mine.in[which].bytes},
                   std::span<float>{into, in[which].bytes / sizeof(float)});
      arrived(which, reinterpret_cast<const std::byte*>(into));
    });
  }

 private:
  struct staging {
    arena memory;
    std::vector<outgoing> out;
    std::vector<incoming> in;
  };
  Comm& comm_;
  Turn& turn_;
  const Codec& with_;
  std::uint32_t hop_ = 0;  ///< messages encoded so far
};

/// All-reduce with a codec, whose values are encoded as seldom as the algorithm allows.
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

}  // namespace rondo::inline v0_1::detail
