// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "other.hpp"
#include "headers.hpp"

#include <vector>

float sum_of_ranks(int ranks) {
  float sum = 0;
  rondo::threads::run(ranks, [&](auto& comm) {
    std::vector<float> values(1000, static_cast<float>(comm.rank()));
    rondo::all_reduce(comm, values);
    if (comm.rank() == 0) {
      sum = values.front();
    }
  });
  return sum;
}
