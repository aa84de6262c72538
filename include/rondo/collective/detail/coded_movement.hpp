// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/check_codec.hpp>
#include <rondo/collective/detail/fold_at_owner.hpp>
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/collective/detail/movement.hpp>
#include <rondo/collective/detail/wires.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

/// The collectives that move chunks, with a codec and without.
namespace rondo::inline v0_1::detail {

/// The input of every rank is encoded chunk by chunk; each rank decodes and sums its own.
template <class Turn, class Job>
void move_coded(Turn& turn, schedule::make<schedule::collective::reduce_scatter>, const Job& job) {
  check_memory(job.codec, job.sent.total(turn.size()), turn.rank());
  const wires cut{job.codec, job.sent.of(job.comm), turn.size()};
  const std::size_t own = job.sent.count(turn.rank());
  auto* memory = job.comm.scratch().get(cut.total() + own * sizeof(float));
  cut.encode(turn, job.in, memory);
  exchange_and_sum(
      turn, job, [&](int peer) { return cut.of(memory, peer); }, cut.of(memory, turn.rank()),
      reinterpret_cast<float*>(memory + cut.total()), job.out, own);
}

/// Every rank's input is encoded once and decoded by all, the rank itself included.
template <class Turn, class Job>
void move_coded(Turn& turn, schedule::make<schedule::collective::all_gather>, const Job& job) {
  const chunking whole = job.received.of(job.comm);
  const std::size_t first = whole.offset(turn.rank());
  const std::size_t count = whole.count(turn.rank());
  check_memory(job.codec, first + count, turn.rank());
  const wires cut{job.codec, whole, turn.size()};
  const wire own{job.comm.scratch().get(cut.stride()), cut.bytes(turn.rank())};
  encode_values(turn, job.codec, job.in, count, own, context_of(turn, first));
  exchange_and_decode(
      job.comm, turn, [&](int) { return own; }, cut, own, job.out);
}

/// Wires of different counts may be equally long, so every rank first tells its peers the counts.
template <class Turn, class Job>
void compare_counts(Turn& turn, const Job& job) {
  const auto ranks = static_cast<std::size_t>(turn.size());
  std::uint64_t* const told = job.comm.scratch().template get<std::uint64_t>(2 * ranks);
  std::uint64_t* const heard = told + ranks;
  for (int rank = 0; rank < turn.size(); ++rank) {
    told[rank] = job.sent.count(rank);
  }
  heard[turn.rank()] = told[turn.rank()];
  exchange_values(
      job.comm, turn, -1,
      [&](int peer) {
        return std::span{told + peer, 1};
      },
      [&](int peer) {
        return std::span{heard + peer, 1};
      });
  for (int rank = 0; rank < turn.size(); ++rank) {
    require_count(turn, rank, job.received.count(rank), heard[rank]);
  }
}

/// Every chunk is encoded once and decoded where it arrives, the rank's own included. Counts that
/// do not agree are not found out where that would have to wait for a device.
template <class Turn, class Job>
void move_coded(Turn& turn, schedule::make<schedule::collective::all_to_all>, const Job& job) {
  check_memory(job.codec, job.sent.total(turn.size()), turn.rank());
  if constexpr (!works_elsewhere<Turn>) {
    if (!job.sent.per_rank.empty()) {
      compare_counts(turn, job);
    }
  }
  const wires going{job.codec, job.sent.of(job.comm), turn.size()};
  const wires coming{job.codec, job.received.of(job.comm), turn.size()};
  auto* memory = job.comm.scratch().get(going.total());
  going.encode(turn, job.in, memory);
  exchange_and_decode(
      job.comm, turn, [&](int peer) { return going.of(memory, peer); }, coming,
      going.of(memory, turn.rank()), job.out);
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
    move_coded(turn, schedule::make<What>{}, *this);
  }
};

/// Makes or begins a collective that moves chunks: by an algorithm, or with a codec.
template <schedule::collective What, class Direct, class T, class Comm, class Policies,
          class... Given>
auto launch_movement(Comm& comm, const call& made, const T* in, T* out, const cut_by_rank& sent,
                     const cut_by_rank& received, const Policies& with, const Given&... given) {
  using operation = typename Policies::operation_type;
  using algorithm = typename Policies::algorithm_type;
  if constexpr (Policies::coded) {
    using codec = typename Policies::codec_type;
    check_codec<operation, algorithm, codec>();
    check_encoded_once<algorithm>();
    using job = coded_movement<What, Comm, T, operation, codec>;
    return launch(comm, made,
                  job{.comm = comm,
                      .in = in,
                      .out = out,
                      .sent = sent,
                      .received = received,
                      .operation = with.operation,
                      .codec = with.codec},
                  given...);
  } else {
    const auto fold = [&] {
      if constexpr (schedule::folds(What)) {
        return folds_with<T, operation>{{with.operation, comm.size()}};
      } else {
        return moves_only<T>{};
      }
    }();
    using job = by_algorithm<
        movement<What, Direct, Comm, T, algorithm, std::remove_const_t<decltype(fold)>>>;
    return launch(comm, made,
                  job{{.comm = comm,
                       .in = in,
                       .out = out,
                       .sent = sent,
                       .received = received,
                       .algorithm = with.algorithm,
                       .fold = fold}},
                  given...);
  }
}

}  // namespace rondo::inline v0_1::detail
