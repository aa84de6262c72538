// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "tensor/exact_mesh.hpp"

#include <rondo/mpi.hpp>
#include <rondo/transport/threads/run.hpp>

using namespace exact_mesh;

TEST_CASE("exact: processes have the bits of one thread") {
  step one;
  rondo::threads::run(1, [&](auto& comm) { one = run_step(comm, 1, 1); });
  rondo::mpi::communicator comm{MPI_COMM_WORLD};
  for (int data = 1; data <= comm.size(); ++data) {
    if (comm.size() % data == 0) {
      const int tensor = comm.size() / data;
      expect_same(run_step(comm, data, tensor), one, comm.rank(), data, tensor);
    }
  }
}
