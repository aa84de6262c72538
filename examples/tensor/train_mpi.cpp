// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// The same training on MPI ranks, held against one rank.
//
//     mpirun -n 4 tensor-train-mpi TEXT [STEPS]

#include "train.hpp"

#include <rondo/mpi.hpp>
#include <rondo/rondo.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>

namespace example = tensor_example;

namespace {

template <template <class> class Network, class Comm>
bool as_one_rank(const char* name, Comm& comm, const std::string& text, int steps) {
  const int data = comm.size() % 2 == 0 ? 2 : 1;
  example::outcome one;
  rondo::threads::run(
      1, [&](auto& alone) { one = example::train<Network>(alone, 1, std::nullopt, text, steps); });
  bool same = true;
  for (const auto& how : {std::optional<rondo::layout>{}, std::optional{example::usual_rules}}) {
    const auto got = example::train<Network>(comm, data, how, text, steps);
    if (comm.rank() == 0) {
      example::print(name, comm.size(), data, how, got);
    }
    same = same && got == one;
  }
  if (!same) {
    std::fprintf(stderr, "%s, rank %d: the bits differ from those of one rank\n", name,
                 comm.rank());
  }
  return same;
}

}  // namespace

int main(int count, char** given) {
  int provided = 0;
  MPI_Init_thread(&count, &given, MPI_THREAD_MULTIPLE, &provided);
  int status = 0;
  try {
    const std::string text = example::text_of(count > 1 ? given[1] : "");
    const int steps = count > 2 ? std::atoi(given[2]) : 10;
    rondo::mpi::communicator comm{MPI_COMM_WORLD};
    const bool three = as_one_rank<example::three_layers>("three layers", comm, text, steps);
    const bool block = as_one_rank<example::gpt>("gpt", comm, text, steps);
    status = three && block ? 0 : 1;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    status = 2;
  }
  if (status != 0) {
    MPI_Abort(MPI_COMM_WORLD, status);
  }
  MPI_Finalize();
  return status;
}
