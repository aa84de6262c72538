// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: partial results must be trivially copyable where they travel
#include <rondo/rondo.hpp>

#include <vector>

#ifdef RONDO_CONTROL  // partial results that are values
using both_ends = rondo::op::sum;
#else
struct both_ends {};

template <>
struct rondo::reduction<both_ends, int> {
  using partial = std::vector<int>;
  both_ends operation{};
  int ranks = 1;
  static partial lift(int value) { return {value, value}; }
  static partial fold(const partial& a, const partial& b) { return {a[0], b[1]}; }
  static int lower(const partial& folded) { return folded[1] - folded[0]; }
};
#endif

void call(rondo::threads::communicator& comm, std::vector<int>& values) {
  rondo::all_reduce(comm, values, both_ends{}, rondo::recursive_doubling{});
}
