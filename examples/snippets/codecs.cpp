// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>

#include <cmath>
#include <vector>

int main() {
  rondo::threads::run(4, [](auto& comm) {
    std::vector<float> gradient(4096, static_cast<float>(comm.rank() + 1));
    // begin: codec
    rondo::all_reduce(comm, gradient, rondo::codec::int8<128>{});  // 1.03 bytes a value on the wire
    // end: codec
    check(std::abs(gradient[4095] - 10) < 0.2f, "a sum through int8");
  });
}
