// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "averaging.hpp"

#include <rondo/rondo.hpp>

#include <vector>

float average_of_ranks(int ranks) {
  float average = 0;
  rondo::threads::run(ranks, [&](auto& comm) {
    std::vector<float> values(1, static_cast<float>(comm.rank()));
    rondo::all_reduce(comm, values, rondo::op::average{});
    if (comm.rank() == 0) {
      average = values.front();
    }
  });
  return average;
}
