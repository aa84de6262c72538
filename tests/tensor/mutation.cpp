// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// The value tests see every mistake that is planted in a layer's collectives.
#include "catch.hpp"
#include "tensor/faulty.hpp"
#include "tensor/mlp_case.hpp"

#include <stdexcept>

using namespace mlp_case;
using faulty::mistake;

namespace {

/// True if the test of values passes on every rank with this mistake in collective `which`.
template <int Rows, class Order>
bool passes(Order order, mistake what, int which, int* made = nullptr) {
  constexpr int ranks = 2;
  const rondo::pointwise<softplus> activation;
  const auto expected = oracle(activation);
  const cut features = cut::even(d_ff, ranks, 2);  // even: nothing but values can tell
  try {
    rondo::threads::run(ranks, [&](auto& comm) {
      faulty::communicator wrong{comm, what, which};
      const auto got = run<Rows>(wrong, features, activation, order);
      if (made != nullptr && comm.rank() == 0) {
        *made = wrong.made();
      }
      near(got, expected, comm, features, Rows);
    });
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

template <int Rows, class Order>
void check(Order order, int collectives, bool folded_in_place) {
  int made = 0;
  CHECK(passes<Rows>(order, mistake::none, -1, &made));
  CHECK(made == collectives);
  for (int which = 0; which < made; ++which) {
    INFO("collective " << which);
    CHECK_FALSE(passes<Rows>(order, mistake::dropped, which));
    if (folded_in_place) {
      CHECK_FALSE(passes<Rows>(order, mistake::doubled, which));
    } else {
      CHECK_FALSE(passes<Rows>(order, mistake::swapped, which));
    }
  }
}

}  // namespace

TEST_CASE("mutation: a collective dropped or doubled shows in the values") {
  check<-1>(any_order{}, 2, true);
}

TEST_CASE("mutation: with sequence parallelism, a collective dropped or swapped shows") {
  check<0>(any_order{}, 5, false);
}

TEST_CASE("mutation: in exact mode, a collective dropped or swapped shows") {
  check<-1>(by_leaves, 2, false);
}
