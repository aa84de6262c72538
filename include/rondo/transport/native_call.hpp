// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>

/// What a transport's own collectives (`native{}`) may read of a call.
namespace rondo::inline v0_1::detail {

/// Buffers of the caller's, and the communicator with the memory that it keeps.
template <class Job>
concept native_call = requires(const Job& job) {
  { job.comm.rank() } -> std::convertible_to<int>;
  { job.comm.size() } -> std::convertible_to<int>;
  job.comm.kept();
  job.comm.widened();
};

/// `in` and `out` of one length on every rank.
template <class Job>
concept native_whole = native_call<Job> && requires(const Job& job) {
  { job.count } -> std::convertible_to<std::size_t>;
  { job.out - job.in } -> std::convertible_to<std::ptrdiff_t>;
};

/// `in`, or `out`, or both hold a chunk for every rank: `sent` and `received` say how they are cut,
/// where an empty `per_rank` stands for equal chunks of `block` elements.
template <class Job>
concept native_chunks = native_call<Job> && requires(const Job& job, int rank) {
  { job.out - job.in } -> std::convertible_to<std::ptrdiff_t>;
  { job.sent.per_rank.empty() } -> std::same_as<bool>;
  { job.received.per_rank.empty() } -> std::same_as<bool>;
  { job.sent.block } -> std::convertible_to<std::size_t>;
  { job.sent.count(rank) } -> std::convertible_to<std::size_t>;
  { job.sent.of(job.comm).offset(rank) } -> std::convertible_to<std::size_t>;
};

template <class Job>
concept native_rooted = requires(const Job& job) {
  { job.root } -> std::convertible_to<int>;
};

/// `fold` folds: values are lifted, where `lifts` says so, folded by `fold.reduction`, and lowered.
template <class Job>
concept native_fold = requires(const Job& job, std::size_t count) {
  { job.fold.lifts } -> std::convertible_to<bool>;
  job.fold.reduction.operation;
  job.fold.finish(job.out, count);
};

}  // namespace rondo::inline v0_1::detail
