// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <mpi.h>

namespace bench {

/// Microseconds per call of `repeats` calls, as its slowest rank sees them. A call before them does
/// not count: it pays for what another column of a table has left in the caches.
template <class Call>
double microseconds(const Call& call, int repeats) {
  call();
  MPI_Barrier(MPI_COMM_WORLD);
  const double begin = MPI_Wtime();
  for (int i = 0; i < repeats; ++i) {
    call();
  }
  double spent = (MPI_Wtime() - begin) / repeats;
  MPI_Allreduce(MPI_IN_PLACE, &spent, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return spent * 1e6;
}

}  // namespace bench
