// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What it costs that every call is checked against the other ranks', and how long it takes until
// all ranks know that they disagree.
#include <rondo/rondo.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
using microseconds = std::chrono::duration<double, std::micro>;

double now() { return microseconds{clock_type::now().time_since_epoch()}.count(); }

struct quartiles {
  double half;
  double most;  ///< of a hundred, ninety-nine are below
};
quartiles of(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples[samples.size() * 99 / 100]};
}

/// A call of one rank alone: nothing is exchanged, so what is left is the call itself, that is its
/// record and its fingerprint, and eight bytes to copy.
double call_alone() {
  constexpr int calls = 100000;
  std::vector<double> each;
  rondo::threads::run(1, [&](auto& comm) {
    std::vector<float> values(2, 1.f);
    for (int batch = 0; batch < 51; ++batch) {
      const double begin = now();
      for (int i = 0; i < calls; ++i) {
        rondo::all_reduce(comm, values);
      }
      each.push_back((now() - begin) / calls);
    }
  });
  return of(each).half;
}

/// From the last rank's call until the last rank's error, microseconds.
template <class Wrong>
quartiles disagreement(int ranks, const Wrong& wrong) {
  std::vector<double> each;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> called(static_cast<std::size_t>(ranks));
    std::vector<double> told(static_cast<std::size_t>(ranks));
    rondo::threads::run(ranks, [&](auto& comm) {
      std::vector<float> values(64, 1.f);
      const auto self = static_cast<std::size_t>(comm.rank());
      rondo::barrier(comm);
      called[self] = now();
      try {
        wrong(comm, values);
      } catch (const rondo::mismatch&) {
        told[self] = now();
      }
    });
    each.push_back(*std::max_element(told.begin(), told.end()) -
                   *std::max_element(called.begin(), called.end()));
  }
  return of(each);
}

}  // namespace

int main() {
  std::printf("a call of one rank alone, its record and fingerprint: %.3f us\n\n", call_alone());
  std::printf(
      "| ranks | disagreement | all ranks know after, median us | 99 of 100 "
      "|\n|---|---|---:|---:|\n");
  for (const int ranks : {2, 4, 8}) {
    const auto show = [&](const char* what, const auto& wrong) {
      const auto took = disagreement(ranks, wrong);
      std::printf("| %d | %s | %.0f | %.0f |\n", ranks, what, took.half, took.most);
    };
    show("another count on rank 1", [](auto& comm, std::vector<float>& values) {
      values.resize(comm.rank() == 1 ? 65 : 64);
      rondo::all_reduce(comm, values);
    });
    show("another collective on rank 1", [](auto& comm, std::vector<float>& values) {
      comm.rank() == 1 ? rondo::broadcast(comm, values) : rondo::all_reduce(comm, values);
    });
    show("another root on rank 1", [](auto& comm, std::vector<float>& values) {
      rondo::broadcast(comm, values, rondo::root{comm.rank() == 1 ? 1 : 0});
    });
  }
}
