// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "headers.hpp"
#include "other.hpp"

#include <vector>

// Both translation units include and instantiate the same things, and link.
int main() {
  bool right = true;
  rondo::threads::run(2, [&](auto& comm) {
    std::vector<float> values(1000, 1.0F);
    rondo::all_reduce(comm, values);
    if (comm.rank() == 0) {
      right = values.front() == 2.0F && values.back() == 2.0F;
    }
  });
  return right && sum_of_ranks(4) == 6.0F ? 0 : 1;
}
