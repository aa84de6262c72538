// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// mpirun --bind-to none -n N forecast_mpi [--sizes bytes,..]: measured and simulated times on MPI
// ranks.
#include "../compare/mpi_world.hpp"
#include "forecast.hpp"

#include <rondo/mpi.hpp>

int main(int argc, char** argv) {
  int level = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
  {
    const bench::options with = bench::forecast_options(argc, argv);
    rondo::mpi::communicator comm{MPI_COMM_WORLD,
                                  {.memory = rondo::mpi::options::memory::messages}};
    bench::forecast all{with};
    // Open MPI sends up to 256 bytes at once and asks from 4 KiB on; headers count.
    all.start.patience = 0.5e-6;
    all.start.unawaited_bytes = 256;
    all.start.copied_bytes = 4000;
    all.start.message_bytes_per_second = 15e9;
    all.start.handshake = 1e-6;
    all.start.handshake_turns = 1;
    with.settle(comm.rank());
    bench::mpi_world clocks;
    all.run(comm, clocks);
  }
  MPI_Finalize();
}
