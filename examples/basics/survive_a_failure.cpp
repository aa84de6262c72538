// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// A rank fails; the others hear of it in the call they are in, and go on without it.
#include <rondo/rondo.hpp>

#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <vector>

int main() {
  std::atomic<int> survivors{0};
  try {
    rondo::threads::run(4, [&](auto& comm) {
      if (comm.rank() == 2) {
        throw std::runtime_error("disk full");
      }
      std::vector<float> values(1000, 1.0f);

      // begin: shrink
      try {
        rondo::all_reduce(comm, values);
      } catch (const rondo::error& failure) {
        std::printf("rank %d: %s\n", comm.rank(), failure.what());
        auto rest = comm.shrink();  // those who still run, in the old order
        values.assign(1000, 1.0f);
        rondo::all_reduce(rest, values);
        survivors += values[0] == 3.0f ? 1 : 0;
      }
      // end: shrink
    });
  } catch (const rondo::rank_failure& first) {
    std::printf("run: %s\n", first.what());  // the first failure, rethrown when all have ended
  }
  return survivors == 3 ? 0 : 1;
}
