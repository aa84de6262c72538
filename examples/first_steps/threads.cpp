// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// begin: threads
#include <rondo/rondo.hpp>

#include <cstdio>
#include <vector>

int main() {
  rondo::threads::run(4, [](auto& comm) {  // four ranks, one thread each
    std::vector<float> gradient(1'000'000, 1.0f + static_cast<float>(comm.rank()));
    rondo::all_reduce(comm, gradient, rondo::op::average{});
    if (comm.rank() == 0) {
      std::printf("average: %g\n", static_cast<double>(gradient[0]));  // 2.5 on every rank
    }
  });
}
// end: threads
