// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// begin: mpi
#include "greet.hpp"

#include <rondo/mpi.hpp>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  int provided = 0;  // rondo never begins MPI behind your back; async{} overlaps with this level
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  // begin: catch
  try {
    rondo::mpi::communicator comm{MPI_COMM_WORLD};
    greet(comm);
  } catch (const std::exception& failure) {  // rondo::error says who, in which call, and why
    std::fprintf(stderr, "%s\n", failure.what());
    MPI_Abort(MPI_COMM_WORLD, 1);  // MPI_Finalize might wait for a rank that is lost
  }
  // end: catch
  MPI_Finalize();
}
// end: mpi
