// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "harness/run_tests.hpp"

#include <mpi.h>

#include <chrono>
#include <thread>
#include <vector>

#include <dlfcn.h>

// MPICH calls this of UCX over and over while it waits, and never yields: where ranks outnumber the
// cores, each step of a call would wait until the others have spun through their time slices. So
// the tests put this in its place, which sleeps now and then. (Open MPI yields under
// --oversubscribe.)
extern "C" unsigned ucp_worker_progress(void* worker) {
  using function = unsigned(void*);
  static auto* const progress = reinterpret_cast<function*>(dlsym(RTLD_NEXT, __func__));
  thread_local unsigned empty = 0;
  const unsigned came = progress(worker);
  if (came == 0 && ++empty % 64 == 0) {
    std::this_thread::sleep_for(std::chrono::microseconds{1});
  }
  return came;
}

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
