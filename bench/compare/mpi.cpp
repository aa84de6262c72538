// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// An MPI library's own collectives. Built once per library; BENCH_WHO names it.
#include <mpi.h>

#include "library.hpp"
#include "mpi_world.hpp"

namespace {

struct native {
  [[nodiscard]] int rank() const { return bench::mpi_world::rank(); }

  void all_reduce(const float* in, float* out, std::size_t count) const {
    MPI_Allreduce(in == out ? MPI_IN_PLACE : in, out, static_cast<int>(count), MPI_FLOAT, MPI_SUM,
                  MPI_COMM_WORLD);
  }
  void reduce(const float* in, float* out, std::size_t count) const {
    MPI_Reduce(in, out, static_cast<int>(count), MPI_FLOAT, MPI_SUM, 0, MPI_COMM_WORLD);
  }
  void broadcast(float* out, std::size_t count) const {
    MPI_Bcast(out, static_cast<int>(count), MPI_FLOAT, 0, MPI_COMM_WORLD);
  }
  void all_gather(const float* in, float* out, std::size_t block) const {
    const int count = static_cast<int>(block);
    MPI_Allgather(in, count, MPI_FLOAT, out, count, MPI_FLOAT, MPI_COMM_WORLD);
  }
  void reduce_scatter(const float* in, float* out, std::size_t block) const {
    MPI_Reduce_scatter_block(in, out, static_cast<int>(block), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  }
  void all_to_all(const float* in, float* out, std::size_t block) const {
    const int count = static_cast<int>(block);
    MPI_Alltoall(in, count, MPI_FLOAT, out, count, MPI_FLOAT, MPI_COMM_WORLD);
  }
  void barrier() const { MPI_Barrier(MPI_COMM_WORLD); }
};

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  bench::options with{argc, argv};
  with.ranks = bench::mpi_world::size();
  with.settle(bench::mpi_world::rank());
  bench::mpi_world world;
  bench::run_all(with, BENCH_WHO, "native", world, native{});
  MPI_Finalize();
}
