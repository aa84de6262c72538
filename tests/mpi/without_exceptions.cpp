// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Built with -fno-exceptions -fno-rtti, so without Catch2. Processes of one binary agree about a
// lambda, wherever each of them was loaded.
#include <rondo/mpi.hpp>

#include <vector>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  bool right = false;
  {
    rondo::mpi::communicator comm{MPI_COMM_WORLD, {.deadline = std::chrono::seconds{20}}};
    const auto largest = [](float a, float b) { return a < b ? b : a; };
    std::vector<float> values(1000, static_cast<float>(comm.rank()));
    rondo::all_reduce(comm, values, largest);
    rondo::all_reduce(comm, values, largest, rondo::ring{});
    right = values.front() == static_cast<float>(comm.size() - 1) && values.back() == values[0];
  }
  MPI_Finalize();
  return right ? 0 : 1;
}
