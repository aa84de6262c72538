// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

/// Reductions that a user specialises, without saying which of their steps do something.
namespace own {

/// Squares are summed, the result is a root: values and partial results are both float.
struct root_mean_square {
  float operator()(float a, float b) const { return a + b; }
  [[nodiscard]] static float expected(int ranks) { return ranks == 0 ? 0 : 3.0F; }
};

/// Sums whose result is halved: only the last step is its own.
struct halved {
  float operator()(float a, float b) const { return a + b; }
  [[nodiscard]] static float expected(int ranks) { return 3.0F * static_cast<float>(ranks) / 2; }
};

}  // namespace own

template <>
struct rondo::reduction<own::root_mean_square, float> {
  using partial = float;
  own::root_mean_square operation{};
  int ranks = 1;
  static float lift(float value) { return value * value; }
  float fold(float a, float b) const { return operation(a, b); }
  float lower(float folded) const { return std::sqrt(folded / static_cast<float>(ranks)); }
};

template <>
struct rondo::reduction<own::halved, float> {
  using partial = float;
  own::halved operation{};
  int ranks = 1;
  static float lift(float value) { return value; }
  float fold(float a, float b) const { return operation(a, b); }
  float lower(float folded) const { return folded / 2; }
};

namespace own {

template <class Operation, class Comm, class Algorithm>
void check_all_reduce(Comm& comm, const Algorithm& algorithm) {
  std::vector<float> values(200, 3.0F);
  rondo::all_reduce(comm, values, Operation{}, algorithm);
  rondo::testing::expect(values == std::vector<float>(200, Operation::expected(comm.size())),
                         "all_reduce");
}

template <class Operation, class Comm, class Algorithm>
void check_reduce_scatter(Comm& comm, const Algorithm& algorithm) {
  const std::vector<float> in(static_cast<std::size_t>(comm.size()) * 50, 3.0F);
  std::vector<float> part(50);
  rondo::reduce_scatter(comm, in, part, Operation{}, algorithm);
  rondo::testing::expect(part == std::vector<float>(50, Operation::expected(comm.size())),
                         "reduce_scatter");
}

template <class Operation, class Comm, class Algorithm>
void check_reduce(Comm& comm, const Algorithm& algorithm) {
  const std::vector<float> in(100, 3.0F);
  std::vector<float> out(100);
  rondo::reduce(comm, in, out, Operation{}, algorithm);
  const float expected = comm.rank() == 0 ? Operation::expected(comm.size()) : 0;
  rondo::testing::expect(out == std::vector<float>(100, expected), "reduce");
}

}  // namespace own
