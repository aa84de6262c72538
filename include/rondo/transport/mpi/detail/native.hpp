// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/mpi/detail/types.hpp>
#include <rondo/version.hpp>

#include <climits>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

/// `native{}`: MPI's own collectives, one overload per collective. MPI watches over nothing here: a
/// rank that makes another call, or none, is a hang as in any MPI program. Of a job they read
/// `comm`, `in` and `out`; `count`, or how chunks are cut, `sent` and `received`; `root`; and
/// `fold`.
namespace rondo::inline v0_1::mpi::detail {

template <schedule::collective What>
using make = schedule::make<What>;
using schedule::collective;

/// What MPI's counts and displacements can express, or a refusal.
[[nodiscard]] inline int as_int(std::size_t elements) {
  if (elements > INT_MAX) {
    refuse("native: a count or a place of " + std::to_string(elements) +
           " elements is more than MPI counts; use another algorithm");
  }
  return static_cast<int>(elements);
}

/// Counts and displacements, in elements, in memory that the communicator keeps.
struct cuts {
  std::vector<int> counts{};
  std::vector<int> begins{};

  template <class ByRank, class Comm>
  [[nodiscard]] static const cuts& of(const ByRank& by_rank, Comm& comm) {
    auto& kept = comm.kept().template get<cuts>(by_rank.which, [] { return cuts{}; });
    const auto cut = by_rank.of(comm);
    kept.counts.clear();
    kept.begins.clear();
    for (int rank = 0; rank < comm.size(); ++rank) {
      kept.counts.push_back(as_int(cut.count(rank)));
      kept.begins.push_back(as_int(cut.offset(rank)));
    }
    return kept;
  }
};

template <class Job>
using value_of = std::remove_pointer_t<decltype(Job::out)>;

template <class Job>
[[nodiscard]] auto folding_of(const Job& job) {
  using fold = std::remove_const_t<decltype(job.fold)>;
  using folds = typename fold::folds;
  return folding<decltype(folds::operation), value_of<Job>, folds>(job.comm.kept());
}

/// Has `reduce(in, out, count)` fold all elements piece by piece; lifts before, lowers behind.
template <class Job, class Reduce>
void reduce_natively(const Job& job, bool gets_result, const Reduce& reduce) {
  using fold = std::remove_const_t<decltype(job.fold)>;
  using partial = typename fold::partial;
  const auto in_pieces = [&](const partial* in, partial* out) {
    std::size_t done = 0;
    do {
      const std::size_t some = smaller(job.count - done, most_counted);
      reduce(in + done, out == nullptr ? nullptr : out + done, static_cast<int>(some));
      done += some;
    } while (done < job.count);
  };
  if constexpr (fold::lifts) {
    partial* const wide = job.comm.widened().template get<partial>(job.count);
    job.fold.lift(job.in, wide, job.count);
    in_pieces(wide, wide);
    job.fold.lower(wide, job.out, gets_result ? job.count : 0);
  } else {
    in_pieces(job.in, gets_result ? job.out : nullptr);
    job.fold.finish(job.out, gets_result ? job.count : 0);
  }
}

template <class Job>
void run_native(MPI_Comm over, make<collective::barrier>, const Job&) {
  check(MPI_Barrier(over), "MPI_Barrier");
}

template <class Job>
void run_native(MPI_Comm over, make<collective::broadcast>, const Job& job) {
  const auto whole = amount_of(job.comm.kept(), job.count * sizeof(*job.out));
  check(MPI_Bcast(job.out, whole.count, whole.type, job.root, over), "MPI_Bcast");
}

template <class Job>
void run_native(MPI_Comm over, make<collective::all_reduce>, const Job& job) {
  const auto [type, fold] = folding_of(job);
  reduce_natively(job, true, [&, t = type, f = fold](const auto* in, auto* out, int count) {
    const void* from = in == out ? MPI_IN_PLACE : static_cast<const void*>(in);
    check(MPI_Allreduce(from, out, count, t, f, over), "MPI_Allreduce");
  });
}

template <class Job>
void run_native(MPI_Comm over, make<collective::reduce>, const Job& job) {
  const auto [type, fold] = folding_of(job);
  const bool gets = job.comm.rank() == job.root;
  reduce_natively(job, gets, [&, t = type, f = fold](const auto* in, auto* out, int count) {
    const void* from = gets && in == out ? MPI_IN_PLACE : static_cast<const void*>(in);
    check(MPI_Reduce(from, gets ? out : nullptr, count, t, f, job.root, over), "MPI_Reduce");
  });
}

template <class Job>
void run_native(MPI_Comm over, make<collective::reduce_scatter>, const Job& job) {
  using fold = std::remove_const_t<decltype(job.fold)>;
  using partial = typename fold::partial;
  const auto [type, operation] = folding_of(job);
  const std::size_t whole = job.sent.total(job.comm.size());
  const std::size_t mine = job.received.count(job.comm.rank());
  const auto scatter = [&, t = type, o = operation](const partial* in, partial* out) {
    if (job.sent.per_rank.empty()) {
      check(MPI_Reduce_scatter_block(in, out, as_int(mine), t, o, over),
            "MPI_Reduce_scatter_block");
    } else {
      const auto& parts = cuts::of(job.sent, job.comm);
      check(MPI_Reduce_scatter(in, out, parts.counts.data(), t, o, over), "MPI_Reduce_scatter");
    }
  };
  if constexpr (!fold::lifts) {
    const bool own_part = job.out >= job.in && job.out < job.in + whole;
    if (!own_part) {
      scatter(job.in, job.out);
      job.fold.finish(job.out, mine);
      return;
    }
  }
  partial* const wide = job.comm.widened().template get<partial>(whole + mine);
  job.fold.lift(job.in, wide, whole);
  scatter(wide, wide + whole);
  job.fold.lower(wide + whole, job.out, mine);
}

template <class Job>
void run_native(MPI_Comm over, make<collective::all_gather>, const Job& job) {
  auto& kept = job.comm.kept();
  constexpr std::size_t element = sizeof(*job.out);
  const auto cut = job.received.of(job.comm);
  const bool own_part = job.in == job.out + cut.offset(job.comm.rank());
  const void* from = own_part ? MPI_IN_PLACE : static_cast<const void*>(job.in);
  const std::size_t mine = cut.count(job.comm.rank());
  if (job.received.per_rank.empty()) {
    const auto each = amount_of(kept, mine * element);
    check(MPI_Allgather(from, each.count, each.type, job.out, each.count, each.type, over),
          "MPI_Allgather");
  } else {
    const auto& parts = cuts::of(job.received, job.comm);
    const auto type = bytes_type(kept, element);
    check(MPI_Allgatherv(from, as_int(mine), type, job.out, parts.counts.data(),
                         parts.begins.data(), type, over),
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
    const auto& out = cuts::of(job.sent, job.comm);
    const auto& in = cuts::of(job.received, job.comm);
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
    const auto& parts = cuts::of(job.received, job.comm);
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
    const auto& parts = cuts::of(job.sent, job.comm);
    const auto type = bytes_type(kept, element);
    check(MPI_Scatterv(job.in, parts.counts.data(), parts.begins.data(), type, into,
                       as_int(cut.count(rank)), type, job.root, over),
          "MPI_Scatterv");
  }
}

}  // namespace rondo::inline v0_1::mpi::detail
