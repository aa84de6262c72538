// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/collective/all_reduce.hpp>
#include <rondo/collective/broadcast.hpp>
#include <rondo/elastic.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace elastic = rondo::elastic;

int main() {
  // begin: batch
  const auto batch = elastic::find_batch_size({.most_samples = 10000,
                                               .micro_batches = {8, 12, 16, 17},
                                               .least_ranks = 32,
                                               .most_ranks = 1500});
  const auto samples = batch.samples;          // 9792, which 23 numbers of ranks can share
  const auto at_once = batch.micro_batch(64);  // 17: 64 ranks make 9 micro-batches each
  // batch.micro_batch(128) is refused: the nearest that are allowed are 102 and 136
  // end: batch
  check(samples == 9792 && batch.ranks.size() == 23 && at_once == 17, "DeepSpeed's example");

  std::vector<int> seen(1000);
  try {
    rondo::threads::run(4, [&](auto& comm) {
      auto ranks = comm.split(0);
      const bool dies = comm.rank() == 2;
      std::vector<float> weights(1000);

      // begin: cursor
      const elastic::sampler sampler{.samples = 1000, .batch = 48};
      elastic::cursor at{.seed = 1};  // all there is to save of the data loader

      while (at.epoch == 0) {
        try {
          std::vector<float> gradient(weights.size());
          for (const auto sample : sampler.stripe(at, ranks.rank(), ranks.size())) {
            gradient[sample] += 1;  // backward(sample)
          }
          if (dies && at.committed > 300) {
            throw std::runtime_error("out of memory");
          }
          rondo::all_reduce(ranks, gradient);
          const bool finite = std::isfinite(gradient[0]);
          if (elastic::commit(ranks, at, sampler.after(at), finite)) {  // all, or none
            for (std::size_t i = 0; i < weights.size(); ++i) {
              weights[i] += gradient[i];
            }
          }
        } catch (const rondo::error&) {  // a rank is gone: go on with the others
          auto rest = ranks.shrink();
          const int holder = elastic::furthest(rest, at);
          rondo::broadcast(rest, weights, rondo::root{holder});
          ranks = std::move(rest);
        }
      }
      // end: cursor
      for (std::size_t i = 0; comm.rank() == 0 && i < weights.size(); ++i) {
        seen[i] = static_cast<int>(weights[i]);
      }
    });
  } catch (const rondo::rank_failure&) {
  }
  check(seen == std::vector<int>(1000, 1), "every sample is in the weights once");

  // begin: gain
  const auto noise = elastic::gradient_noise::estimate(
      8, 8, 5.0, 1.5);  // of 8 ranks' gradients: mean of squared norms, squared norm of the mean
  const double faster = noise.gain(4);  // a batch 4 times as large is worth so many steps
  const elastic::step_time step{.compute = 0.20, .network = 0.05, .overlap = 2};
  const double useful =
      elastic::goodput(noise, step, 4 * 256, 256);  // samples a second, by progress
  // end: gain
  check(faster > 1 && faster < 4 && useful < 4 * 256 / 0.2, "between all noise and all signal");

  // begin: replicas
  elastic::queue_length_policy policy{{.target = 5, .up_delay = 30, .limits = {0, 50}}};
  const int some = policy.decide({.now = 0, .demand = 1, .ready = 0, .asked = 0});  // 1, at once
  const int same =
      policy.decide({.now = 10, .demand = 100, .ready = 1, .asked = 1});  // 1: 30 s first
  const int more = policy.decide({.now = 40, .demand = 100, .ready = 1, .asked = 1});  // 20
  // end: replicas
  check(some == 1 && same == 1 && more == 20, "Ray's delays");
}
