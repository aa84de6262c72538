// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "tensor/tree_case.hpp"

#include <rondo/mpi.hpp>

using namespace tree_case;

TEST_CASE("tree_exchange: over MPI the bits are the tree's, of few elements and of many") {
  rondo::mpi::communicator comm{MPI_COMM_WORLD};
  for (const std::size_t count : {0, 1, 8, 13}) {
    for (const cut& leaves : {cut::even(count, comm.size()), rondo::zigzag(count, comm.size())}) {
      check<float>(comm, leaves, 5, 3);
      check<double>(comm, leaves, 131, 307);
    }
  }
}
