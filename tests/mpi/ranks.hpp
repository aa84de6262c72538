// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "collective/sweep.hpp"

#include <rondo/mpi.hpp>

#include <chrono>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

/// What the tests over MPI processes share. Every test case runs on all ranks together.
namespace ranks {

using rondo::schedule::collective;

[[nodiscard]] inline int world_size() {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

[[nodiscard]] inline rondo::mpi::communicator in_shared_memory(
    std::chrono::milliseconds deadline = std::chrono::seconds{60}) {
  return rondo::mpi::communicator{MPI_COMM_WORLD, {.deadline = deadline}};
}
[[nodiscard]] inline rondo::mpi::communicator by_messages(
    std::chrono::milliseconds deadline = std::chrono::seconds{60}) {
  return rondo::mpi::communicator{
      MPI_COMM_WORLD, {.deadline = deadline, .memory = rondo::mpi::options::memory::messages}};
}

/// Calls `visit(algorithm)` for all that make this collective, MPI's own among them.
template <collective What, class Visit>
void for_each_algorithm(int size, const Visit& visit) {
  const auto one = [&]<class Algorithm>(Algorithm) {
    if constexpr (rondo::schedule::generates<Algorithm, What>) {
      visit(sweep::for_ranks<Algorithm>(size));
    }
  };
  visit(rondo::automatic{});
  visit(rondo::native{});
  std::apply([&](auto... each) { (one(each), ...); }, sweep::algorithms{});
}

/// Runs `body(comm)` on ranks that share memory and on ranks that do not.
template <class Body>
void on_both(const Body& body) {
  {
    auto comm = in_shared_memory();
    REQUIRE(comm.shares_memory());
    body(comm);
  }
  auto comm = by_messages();
  REQUIRE_FALSE(comm.shares_memory());
  body(comm);
}

/// True if this algorithm can make this collective of chunks of unequal size, on every rank.
template <collective What, class Algorithm>
[[nodiscard]] bool takes_unequal(const Algorithm& algorithm, int size) {
  bool takes = true;
  if constexpr (rondo::schedule::generates<Algorithm, What>) {
    for (int rank = 0; rank < size; ++rank) {
      takes = takes && !generate(algorithm, rondo::schedule::make<What>{},
                                 rondo::schedule::place{rank, size, 0})
                            .uniform;
    }
  }
  return takes;
}

/// Counts of elements: none, few, around the number of ranks, and primes.
[[nodiscard]] inline std::vector<std::size_t> some_counts(int size) {
  const auto n = static_cast<std::size_t>(size);
  return {0, 1, n - 1, n + 1, 509, 20011};
}

/// Element i of what the ranks' samples fold to, in rank order.
template <class T, class Operation>
[[nodiscard]] bool is_fold(std::span<const T> got, int size, const Operation& operation,
                           std::size_t first = 0) {
  const auto inputs = sweep::samples<T>(size, first + got.size());
  const auto expected = rondo::testing::folded(inputs, operation);
  return sweep::first_wrong<T>(got, std::span{expected}.subspan(first), size) == -1;
}

}  // namespace ranks
