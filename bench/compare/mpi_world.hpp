// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <mpi.h>

namespace bench {

/// The clock's view of an MPI run.
struct mpi_world {
  [[nodiscard]] static int rank() {
    int mine = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &mine);
    return mine;
  }
  [[nodiscard]] static int size() {
    int all = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &all);
    return all;
  }
  double slowest(double mine) const {
    double most = 0;
    MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    return most;
  }
};

}  // namespace bench
