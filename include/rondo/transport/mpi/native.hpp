// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/transport/mpi/types.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// `native{}`: MPI's own collectives, one overload per collective. MPI watches over nothing here: a
/// rank that makes another call, or none, is a hang as in any MPI program.
namespace rondo::inline v0_1::mpi {

template <schedule::collective What>
using make = schedule::make<What>;
using schedule::collective;

inline constexpr std::size_t most_elements = std::size_t{1}
                                             << 30;  ///< in one call; MPI counts in int

/// Elements that MPI's counts and displacements can express, or a refusal.
[[nodiscard]] inline int as_int(std::size_t elements) {
  if (elements > INT_MAX) {
    refuse("native: " + std::to_string(elements) +
           " elements for one rank are more than MPI can count; use another algorithm");
  }
  return static_cast<int>(elements);
}

template <class Operation, class T>
inline constexpr bool folds_in_place = std::is_same_v<typename reduction<Operation, T>::partial, T>;

template <class Job>
void run_native(MPI_Comm over, make<collective::barrier>, const Job&) {
  check(MPI_Barrier(over), "MPI_Barrier");
}

template <class Job>
void run_native(MPI_Comm over, make<collective::broadcast>, const Job& job) {
  const auto whole = amount_of(job.comm.kept(), job.count * sizeof(*job.out));
  check(MPI_Bcast(job.out, whole.count, whole.type, job.root, over), "MPI_Bcast");
}

/// Lifts, has `reduce(in, out, done, some)` fold pieces of partial results, and lowers.
template <class T, class Operation, class Job, class Reduce>
void reduce_natively(const Job& job, bool gets_result, const Reduce& reduce) {
  using folds = reduction<Operation, T>;
  using partial = typename folds::partial;
  const folds with{job.operation, job.comm.size()};
  const partial* in = nullptr;
  partial* out = nullptr;
  if constexpr (folds_in_place<Operation, T>) {
    in = job.in;
    out = job.out;
  } else {
    auto* wide = reinterpret_cast<partial*>(job.comm.widened().get(job.count * sizeof(partial)));
    for (std::size_t i = 0; i < job.count; ++i) {
      ::new (static_cast<void*>(wide + i)) partial(folds::lift(job.in[i]));
    }
    in = wide;
    out = wide;
  }
  std::size_t done = 0;
  do {
    const std::size_t some = (std::min)(job.count - done, most_elements);
    reduce(in + done, gets_result || !folds_in_place<Operation, T> ? out + done : nullptr,
           static_cast<int>(some));
    done += some;
  } while (done < job.count);
  constexpr bool finishes = requires(const Operation& o, partial p) { o.finish(p, 1); };
  if (gets_result && (finishes || !folds_in_place<Operation, T>)) {
    for (std::size_t i = 0; i < job.count; ++i) {
      job.out[i] = with.lower(out[i]);
    }
  }
}

template <class Job>
void run_native(MPI_Comm over, make<collective::all_reduce>, const Job& job) {
  using T = std::remove_pointer_t<decltype(job.out)>;
  using operation = std::remove_const_t<decltype(job.operation)>;
  const auto [type, fold] = folding<operation, T, reduction<operation, T>>(job.comm.kept());
  reduce_natively<T, operation>(job, true, [&, t = type, f = fold](auto* in, auto* out, int count) {
    const void* from = in == out ? MPI_IN_PLACE : static_cast<const void*>(in);
    check(MPI_Allreduce(from, out, count, t, f, over), "MPI_Allreduce");
  });
}

template <class Job>
void run_native(MPI_Comm over, make<collective::reduce>, const Job& job) {
  using T = std::remove_pointer_t<decltype(job.out)>;
  using operation = std::remove_const_t<decltype(job.operation)>;
  const auto [type, fold] = folding<operation, T, reduction<operation, T>>(job.comm.kept());
  const bool gets = job.comm.rank() == job.root;
  reduce_natively<T, operation>(job, gets, [&, t = type, f = fold](auto* in, auto* out, int count) {
    const void* from = gets && in == out ? MPI_IN_PLACE : static_cast<const void*>(in);
    check(MPI_Reduce(from, gets ? out : nullptr, count, t, f, job.root, over), "MPI_Reduce");
  });
}

/// Counts and displacements, in elements.
struct cuts {
  std::vector<int> counts;
  std::vector<int> begins;

  template <class Layout>
  cuts(const Layout& cut, int ranks) {
    for (int rank = 0; rank < ranks; ++rank) {
      counts.push_back(as_int(cut.count(rank)));
      begins.push_back(as_int(cut.offset(rank)));
    }
  }
};

template <class Job>
void run_native(MPI_Comm over, make<collective::reduce_scatter>, const Job& job) {
  using T = std::remove_pointer_t<decltype(job.out)>;
  using folds = std::remove_const_t<decltype(job.with.with)>;
  using operation = std::remove_const_t<decltype(job.with.with.operation)>;
  using partial = typename folds::partial;
  const auto [type, fold] = folding<operation, T, folds>(job.comm.kept());
  const std::size_t whole = job.sent.total(job.comm.size());
  const std::size_t mine = job.received.count(job.comm.rank());
  const bool own_part = job.out >= job.in && job.out < job.in + whole;
  const partial* in = nullptr;
  partial* out = nullptr;
  if constexpr (std::is_same_v<partial, T>) {
    in = job.in;
    out = job.out;
  }
  if (own_part || !std::is_same_v<partial, T>) {
    auto* wide =
        reinterpret_cast<partial*>(job.comm.widened().get((whole + mine) * sizeof(partial)));
    job.with.lift(job.in, wide, whole);
    in = wide;
    out = wide + whole;
  }
  if (job.sent.per_rank.empty()) {
    check(MPI_Reduce_scatter_block(in, out, as_int(mine), type, fold, over),
          "MPI_Reduce_scatter_block");
  } else {
    const cuts parts{job.sent.of(job.comm), job.comm.size()};
    check(MPI_Reduce_scatter(in, out, parts.counts.data(), type, fold, over), "MPI_Reduce_scatter");
  }
  constexpr bool finishes = requires(const operation& o, partial p) { o.finish(p, 1); };
  if (static_cast<const void*>(out) != static_cast<const void*>(job.out) || finishes) {
    job.with.lower(out, job.out, mine);
  }
}

template <class Job>
void run_native(MPI_Comm over, make<collective::all_gather>, const Job& job) {
  auto& kept = job.comm.kept();
  constexpr std::size_t element = sizeof(*job.out);
  const int ranks = job.comm.size();
  const auto cut = job.received.of(job.comm);
  const bool own_part = job.in == job.out + cut.offset(job.comm.rank());
  const void* from = own_part ? MPI_IN_PLACE : static_cast<const void*>(job.in);
  const auto mine = amount_of(kept, cut.count(job.comm.rank()) * element);
  if (job.received.per_rank.empty()) {
    check(MPI_Allgather(from, mine.count, mine.type, job.out, mine.count, mine.type, over),
          "MPI_Allgather");
  } else {
    const cuts parts{cut, ranks};
    const auto type = bytes_type(kept, element);
    check(MPI_Allgatherv(from, parts.counts[static_cast<std::size_t>(job.comm.rank())], type,
                         job.out, parts.counts.data(), parts.begins.data(), type, over),
          "MPI_Allgatherv");
  }
}

template <class Job>
void run_native(MPI_Comm over, make<collective::all_to_all>, const Job& job) {
  auto& kept = job.comm.kept();
  constexpr std::size_t element = sizeof(*job.out);
  if (job.sent.per_rank.empty()) {
    const auto each = amount_of(kept, job.sent.block * element);
    check(MPI_Alltoall(job.in, each.count, each.type, job.out, each.count, each.type, over),
          "MPI_Alltoall");
  } else {
    const cuts out{job.sent.of(job.comm), job.comm.size()};
    const cuts in{job.received.of(job.comm), job.comm.size()};
    const auto type = bytes_type(kept, element);
    check(MPI_Alltoallv(job.in, out.counts.data(), out.begins.data(), type, job.out,
                        in.counts.data(), in.begins.data(), type, over),
          "MPI_Alltoallv");
  }
}

template <class Job>
void run_native(MPI_Comm over, make<collective::gather>, const Job& job) {
  auto& kept = job.comm.kept();
  constexpr std::size_t element = sizeof(*job.out);
  const auto cut = job.received.of(job.comm);
  const int rank = job.comm.rank();
  const bool own_part = rank == job.root && job.in == job.out + cut.offset(rank);
  const void* from = own_part ? MPI_IN_PLACE : static_cast<const void*>(job.in);
  if (job.received.per_rank.empty()) {
    const auto each = amount_of(kept, cut.count(rank) * element);
    check(MPI_Gather(from, each.count, each.type, job.out, each.count, each.type, job.root, over),
          "MPI_Gather");
  } else {
    const cuts parts{cut, job.comm.size()};
    const auto type = bytes_type(kept, element);
    check(MPI_Gatherv(from, as_int(cut.count(rank)), type, job.out, parts.counts.data(),
                      parts.begins.data(), type, job.root, over),
          "MPI_Gatherv");
  }
}

template <class Job>
void run_native(MPI_Comm over, make<collective::scatter>, const Job& job) {
  auto& kept = job.comm.kept();
  constexpr std::size_t element = sizeof(*job.out);
  const auto cut = job.sent.of(job.comm);
  const int rank = job.comm.rank();
  const bool own_part = rank == job.root && job.out == job.in + cut.offset(rank);
  void* into = own_part ? MPI_IN_PLACE : static_cast<void*>(job.out);
  if (job.sent.per_rank.empty()) {
    const auto each = amount_of(kept, cut.count(rank) * element);
    check(MPI_Scatter(job.in, each.count, each.type, into, each.count, each.type, job.root, over),
          "MPI_Scatter");
  } else {
    const cuts parts{cut, job.comm.size()};
    const auto type = bytes_type(kept, element);
    check(MPI_Scatterv(job.in, parts.counts.data(), parts.begins.data(), type, into,
                       as_int(cut.count(rank)), type, job.root, over),
          "MPI_Scatterv");
  }
}

}  // namespace rondo::inline v0_1::mpi
