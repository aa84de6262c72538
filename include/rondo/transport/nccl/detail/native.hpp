// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/operation.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/transport/nccl/detail/check.hpp>
#include <rondo/transport/nccl/detail/types.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

/// NCCL's own collectives, one overload each. What only moves, moves as bytes, whatever its type.
/// Where NCCL wants equal counts and the caller has others, a group of its calls does the same.
namespace rondo::inline v0_1::nccl::detail {

template <schedule::collective What>
using make = schedule::make<What>;
using schedule::collective;

template <class Job>
using element_of_job = std::remove_const_t<std::remove_pointer_t<decltype(Job::out)>>;

/// The operation of a job that folds.
template <class Job>
using operation_of_job = std::remove_const_t<decltype(Job::fold.reduction.operation)>;

template <class Job>
[[nodiscard]] consteval bool folds_with_fit(bool as_meant) {
  if constexpr (requires(const Job& job) { job.fold.reduction.operation; }) {
    using T = element_of_job<Job>;
    using operation = operation_of_job<Job>;
    return as_meant ? folds_natively_as_meant<operation, T> : folds_natively<operation, T>;
  } else {
    return true;
  }
}
template <class Job>
inline constexpr bool can_be_native = folds_with_fit<Job>(false);
template <class Job>
inline constexpr bool is_native_as_meant = folds_with_fit<Job>(true);

/// Gives `run` NCCL's name of a job's operation.
template <class Turn, class Job, class Run>
void with_operation(Turn& turn, const Job& job, const Run& run) {
  using operation = operation_of_job<Job>;
  if constexpr (is_scaled<operation>) {
    auto factor = job.fold.reduction.operation.factor;
    ncclRedOp_t made{};
    turn.check(ncclRedOpCreatePreMulSum(&made, &factor, data_type<decltype(factor)>,
                                        ncclScalarHostImmediate, turn.raw()),
               "ncclRedOpCreatePreMulSum");
    struct destroy_later {
      ncclRedOp_t which;
      ncclComm_t of;
      ~destroy_later() { ncclRedOpDestroy(which, of); }
    } const release{made, turn.raw()};
    run(made);
  } else {
    run(operation_or_none<operation>());
  }
}

/// Whether every rank has as many elements, though their counts may be listed.
template <class Cut>
[[nodiscard]] bool is_even(const Cut& cut) {
  for (const std::size_t count : cut.per_rank) {
    if (count != cut.per_rank.front()) {
      return false;
    }
  }
  return true;
}

/// NCCL has no barrier: the smallest all-reduce will do.
template <class Turn, class Job>
void run_native(Turn& turn, make<collective::barrier>, const Job&) {
  std::byte* const token = turn.memory().scratch.get(1);
  turn.check(ncclAllReduce(token, token, 1, ncclUint8, ncclMax, turn.raw(), turn.stream()),
             "ncclAllReduce");
}

template <class Turn, class Job>
void run_native(Turn& turn, make<collective::broadcast>, const Job& job) {
  turn.check(ncclBroadcast(job.in, job.out, job.count * sizeof(*job.out), ncclUint8, job.root,
                           turn.raw(), turn.stream()),
             "ncclBroadcast");
}

template <class Turn, class Job>
void run_native(Turn& turn, make<collective::all_reduce>, const Job& job) {
  with_operation(turn, job, [&](ncclRedOp_t fold) {
    turn.check(ncclAllReduce(job.in, job.out, job.count, data_type<element_of_job<Job>>, fold,
                             turn.raw(), turn.stream()),
               "ncclAllReduce");
  });
}

template <class Turn, class Job>
void run_native(Turn& turn, make<collective::reduce>, const Job& job) {
  with_operation(turn, job, [&](ncclRedOp_t fold) {
    turn.check(ncclReduce(job.in, job.out, job.count, data_type<element_of_job<Job>>, fold,
                          job.root, turn.raw(), turn.stream()),
               "ncclReduce");
  });
}

template <class Turn, class Job>
void run_native(Turn& turn, make<collective::reduce_scatter>, const Job& job) {
  constexpr auto type = data_type<element_of_job<Job>>;
  with_operation(turn, job, [&](ncclRedOp_t fold) {
    if (is_even(job.sent)) {
      turn.check(ncclReduceScatter(job.in, job.out, job.sent.count(0), type, fold, turn.raw(),
                                   turn.stream()),
                 "ncclReduceScatter");
      return;
    }
    const auto cut = job.sent.of(job.comm);
    turn.grouped([&] {
      for (int rank = 0; rank < turn.size(); ++rank) {
        turn.check(ncclReduce(job.in + cut.offset(rank), job.out, cut.count(rank), type, fold, rank,
                              turn.raw(), turn.stream()),
                   "ncclReduce");
      }
    });
  });
}

template <class Turn, class Job>
void run_native(Turn& turn, make<collective::all_gather>, const Job& job) {
  constexpr std::size_t element = sizeof(*job.out);
  if (is_even(job.received)) {
    turn.check(ncclAllGather(job.in, job.out, job.received.count(0) * element, ncclUint8,
                             turn.raw(), turn.stream()),
               "ncclAllGather");
    return;
  }
  const auto cut = job.received.of(job.comm);
  turn.grouped([&] {
    for (int rank = 0; rank < turn.size(); ++rank) {
      turn.check(ncclBroadcast(job.in, job.out + cut.offset(rank), cut.count(rank) * element,
                               ncclUint8, rank, turn.raw(), turn.stream()),
                 "ncclBroadcast");
    }
  });
}

/// One chunk to or from each of some ranks, this one included.
template <class Turn, class T, class Cut>
void send_chunks(Turn& turn, const T* from, const Cut& cut) {
  for (int rank = 0; rank < turn.size(); ++rank) {
    turn.send_bytes(rank, from + cut.offset(rank), cut.count(rank) * sizeof(T));
  }
}
template <class Turn, class T, class Cut>
void receive_chunks(Turn& turn, T* into, const Cut& cut) {
  for (int rank = 0; rank < turn.size(); ++rank) {
    turn.receive_bytes(rank, into + cut.offset(rank), cut.count(rank) * sizeof(T));
  }
}

template <class Turn, class Job>
void run_native(Turn& turn, make<collective::all_to_all>, const Job& job) {
#if NCCL_VERSION_CODE >= 22800
  if (job.sent.per_rank.empty()) {
    turn.check(ncclAlltoAll(job.in, job.out, job.sent.block * sizeof(*job.out), ncclUint8,
                            turn.raw(), turn.stream()),
               "ncclAlltoAll");
    return;
  }
#endif
  const auto sent = job.sent.of(job.comm);
  const auto received = job.received.of(job.comm);
  turn.grouped([&] {
    send_chunks(turn, job.in, sent);
    receive_chunks(turn, job.out, received);
  });
}

template <class Turn, class Job>
void run_native(Turn& turn, make<collective::gather>, const Job& job) {
  constexpr std::size_t element = sizeof(*job.out);
#if NCCL_VERSION_CODE >= 22800
  if (job.received.per_rank.empty()) {
    turn.check(ncclGather(job.in, job.out, job.received.block * element, ncclUint8, job.root,
                          turn.raw(), turn.stream()),
               "ncclGather");
    return;
  }
#endif
  const auto cut = job.received.of(job.comm);
  turn.grouped([&] {
    turn.send_bytes(job.root, job.in, cut.count(turn.rank()) * element);
    if (turn.rank() == job.root) {
      receive_chunks(turn, job.out, cut);
    }
  });
}

template <class Turn, class Job>
void run_native(Turn& turn, make<collective::scatter>, const Job& job) {
  constexpr std::size_t element = sizeof(*job.out);
#if NCCL_VERSION_CODE >= 22800
  if (job.sent.per_rank.empty()) {
    turn.check(ncclScatter(job.in, job.out, job.sent.block * element, ncclUint8, job.root,
                           turn.raw(), turn.stream()),
               "ncclScatter");
    return;
  }
#endif
  const auto cut = job.sent.of(job.comm);
  turn.grouped([&] {
    if (turn.rank() == job.root) {
      send_chunks(turn, job.in, cut);
    }
    turn.receive_bytes(job.root, job.out, cut.count(turn.rank()) * element);
  });
}

}  // namespace rondo::inline v0_1::nccl::detail
