// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "own_reduction.hpp"
#include "sweep.hpp"

using rondo::schedule::collective;

namespace {

template <class Operation, bool Messages>
void check_all_algorithms(int ranks) {
  rondo::threads::run(ranks, [&](auto& comm) {
    const auto run = [&](auto& over) {
      sweep::for_each_algorithm<collective::all_reduce, Messages>(
          ranks, [&](const auto& with) { own::check_all_reduce<Operation>(over, with); });
      sweep::for_each_algorithm<collective::reduce_scatter, Messages>(
          ranks, [&](const auto& with) { own::check_reduce_scatter<Operation>(over, with); });
      sweep::for_each_algorithm<collective::reduce, Messages>(
          ranks, [&](const auto& with) { own::check_reduce<Operation>(over, with); });
    };
    if constexpr (Messages) {
      rondo::testing::messages_only apart{comm};
      run(apart);
    } else {
      run(comm);
    }
  });
}

}  // namespace

TEST_CASE("a user's reduction lifts and lowers on every path, also where types do not change") {
  for (const int ranks : {1, 4, 6}) {
    CAPTURE(ranks);
    check_all_algorithms<own::root_mean_square, false>(ranks);
    check_all_algorithms<own::root_mean_square, true>(ranks);
    check_all_algorithms<own::halved, false>(ranks);
    check_all_algorithms<own::halved, true>(ranks);
  }
}
