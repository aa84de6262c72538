// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// rondo's collectives on MPI ranks, through a window that they share or, as the variant
// `messages`, without one. Built once per library; BENCH_WHO names it.
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
    using rondo::mpi::options;
    rondo::mpi::communicator comm{MPI_COMM_WORLD};
    rondo::mpi::communicator apart{MPI_COMM_WORLD, {.memory = options::memory::messages}};
    const auto compare_on = [&](auto& ranks, const char* variant, const auto& algorithm) {
      if (with.wants(variant)) {
        bench::run_all(with, "rondo on " BENCH_WHO, variant, world,
                       bench::rondo_library{ranks, algorithm});
      }
    };
    const auto compare = [&](const char* variant, const auto& algorithm) {
      compare_on(comm, variant, algorithm);
    };
    compare("automatic", rondo::automatic{});
    if (!with.variants.empty()) {
      compare_on(apart, "messages", rondo::automatic{});
      compare("two_shot", rondo::two_shot{});
      compare("ring", rondo::ring{});
      compare("recursive_doubling", rondo::recursive_doubling{});
      compare("halving_doubling", rondo::halving_doubling{});
    }
  }
  MPI_Finalize();
}
