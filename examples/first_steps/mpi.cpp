// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// begin: mpi
#include <rondo/mpi.hpp>
#include <rondo/rondo.hpp>

#include <cstdio>
#include <exception>
#include <vector>

void average(rondo::mpi::communicator& comm) {
  std::vector<float> gradient(1'000'000, 1.0f + static_cast<float>(comm.rank()));
  rondo::all_reduce(comm, gradient, rondo::op::average{});
  if (comm.rank() == 0) {
    std::printf("average: %g\n", static_cast<double>(gradient[0]));  // of 2 ranks 1.5, of 4 2.5
  }
}

int main(int argc, char** argv) {
  int provided = 0;  // rondo never begins MPI behind your back; async{} overlaps with this level
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  // begin: catch
  try {
    rondo::mpi::communicator comm{MPI_COMM_WORLD};
    average(comm);
  } catch (const std::exception& failure) {  // rondo::error says who, in which call, and why
    std::fprintf(stderr, "%s\n", failure.what());
    MPI_Abort(MPI_COMM_WORLD, 1);  // MPI_Finalize might wait for a rank that is lost
  }
  // end: catch
  MPI_Finalize();
}
// end: mpi
