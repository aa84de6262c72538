// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// Trains the network of ../tensor/gpt.hpp on one GPU that plays four: data 2 x tensor 2. A step is
// one kernel with all its collectives (hybrid.hpp). The losses are held against those of the
// trainer, which runs on a thread of the host.
//
//     cuda_train_hybrid TEXT [STEPS]
#include "shared_array.hpp"
#include "trainer.hpp"

#include <rondo/cuda.cuh>

#include <cooperative_groups.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace {

using rondo::cuda::virtual_ranks;
using rondo::device::window;

constexpr hybrid::mesh_shape mesh{.data = 2, .tensor = 2};
constexpr unsigned slot_count = 8;  // blocks of a rank, at most
constexpr unsigned threads = 256;

// begin: kernel
struct one_rank {
  window tensor, data;  // its row and its column of the mesh
  hybrid::rank_part part;
};
struct all_blocks {
  __device__ void sync() const { cooperative_groups::this_grid().sync(); }
};

__global__ void __launch_bounds__(threads, 1) train(window all, const one_rank* ranks, int step) {
  const one_rank& my = ranks[all.rank()];
  hybrid::training_step{
      cooperative_groups::this_thread_block(), all_blocks{}, my.tensor, my.data, my.part, step}();
}
// end: kernel

int run(const std::string& text, int steps) {
  // begin: mesh
  // A window for all four ranks, to launch with; one for each row of the mesh, and for each column.
  const rondo::cuda::window_options with{.slot_count = slot_count};
  const virtual_ranks all{mesh.ranks(), 1 << 20, with};
  std::deque<virtual_ranks> tensor, data;
  for (int d = 0; d < mesh.data; ++d) {
    tensor.emplace_back(mesh.tensor, 1 << 20, with);
  }
  for (int t = 0; t < mesh.tensor; ++t) {
    data.emplace_back(mesh.data, 1 << 20, with);
  }
  // end: mesh

  std::vector<std::shared_ptr<void>> memory;
  const auto room = [&](std::size_t count, auto kind) {
    const auto made = std::make_shared<shared_array<decltype(kind)>>(count);
    memory.push_back(made);
    return made->data();
  };
  const auto beginnings = hybrid::begin(mesh, text, steps);
  const shared_array<one_rank> ranks{beginnings.size()};
  for (int d = 0; d < mesh.data; ++d) {
    for (int t = 0; t < mesh.tensor; ++t) {
      const auto rank = static_cast<std::size_t>(d * mesh.tensor + t);
      ranks[rank] = {tensor[d].rank(t).handle(), data[t].rank(d).handle(),
                     hybrid::lay_out(beginnings[rank], steps, room)};
    }
  }

  for (int step = 0; step < steps; ++step) {
    all.launch({.threads = threads}, train, ranks.data(), step);
  }
  rondo::cuda::require(cudaDeviceSynchronize(), "training");
  all.check();
  for (const auto* some : {&tensor, &data}) {
    for (const auto& one : *some) {
      one.check();  // a rank that was late
    }
  }

  const auto expected = hybrid::losses_of_trainer(text, steps);
  bool same = true;
  float furthest = 0;
  for (std::size_t step = 0; step < expected.size(); ++step) {
    const float loss = ranks[0].part.loss[step];
    for (std::size_t rank = 1; rank < beginnings.size(); ++rank) {
      same = same && ranks[rank].part.loss[step] == loss;
    }
    furthest = std::fmax(furthest, std::fabs(loss - expected[step]));
    same = same && std::isfinite(loss);
    std::printf("step %2zu  loss %.6f  of the trainer %.6f\n", step, static_cast<double>(loss),
                static_cast<double>(expected[step]));
  }
  std::printf("data %d x tensor %d on one GPU: %s, at most %g from the trainer's; allowed are %g\n",
              mesh.data, mesh.tensor,
              same ? "all ranks have the same losses" : "the ranks' losses DIFFER",
              static_cast<double>(furthest), static_cast<double>(hybrid::tolerance));
  return same && furthest < hybrid::tolerance ? 0 : 1;
}

}  // namespace

int main(int count, char** given) {
  if (count < 2) {
    std::puts("usage: cuda_train_hybrid TEXT [STEPS]");
    return 2;
  }
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  try {
    return run(given[1], count > 2 ? std::atoi(given[2]) : 12);
  } catch (const std::exception& failure) {
    std::puts(failure.what());
    return 1;
  }
}
