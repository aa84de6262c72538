// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "tensor/mlp_case.hpp"

#include <rondo/transport/threads/run.hpp>

using namespace mlp_case;

namespace {

template <int Rows, class F, class Order>
void check_on_all(const F& activation, Order order, const results* one) {
  const auto expected = oracle(activation);
  for (const int ranks : {1, 2, 3, 5, 8}) {
    for (const cut& features : feature_cuts(ranks)) {
      rondo::threads::run(ranks, [&](auto& comm) {
        const auto got = run<Rows>(comm, features, activation, order);
        near(got, expected, comm, features, Rows);
        if (one != nullptr) {
          same(got, *one, comm, features, Rows);
        }
      });
    }
  }
}

template <class F>
results alone(const F& activation) {
  results got;
  rondo::threads::run(
      1, [&](auto& comm) { got = run<-1>(comm, cut::whole(d_ff, 1), activation, by_leaves); });
  return got;
}

}  // namespace

TEST_CASE("mlp: values and gradients are those of one rank") {
  check_on_all<-1>(rondo::pointwise{softplus{}}, any_order{}, nullptr);
  check_on_all<0>(rondo::pointwise{softplus{}}, any_order{}, nullptr);
}

TEST_CASE("mlp: gated, each rank holds its gate and its up columns") {
  check_on_all<-1>(rondo::gated{softplus{}}, any_order{}, nullptr);
  check_on_all<0>(rondo::gated{softplus{}}, any_order{}, nullptr);
}

TEST_CASE("mlp: in exact mode the bits are those of one rank") {
  const auto plain = alone(rondo::pointwise{softplus{}});
  check_on_all<-1>(rondo::pointwise{softplus{}}, by_leaves, &plain);
  check_on_all<0>(rondo::pointwise{softplus{}}, by_leaves, &plain);
  const auto gate = alone(rondo::gated{softplus{}});
  check_on_all<0>(rondo::gated{softplus{}}, by_leaves, &gate);
}
