// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "greet.hpp"

#include <rondo/mpi.hpp>

// begin: mpi
int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);  // rondo never initialises MPI behind your back
  {
    rondo::mpi::communicator comm{MPI_COMM_WORLD};
    greet(comm);
  }
  MPI_Finalize();
}
// end: mpi
