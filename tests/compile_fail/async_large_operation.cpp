// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: async: operation and codec together have more than about 340 bytes; let them hold a pointer
#include <rondo/collective/all_reduce.hpp>
#include <rondo/transport/threads/communicator.hpp>

#include <array>
#include <vector>

#ifdef RONDO_CONTROL
using held = const std::array<float, 256>*;
#else
using held = std::array<float, 256>;
#endif

struct weighted_sum {
  held by{};
  float operator()(float a, float b) const { return a + b; }
};

void add(rondo::threads::communicator& comm, std::vector<float>& values) {
  rondo::all_reduce(comm, values, weighted_sum{}, rondo::async{}).wait();
}
