// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "catch.hpp"
#include "tensor/faulty.hpp"

#include <rondo/core/partition.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/transport/threads/run.hpp>

#include <atomic>
#include <cstddef>
#include <stdexcept>

/// The tests of a layer with a mistake planted in one of its collectives.
namespace mutation {

using faulty::mistake;

/// What the two tests of a layer said: of its values, and of its plan.
struct verdict {
  bool values = false;
  bool plan = false;
  int asked = 0;  ///< collectives that the layer asked for
};

/// Runs `layer(comm, faulty comm)` on every rank with this mistake in collective `which`;
/// `near()` then says whether the values are right.
template <class Layer, class Near>
verdict with_mistake(int ranks, mistake what, int which, std::size_t planned, const Layer& layer,
                     const Near& near) {
  verdict said;
  std::atomic<bool> as_planned{true};
  try {
    rondo::threads::run(ranks, [&](auto& comm) {
      rondo::testing::recording seen{comm};
      faulty::communicator wrong{seen, what, which};
      layer(comm, wrong);
      if (seen.made().size() != planned) {
        as_planned = false;
      }
      if (comm.rank() == 0) {
        said.asked = wrong.made();
      }
    });
    said.values = near();
  } catch (const std::exception&) {
    said.values = false;
  }
  said.plan = as_planned;
  return said;
}

/// Whether ranks in another order make other values: not of a sum of equal shares.
enum class order_of_ranks { shows, is_nothing };

/// `run(what, which)` gives the verdict on a mistake. A collective that is dropped or made among
/// ranks in another order shows in the values; one made twice shows in the values where it works in
/// place, and in the plan. `others` are not looked at.
template <class Run>
void check(std::size_t collectives, rondo::part others, const Run& run,
           order_of_ranks order = order_of_ranks::shows) {
  const verdict right = run(mistake::none, -1);
  CHECK(right.values);
  CHECK(right.plan);
  REQUIRE(right.asked == static_cast<int>(collectives));
  for (int which = 0; which < right.asked; ++which) {
    if (static_cast<std::size_t>(which) - others.first < others.count) {
      continue;
    }
    INFO("collective " << which);
    CHECK_FALSE(run(mistake::dropped, which).values);
    CHECK((order == order_of_ranks::is_nothing || !run(mistake::swapped, which).values));
    const verdict twice = run(mistake::doubled, which);
    CHECK((!twice.values || !twice.plan));
  }
}

}  // namespace mutation
