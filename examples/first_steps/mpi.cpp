// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// begin: mpi
#include "greet.hpp"

#include <rondo/mpi.hpp>

int main(int argc, char** argv) {
  // rondo never begins MPI behind your back. With async{} calls, so that they overlap:
  // MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided)
  MPI_Init(&argc, &argv);
  {
    rondo::mpi::communicator comm{MPI_COMM_WORLD};
    greet(comm);
  }
  MPI_Finalize();
}
// end: mpi
