// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Every collective on thread ranks, in a file for nvcc: the templates for host and device take
// types of the host without a warning.
#include <rondo/rondo.hpp>

#include <vector>

int main() {
  rondo::threads::run(2, [](auto& comm) {
    std::vector<float> few(8);
    std::vector<float> same(8);
    std::vector<float> many(16);
    std::vector<rondo::bfloat16> short_ones(8);
    rondo::all_reduce(comm, few);
    rondo::all_reduce(comm, few, rondo::ring{});
    rondo::all_reduce(comm, short_ones);
    rondo::all_reduce(comm, few, [](float a, float b) { return a < b ? a : b; });
    rondo::all_reduce(comm, few, rondo::op::reproducible_sum{});
    rondo::reduce_scatter(comm, many, few);
    rondo::all_gather(comm, few, many);
    rondo::all_to_all(comm, few, same);
    rondo::reduce(comm, few, same);
    rondo::broadcast(comm, few);
    rondo::gather(comm, few, many);
    rondo::scatter(comm, many, few);
    rondo::barrier(comm);
  });
}
