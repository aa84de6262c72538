// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/rondo.hpp>

#include <vector>

int main() {
  rondo::threads::run(4, [](auto& comm) {
    std::vector<float> values{comm.rank() == 0 ? 1e30f : comm.rank() == 1 ? -1e30f : 1.0f};
    // begin: reproducible
    rondo::all_reduce(comm, values, rondo::op::reproducible_sum{});
    // end: reproducible
    check(values[0] == 2.0f, "the exact sum");

    const std::vector<std::vector<float>> micro_batches{{1e30f, 1.0f}, {-1e30f, 2.0f}};
    // begin: fold_local
    std::vector<rondo::reproducible<float>> total(2);
    for (const auto& gradient : micro_batches) {  // this rank's share, of any number
      for (std::size_t i = 0; i < total.size(); ++i) {
        total[i] += gradient[i];
      }
    }
    rondo::all_reduce(comm, total);
    const float first = static_cast<float>(total[0]);  // rounded once
    // end: fold_local
    check(first == 0 && static_cast<float>(total[1]) == 12, "a local fold");

    // begin: bfloat16
    std::vector<rondo::bfloat16> halves(1000, rondo::bfloat16{0.5f});
    rondo::all_reduce(comm, halves);  // folded in float, rounded once
    // end: bfloat16
    check(float{halves[999]} == 2, "a sum of bfloat16");
  });
}
