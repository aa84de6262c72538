// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Training goes on without a rank that failed: those who are left agree on a step and parameters.
#include <rondo/rondo.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

constexpr int steps = 20;
constexpr int failing_step = 7;

struct model {
  std::vector<float> parameters = std::vector<float>(1000);
  int step = 0;  ///< how many steps are in the parameters
};

/// Moves the parameters towards 1. What changes the model comes after the last collective, so a
/// step that throws leaves the model as it was.
template <class Comm>
void train_step(Comm& comm, model& net) {
  std::vector<float> gradient(net.parameters.size());
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient[i] = net.parameters[i] - 1;
  }
  rondo::all_reduce(comm, gradient, rondo::op::average{});
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    net.parameters[i] -= 0.5f * gradient[i];
  }
  ++net.step;
}

}  // namespace

int main() {
  std::atomic<int> done{0};
  try {
    rondo::threads::run(4, [&](auto& comm) {
      const bool fails = comm.rank() == 2;
      auto ranks = comm.split(0);  // all of them; after a failure, those who are left
      model net;

      // begin: shrink
      while (net.step < steps) {
        try {
          if (fails && net.step == failing_step) {
            throw std::runtime_error("disk full");
          }
          train_step(ranks, net);  // a step that throws leaves the model as it was
        } catch (const rondo::error& failure) {
          std::printf("rank %d: %s\n", comm.rank(), failure.what());
          auto rest = ranks.shrink();  // those who still run, in the old order
          std::array least{net.step};
          rondo::all_reduce(rest, least, rondo::op::min{});  // some may be a step ahead
          std::array holder{net.step == least[0] ? rest.rank() : rest.size()};
          rondo::all_reduce(rest, holder, rondo::op::min{});
          rondo::broadcast(rest, net.parameters, rondo::root{holder[0]});  // of that step
          net.step = least[0];
          ranks = std::move(rest);
        }
      }
      // end: shrink
      done += ranks.size() == 3 && net.parameters[0] > 0.999f ? 1 : 0;
    });
  } catch (const rondo::rank_failure& first) {
    std::printf("run: %s\n", first.what());  // the first failure, rethrown when all have ended
  }
  return done == 3 ? 0 : 1;
}
