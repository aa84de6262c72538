// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../compare/measure.hpp"

#include <rondo/rondo.hpp>
#include <rondo/schedule.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

/// The schedules that are both run and simulated.
namespace bench {

/// Calls `visit(name, schedule, call)` for each; `call(comm, a, b)` runs it on two buffers of the
/// same size, the size that `simulate` is told.
template <class Visit>
void for_each_schedule(int ranks, const Visit& visit) {
  using buffer = std::span<float>;
  namespace schedule = rondo::schedule;
  const auto parts = static_cast<std::size_t>(ranks);
  const auto reduce = [&](const std::string& name, const auto& algorithm) {
    visit("all_reduce " + name, schedule::all_reduce(algorithm, ranks),
          [=](auto& comm, buffer a, buffer b) { rondo::all_reduce(comm, a, b, algorithm); });
  };
  reduce("ring", rondo::ring{});
  reduce("halving_doubling", rondo::halving_doubling{});
  if (ranks > 2) {  // the same as one_shot below
    reduce("recursive_doubling", rondo::recursive_doubling{});
    reduce("tree", rondo::tree{});
  }
  visit("all_gather ring", schedule::all_gather(rondo::ring{}, ranks),
        [=](auto& comm, buffer a, buffer b) {
          rondo::all_gather(comm, a.first(a.size() / parts), b, rondo::ring{});
        });
  visit("reduce_scatter halving_doubling",
        schedule::reduce_scatter(rondo::halving_doubling{}, ranks),
        [=](auto& comm, buffer a, buffer b) {
          rondo::reduce_scatter(comm, a, b.first(b.size() / parts), rondo::halving_doubling{});
        });
  visit("all_to_all bruck", schedule::all_to_all(rondo::bruck{}, ranks),
        [](auto& comm, buffer a, buffer b) { rondo::all_to_all(comm, a, b, rondo::bruck{}); });
  visit("broadcast tree", schedule::broadcast(rondo::tree{}, ranks),
        [](auto& comm, buffer a, buffer) { rondo::broadcast(comm, a, rondo::tree{}); });
}

}  // namespace bench
