// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// mpirun --bind-to none -n N rounds [--seconds S]: an all-reduce with a codec in one round and in
// two, over messages: where `automatic` should go from the one to the other.
#include <mpi.h>

#include "../compare/measure.hpp"
#include "../compare/mpi_world.hpp"

#include <rondo/codec/cast.hpp>
#include <rondo/codec/float8.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/sign.hpp>
#include <rondo/mpi.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace {

template <class Codec>
void compare(const bench::options& with, rondo::mpi::communicator& comm, const char* name,
             const Codec& codec) {
  bench::mpi_world world;
  for (std::size_t count = 256; count <= 16384; count *= 2) {
    std::vector<float> values(count, 1.f);
    std::array<std::vector<double>, 2> times;
    const auto time = [&](std::size_t which, const auto& algorithm) {
      const auto got = bench::measure(world, with.seconds, [&] {
        rondo::all_reduce(comm, values, algorithm, codec, rondo::op::average{});
      });
      times[which].push_back(got.median * 1e6);
    };
    for (int pass = 0; pass < 3; ++pass) {
      time(0, rondo::one_shot{});
      time(1, rondo::two_shot{});
    }
    for (auto& each : times) {
      std::sort(each.begin(), each.end());
    }
    if (comm.rank() == 0) {
      std::printf("| %s | %d | %zu | %zu | %.2f | %.2f | %.2f |\n", name, comm.size(), count,
                  codec.wire_bytes(count), times[0][1], times[1][1], times[0][1] / times[1][1]);
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  {
    bench::options with{argc, argv};
    with.settle(bench::mpi_world::rank());
    rondo::mpi::communicator comm{MPI_COMM_WORLD,
                                  {.memory = rondo::mpi::options::memory::messages}};
    if (comm.rank() == 0) {
      std::puts("| codec | ranks | values | bytes of a wire | one_shot us | two_shot us | ratio |");
      std::puts("|---|---:|---:|---:|---:|---:|---:|");
    }
    compare(with, comm, "int8<128>", rondo::codec::int8<128>{});
    compare(with, comm, "int4<32>", rondo::codec::int4<32>{});
    compare(with, comm, "fp8_e4m3<128>", rondo::codec::fp8_e4m3<128>{});
    compare(with, comm, "cast<bfloat16>", rondo::codec::cast<rondo::bfloat16>{});
    compare(with, comm, "sign<2048>", rondo::codec::sign<2048>{});
  }
  MPI_Finalize();
}
