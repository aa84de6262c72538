// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "other.hpp"

#include <cooperative_groups.h>

#include <cstdio>
#include <vector>

/// Adds a bias to the sum over all ranks, while it is in registers.
template <class Window>
__global__ void fused(Window window, const float* in, const float* bias, float* out,
                      std::size_t count) {
  auto block = cooperative_groups::this_thread_block();
  rondo::device::all_reduce(
      block, window, count, rondo::op::sum{}, rondo::two_shot{},
      [&](std::size_t i) { return in[i]; },
      [&](std::size_t i, float value) { out[i] = value + bias[i]; });
}

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("no CUDA device: built and linked, not run");
    return 0;
  }
  constexpr std::size_t count = 1000;
  float* memory = nullptr;
  rondo::cuda::require(cudaMallocManaged(&memory, 3 * count * sizeof(float)), "cudaMallocManaged");
  for (std::size_t i = 0; i < count; ++i) {
    memory[i] = 1;
    memory[count + i] = 2;
  }
  rondo::cuda::virtual_ranks ranks{4, std::size_t{8} << 20};
  ranks.launch({}, fused<rondo::device::window>, memory, memory + count, memory + 2 * count, count);
  rondo::cuda::require(cudaDeviceSynchronize(), "the kernel");
  const bool summed = memory[2 * count] == 6 && memory[3 * count - 1] == 6;

  // The same by a call of the host over a window.
  rondo::cuda::virtual_ranks alone{1, std::size_t{8} << 20};
  rondo::all_reduce(alone.rank(0), rondo::device_span{memory, count}, rondo::op::average{},
                    rondo::two_shot{}, rondo::on{});

  auto comm = rondo::nccl::connect(rondo::nccl::id_or_failure::on(0).id, 0, 1);
  average(comm, memory, count, nullptr);
  rondo::cuda::require(cudaDeviceSynchronize(), "all_reduce");
  std::printf("sum and bias: %g; average: %g\n", static_cast<double>(memory[2 * count]),
              static_cast<double>(memory[0]));
  return summed ? 0 : 1;
}
