// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// mpirun -n N types: microseconds of an all-reduce by messages, by what is folded and with what.
// A row has as many bytes of values in each column. Compare columns with the first.
#include "microseconds.hpp"

#include <rondo/mpi.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace {

/// The median of batches.
template <class T, class Operation>
double measure(rondo::mpi::communicator& comm, std::size_t bytes, T value,
               const Operation& operation) {
  const std::vector<T> in(bytes / sizeof(T), value);
  std::vector<T> out(in.size());
  const int calls = static_cast<int>(std::clamp<std::size_t>(4'000'000 / bytes, 3, 300));
  constexpr int batches = 9;
  std::vector<double> each;
  for (int batch = 0; batch < batches; ++batch) {
    each.push_back(
        bench::microseconds([&] { rondo::all_reduce(comm, in, out, operation); }, calls));
  }
  std::nth_element(each.begin(), each.begin() + batches / 2, each.end());
  return each[batches / 2];
}

}  // namespace

int main(int argc, char** argv) {
  int level = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
  {
    using namespace rondo;
    mpi::communicator comm{MPI_COMM_WORLD, {.memory = mpi::options::memory::messages}};
    const auto print = [&](auto... columns) {
      if (comm.rank() == 0) {
        std::printf(columns...);
        std::fflush(stdout);
      }
    };
    print("%d ranks\n%10s%12s%12s%12s%12s%12s%12s\n", comm.size(), "bytes", "float", "average",
          "bfloat16", "average", "half", "exact sums");
    for (std::size_t bytes = 64; bytes <= std::size_t{4} << 20; bytes *= 4) {
      print("%10zu", bytes);
      for (const double column :
           {measure(comm, bytes, 1.5F, op::sum{}), measure(comm, bytes, 1.5F, op::average{}),
            measure(comm, bytes, bfloat16{1.5F}, op::sum{}),
            measure(comm, bytes, bfloat16{1.5F}, op::average{}),
            measure(comm, bytes, half{1.5F}, op::sum{}),
            measure(comm, bytes, 1.5F, op::reproducible_sum{})}) {
        print("%12.2f", column);
      }
      print("\n");
    }
  }
  MPI_Finalize();
}
