// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// A type and an operation of your own: the mean and variance of values that are spread over ranks.
#include <rondo/rondo.hpp>

#include <cmath>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <vector>

// begin: own_type
// Any trivially copyable type travels. Any callable (T, T) -> T folds.
struct moments {
  double count = 0;
  double mean = 0;
  double squares = 0;  ///< sum of squared distances from the mean
};

// Chan, Golub and LeVeque, 1979.
moments merged(moments a, moments b) {
  const double count = a.count + b.count;
  const double apart = b.mean - a.mean;
  return {count, a.mean + apart * b.count / count,
          a.squares + b.squares + apart * apart * a.count * b.count / count};
}
// end: own_type

int main() {
  rondo::threads::run(4, [](auto& comm) {
    std::mt19937 random{static_cast<unsigned>(comm.rank())};
    std::normal_distribution<double> normal{10, 2};
    moments mine;
    for (int i = 0; i < 100'000; ++i) {
      mine = merged(mine, {1, normal(random), 0});
    }

    // begin: own_operation
    std::vector<moments> all{mine};
    rondo::all_reduce(comm, all, [](moments a, moments b) { return merged(a, b); });
    // end: own_operation

    const double deviation = std::sqrt(all[0].squares / all[0].count);
    if (comm.rank() == 0) {
      std::printf("%.0f values: mean %.3f, standard deviation %.3f\n", all[0].count, all[0].mean,
                  deviation);
    }
    if (all[0].count != 400'000 || std::abs(deviation - 2) > 0.05) {
      throw std::runtime_error("not the distribution that was drawn from");
    }
  });
}
