// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// The end of a row-parallel layer in one kernel: bias, all-reduce over the ranks, residual, RMS
// norm. Run by four ranks that share one GPU, and compared with plain loops.
#include "shared_array.hpp"

#include <rondo/cuda.cuh>

#include <cooperative_groups.h>

#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

namespace {

constexpr std::size_t hidden = 1024;
constexpr std::size_t tokens = 333;
constexpr int ranks = 4;

__device__ float sum_of_warp(float value) {
  for (int mask = 16; mask > 0; mask /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, mask);
  }
  return value;
}

// begin: kernel
/// partial, stream: [tokens, hidden] of this rank; stream += bias + the sum of all ranks' partial;
/// normed = stream / rms(stream) * weight.
template <class Window>
__global__ void __launch_bounds__(512, 1)
    finish_layer(Window window, const float* const* partial_of, const float* bias,
                 const float* weight, float* const* stream_of, float* const* normed_of) {
  const auto block = cooperative_groups::this_thread_block();
  const float* const partial = partial_of[window.rank()];
  float* const stream = stream_of[window.rank()];
  const rondo::device::granule rows{hidden};  // a block has whole rows
  const bool complete = rondo::device::all_reduce(
      block, window, tokens * hidden, rondo::op::sum{}, rondo::two_shot{}, rows,
      [&](std::size_t i) { return partial[i]; },
      [&](std::size_t i, float sum) { stream[i] += sum + bias[i % hidden]; });
  block.sync();
  if (!complete) {
    return;  // the host is told which rank is late
  }
  const rondo::part mine = rondo::device::share_of<float>(window, tokens * hidden, rows);
  float* const normed = normed_of[window.rank()];
  const std::size_t warps = block.size() / 32;
  for (std::size_t row = block.thread_rank() / 32; row < mine.count / hidden; row += warps) {
    const std::size_t begin = mine.first + row * hidden;
    float squares = 0;
    for (std::size_t i = threadIdx.x % 32; i < hidden; i += 32) {
      squares += stream[begin + i] * stream[begin + i];
    }
    const float scale = rsqrtf(sum_of_warp(squares) / hidden + 1e-6f);
    for (std::size_t i = threadIdx.x % 32; i < hidden; i += 32) {
      normed[begin + i] = stream[begin + i] * scale * weight[i];
    }
  }
}
// end: kernel

int run() {
  constexpr std::size_t count = tokens * hidden;
  shared_array<float> partial{ranks * count};
  shared_array<float> stream{ranks * count};
  shared_array<float> normed{ranks * count};
  shared_array<float> bias{hidden};
  shared_array<float> weight{hidden};
  shared_array<const float*> partial_of{ranks};
  shared_array<float*> stream_of{ranks};
  shared_array<float*> normed_of{ranks};
  std::mt19937 random{1};
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i < hidden; ++i) {
    bias[i] = normal(random);
    weight[i] = normal(random);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const float before = normal(random);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      partial[rank * count + i] = normal(random);
      stream[rank * count + i] = before;
    }
  }
  std::vector<float> expected(count);
  for (std::size_t row = 0; row < tokens; ++row) {
    std::vector<double> values(hidden);
    double squares = 0;
    for (std::size_t i = 0; i < hidden; ++i) {
      const std::size_t at = row * hidden + i;
      values[i] = static_cast<double>(stream[at]) + static_cast<double>(bias[i]);
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        values[i] += static_cast<double>(partial[rank * count + at]);
      }
      squares += values[i] * values[i];
    }
    for (std::size_t i = 0; i < hidden; ++i) {
      expected[row * hidden + i] = static_cast<float>(
          values[i] / std::sqrt(squares / hidden + 1e-6) * static_cast<double>(weight[i]));
    }
  }
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    partial_of[rank] = partial.data() + rank * count;
    stream_of[rank] = stream.data() + rank * count;
    normed_of[rank] = normed.data() + rank * count;
  }

  // begin: launch
  rondo::cuda::virtual_ranks together{ranks, 16 << 20};
  together.launch(finish_layer<rondo::device::window>, partial_of.data(), bias.data(),
                  weight.data(), stream_of.data(), normed_of.data());
  // end: launch
  rondo::cuda::require(cudaDeviceSynchronize(), "finish_layer");
  together.check();

  float largest = 0;
  for (std::size_t i = 0; i < ranks * count; ++i) {
    largest = std::fmax(largest, std::fabs(normed[i] - expected[i % count]));
  }
  std::printf("%d ranks, %zu tokens of %zu: largest difference to plain loops %g\n", ranks, tokens,
              hidden, static_cast<double>(largest));
  return largest < 1e-4f ? 0 : 1;
}

}  // namespace

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  try {
    return run();
  } catch (const rondo::error& failure) {
    std::puts(failure.what());
    return 1;
  }
}
