// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Calls that are compiled without a warning, at -O1, where Clang tells of each loop that it does
// not turn into vector code, and places it in the headers.
#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>

#include <cstddef>
#include <vector>

struct point {
  float x, y, z;
};

void every_call(rondo::threads::communicator& comm, std::vector<float>& values,
                std::vector<point>& points) {
  rondo::all_reduce(comm, values, rondo::op::max{});
  rondo::all_reduce(comm, points, [](const point& a, const point& b) {
    return point{a.x + b.x, a.y * b.y, a.z < b.z ? a.z : b.z};
  });
  rondo::all_reduce(comm, values, rondo::op::reproducible_sum{});
  rondo::all_reduce(comm, values, rondo::two_shot{}, rondo::codec::int8<128>{});
}

void every_leaf(rondo::tree_sum<float>& sums, std::size_t elements) {
  sums.restart(elements);
  for (std::size_t leaf = 0; leaf < 3; ++leaf) {
    sums.room()[0] = 1;
    sums.put(leaf);
  }
}
