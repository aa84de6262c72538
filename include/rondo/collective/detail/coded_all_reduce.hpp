// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/coded_turn.hpp>
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/collective/detail/wires.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace rondo::inline v0_1::detail {

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
    static_assert(
        !works_elsewhere<Turn> || is_automatic<Algorithm> || is_direct<Algorithm>,
        "rondo: on GPUs a codec goes with one_shot and two_shot; encoding at every hop is "
        "not there");
    check_memory(codec, count, turn.rank());
    if constexpr (std::is_same_v<Algorithm, one_shot>) {
      from_all(turn);
    } else if constexpr (is_automatic<Algorithm>) {
      prefers_one_round() ? from_all(turn) : by_owners(turn);
    } else if constexpr (is_direct<Algorithm>) {
      by_owners(turn);
    } else {
      by_hops(turn);
    }
  }

 private:
  /// `automatic`: one round where it costs less than two, that is while MPI sends a whole wire
  /// without asking (up to 4 KiB) and there are not so many values that summing all takes longer.
  /// Measured with five codecs, 2 to 8 ranks on 2 processors (Zen 5, 2026-11-28) by
  /// bench/codec/rounds.cpp: bench/results/codecs.md.
  [[nodiscard]] bool prefers_one_round() const {
    return count <= 4096 && codec.wire_bytes(count) <= 3072;
  }

  /// one_shot: everyone's whole wire to everyone, encoded once.
  template <class Turn>
  void from_all(Turn& turn) const {
    const std::size_t size = codec.wire_bytes(count);
    auto* memory = comm.scratch().get(size + count * sizeof(float));
    const wire own{memory, size};
    encode_values(turn, codec, in, count, own, context_of(turn, 0));
    exchange_and_sum(
        turn, *this, [&](int) { return own; }, own, reinterpret_cast<float*>(memory + size), out,
        count);
  }

  /// two_shot: each chunk to its owner, who sums, encodes the sum once and hands it to all.
  template <class Turn>
  void by_owners(Turn& turn) const {
    if constexpr (lending<Turn>) {
      in_segments(turn);
    } else {
      in_two_rounds(turn);
    }
  }

  template <class Turn>
  void in_two_rounds(Turn& turn) const {
    const int self = turn.rank();
    const chunking chunks = blockwise(count);
    const wires<Codec> cut{codec, chunks, turn.size()};
    const std::size_t own = chunks.count(self);
    const std::size_t room = larger(together ? cut.total() : 0, own * sizeof(float));
    auto* memory = comm.scratch().get(cut.total() + cut.stride() + room);
    const wire summed{memory + cut.total(), cut.bytes(self)};
    auto* unsummed_here = memory + cut.total() + cut.stride();
    const auto where = context_of(turn, chunks.offset(self), true);
    cut.encode(turn, in, memory);
    const auto exchange = [&](const auto& add) {
      exchange_in_rank_order(
          comm, turn, [&](int peer) { return cut.of(memory, peer); }, cut.of(memory, self), add);
    };
    bool encoded = false;
    if constexpr (works_elsewhere<Turn>) {
      if (turn.size() <= Turn::fused_wires) {  // in one kernel
        auto& all = comm.kept().template get<std::vector<const std::byte*>>();
        all.clear();
        exchange([&](read_wire data) { all.push_back(data.data()); });
        turn.encode_sum(
            codec, [&](int rank) { return all[static_cast<std::size_t>(rank)]; }, turn.size(), own,
            summed.data(), where, divisor_of<Operation>(turn.size()));
        encoded = true;
      }
    } else if constexpr (together) {
      const auto& sent = to_each(comm, turn, [&](int peer) { return cut.of(memory, peer); });
      codec.encode_sum(gather_in_rank_order(turn, cut.of(memory, self), unsummed_here,
                                            [&](const auto& wanted, const auto& arrived) {
                                              turn.exchange(sent, wanted, arrived);
                                            }),
                       own, summed, where, divisor_of<Operation>(turn.size()));
      encoded = true;
    }
    if (!encoded) {
      auto* sums = reinterpret_cast<float*>(unsummed_here);
      clear_sums(turn, sums, own);
      exchange([&](read_wire data) { add_values(turn, codec, data, sums, own); });
      lower_sums<Operation>(turn, sums, sums, own);
      encode_values(turn, codec, static_cast<const float*>(sums), own, summed, where);
    }
    exchange_and_decode(
        comm, turn, [&](int) { return summed; }, cut, summed, out);
  }

  /// Long buffers segment by segment, so that the link carries one while the next is encoded.
  template <class Turn>
  void in_segments(Turn& turn) const {
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
      turn.lend(to_each(comm, turn, [&](int peer) { return one.cut.of(one.memory, peer); }),
                unsummed);
    };
    const auto sum = [&](const segment& one) {
      const wire mine = one.cut.of(one.memory, self);
      const std::size_t values = one.chunks.count(self);
      const auto where = context_of(turn, one.first + one.chunks.offset(self), true);
      if constexpr (together) {
        codec.encode_sum(gather_in_rank_order(turn, mine, unsummed_here,
                                              [&](const auto& wanted, const auto& arrived) {
                                                turn.take(wanted, arrived, unsummed);
                                              }),
                         values, one.summed, where, divisor_of<Operation>(turn.size()));
      } else {
        auto* owned = reinterpret_cast<float*>(unsummed_here);
        clear_sums(turn, owned, values);
        in_rank_order(
            comm, turn, mine, [&](read_wire data) { add_values(turn, codec, data, owned, values); },
            [&](const auto& wanted, const auto& arrived) { turn.take(wanted, arrived, unsummed); });
        lower_sums<Operation>(turn, owned, owned, values);
        codec.encode(std::span<const float>{owned, values}, one.summed, where);
      }
      turn.lend(to_each(comm, turn, [&](int) { return one.summed; }), finished);
    };
    const auto end = [&](const segment& one) {
      decode_each(
          comm, turn, one.cut, one.summed, out + one.first,
          [&](const auto& wanted, const auto& arrived) { turn.take(wanted, arrived, finished); });
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
    lower_sums<Operation>(turn, sums.data(), sums.data(), own);
    const wire summed{reinterpret_cast<std::byte*>(wide + count + own), cut.bytes(self)};
    codec.encode(std::span<const float>{sums}, summed, context_of(turn, chunks.offset(self), true));
    exchange_and_decode(
        comm, turn, [&](int) { return summed; }, cut, summed, out);
  }

  /// The next unsummed wire of every rank in rank order, all at hand: `own` where it lies, and
  /// those of peers in `memory`, for a peer that fails may take its own away. `receive(in,
  /// arrived)` gets those.
  template <class Turn, class Receive>
  [[nodiscard]] std::span<const read_wire> gather_in_rank_order(const Turn& turn, read_wire own,
                                                                std::byte* memory,
                                                                const Receive& receive) const {
    auto& wanted = lists_of(comm).in;
    auto& all = comm.kept().template get<std::vector<read_wire>>();
    wanted.clear();
    all.clear();
    for (int rank = 0; rank < turn.size(); ++rank) {
      if (rank == turn.rank()) {
        all.push_back(own);
      } else {
        wanted.push_back({rank, memory, own.size()});
        all.push_back({memory, own.size()});
        memory += own.size();
      }
    }
    receive(wanted, [](std::size_t, const std::byte*) {});
    return all;
  }

  /// A chunk for every rank, begun on a multiple of the codec's block.
  [[nodiscard]] chunking blockwise(std::size_t values) const {
    return chunking::even(values, comm.size(), Codec::block);
  }

  /// Whether the codec sums all wires of a chunk at once: other bits than wire by wire, so however
  /// they travel.
  static constexpr bool together = codec::traits<Codec>::sums_together;

  /// Values of a chunk of a segment: 256 KiB of floats, which stay in cache from sum to encode.
  static constexpr std::size_t chunk_values =
      (65536 + Codec::block - 1) / Codec::block * Codec::block;

  /// What is still to be summed goes in one stream of messages, what is finished in the other.
  static constexpr unsigned unsummed = 0;
  static constexpr unsigned finished = 1;

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
