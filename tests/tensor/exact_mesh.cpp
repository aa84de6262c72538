// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "tensor/exact_mesh.hpp"
#include "catch.hpp"

#include <rondo/transport/threads/run.hpp>

using namespace exact_mesh;

TEST_CASE("exact: every mesh of data and tensor ranks has the bits of one rank") {
  step one;
  rondo::threads::run(1, [&](auto& comm) { one = run_step(comm, 1, 1); });
  for (int data = 1; data <= 8; ++data) {
    for (int tensor = 1; data * tensor <= 8; ++tensor) {
      rondo::threads::run(data * tensor, [&](auto& comm) {
        expect_same(run_step(comm, data, tensor), one, comm.rank(), data, tensor);
      });
    }
  }
}

TEST_CASE("exact: a leaf that is put twice is refused") {
  rondo::tree_sum<float> sums{3};
  for (const std::size_t leaf : {4, 5, 6}) {
    static_cast<void>(sums.room());
    sums.put(leaf);
  }
  CHECK(sums.nodes().size() == 2);  // leaves 4 and 5 are one subtree
  CHECK_THROWS_WITH(sums.put(5), Catch::Matchers::ContainsSubstring("leaf 5 is put twice"));
}
