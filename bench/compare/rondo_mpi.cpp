// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// rondo's collectives on MPI ranks. Built once per library; BENCH_WHO names it.
#include <mpi.h>

#include "library.hpp"
#include "mpi_world.hpp"
#include "rondo_library.hpp"

#include <rondo/mpi.hpp>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  {
    bench::options with{argc, argv};
    with.ranks = bench::mpi_world::size();
    with.settle(bench::mpi_world::rank());
    bench::mpi_world world;
    rondo::mpi::communicator comm{MPI_COMM_WORLD};
    const auto compare = [&](const char* variant, const auto& algorithm) {
      if (with.wants(variant)) {
        bench::run_all(with, "rondo on " BENCH_WHO, variant, world,
                       bench::rondo_library{comm, algorithm});
      }
    };
    compare("automatic", rondo::automatic{});
    if (!with.variants.empty()) {
      compare("two_shot", rondo::two_shot{});
      compare("ring", rondo::ring{});
      compare("recursive_doubling", rondo::recursive_doubling{});
      compare("halving_doubling", rondo::halving_doubling{});
    }
  }
  MPI_Finalize();
}
