// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <mpi.h>

#include <unistd.h>

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
    MPI_Request done = MPI_REQUEST_NULL;
    MPI_Iallreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD, &done);
    await(done);
    MPI_Ibarrier(MPI_COMM_WORLD, &done);
    await(done);
    return most;
  }

 private:
  /// MPICH waits busily, and a rank that does so keeps its processor for milliseconds from those
  /// that have begun what is timed: where ranks share processors they sleep in between.
  static void await(MPI_Request& request) {
#if defined(MPICH)
    const bool crowded = size() > sysconf(_SC_NPROCESSORS_ONLN);
    for (int done = 0; crowded && done == 0;) {
      usleep(20);
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    }
#endif
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
};

}  // namespace bench
