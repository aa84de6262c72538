// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/rondo.hpp>

#include <cstdio>
#include <vector>

int main() {
  rondo::threads::run(4, [](auto& comm) {
    std::vector<float> values(8, static_cast<float>(comm.rank()));
    rondo::all_reduce(comm, values);
    if (comm.rank() == 0) {
      std::printf("0 + 1 + 2 + 3 = %g\n", static_cast<double>(values.front()));
    }
  });
}
