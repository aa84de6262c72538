// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// The call sites of docs/cuda.md, run by two ranks that share one GPU.
#include <rondo/cuda.cuh>

#include <cooperative_groups.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace {

struct box {
  float low, high;
};
__device__ float activate(float x) { return x > 0 ? x : 0; }

// begin: fused
template <class Window>
__global__ void fused(Window window, const float* x, const float* bias, float* out, std::size_t n) {
  const auto block = cooperative_groups::this_thread_block();
  out += window.rank() * n;  // ranks that share a GPU share their arguments
  rondo::device::all_reduce(
      block, window, n, rondo::op::sum{}, rondo::two_shot{}, rondo::codec::exact{},
      [&](std::size_t i) { return x[i] + bias[i]; },                   // prologue
      [&](std::size_t i, float value) { out[i] = activate(value); });  // epilogue, in registers
}
// end: fused

// begin: calls
__global__ void calls(rondo::device::window window, float* in, float* out, box* boxes,
                      std::size_t n) {
  namespace device = rondo::device;
  out += window.rank() * n;
  boxes += window.rank() * n;
  const auto block = cooperative_groups::this_thread_block();
  const rondo::device_span<const float> from{in, n};
  const rondo::device_span<float> to{out, n};

  device::all_reduce(block, window, from, to, rondo::codec::int8<128>{}, rondo::two_shot{});

  device::all_reduce(block, window, from, to);  // best for the size
  device::all_reduce(block, window, from, to, rondo::op::average{}, rondo::two_shot{});
  device::all_reduce(block, window, rondo::device_span<box>{boxes, n}, rondo::one_shot{},
                     [](box a, box b) {
                       return box{a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
                     });
  device::broadcast(block, window, to, rondo::root{1});
  device::send_receive(
      block, window, rondo::to{1 - window.rank()}, rondo::from{1 - window.rank()}, n,
      [&](std::size_t i) { return in[i]; }, [&](std::size_t i, float value) { out[i] += value; });
  device::barrier(block, window);
}
// end: calls

/// Two ranks that share a GPU, each with a stream of its own.
void from_the_host(float* values, std::size_t n) {
  // begin: host
  rondo::cuda::virtual_ranks ranks{2, 8 << 20};  // or peer_gpus, shared_window, nccl::window
  cudaStream_t streams[2];
  for (auto& stream : streams) {  // all before the first launch, whose kernel waits for the others
    rondo::cuda::require(cudaStreamCreate(&stream), "cudaStreamCreate");
  }
  for (int rank = 0; rank < 2; ++rank) {
    const rondo::device_span<float> gradient{values + rank * n, n};
    // was: ncclAllReduce(gradient, gradient, n, ncclFloat, ncclAvg, comm, streams[rank]);
    rondo::all_reduce(ranks.rank(rank), gradient, rondo::op::average{}, rondo::two_shot{},
                      rondo::codec::int8<128>{}, rondo::on{streams[rank]});
  }
  // end: host
  rondo::cuda::require(cudaDeviceSynchronize(), "kernels");
  ranks.check();
  for (auto& stream : streams) {
    cudaStreamDestroy(stream);
  }
}

int run() {
  constexpr std::size_t n = 10'000;
  float* memory = nullptr;
  box* boxes = nullptr;
  rondo::cuda::require(cudaMallocManaged(&memory, 3 * n * sizeof(float)), "cudaMallocManaged");
  rondo::cuda::require(cudaMallocManaged(&boxes, 2 * n * sizeof(box)), "cudaMallocManaged");
  std::fill_n(memory, 3 * n, 1.0f);
  std::fill_n(boxes, 2 * n, box{0, 1});

  // begin: ranks
  rondo::cuda::virtual_ranks ranks{2, 8 << 20};  // two ranks on one GPU
  ranks.launch(fused<rondo::device::window>, memory, memory, memory + n, n);
  ranks.launch({.blocks = 4, .threads = 256}, calls, memory, memory + n, boxes, n);
  rondo::cuda::require(cudaDeviceSynchronize(), "kernels");
  ranks.check();  // a rank that was late, a rank in another call: the errors of a thread
  // end: ranks
  from_the_host(memory, n);
  std::printf("%g\n", static_cast<double>(memory[n]));
  cudaFree(memory);
  cudaFree(boxes);
  return 0;
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
