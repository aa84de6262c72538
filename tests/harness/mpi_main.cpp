// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "harness/run_tests.hpp"

#include <mpi.h>

#include <vector>

// Every rank runs the same test cases; rank 0 reports at length, the others in a line. The program
// fails when any rank does.
int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);

  std::vector<char*> arguments(argv, argv + argc);
  char reporter_option[] = "--reporter=compact";
  if (rank != 0) {
    arguments.push_back(reporter_option);
  }
  const int mine = run_tests(static_cast<int>(arguments.size()), arguments.data());

  int worst = mine;
  MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return worst;
}
