// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// Ranks that are processes, on one GPU: windows over CUDA IPC and over virtual memory. Without MPS
// the processes share the GPU by turns, so this shows that it works, not how fast.
#include "harness/board.hpp"
#include "kernels.cuh"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>

namespace {

constexpr int ranks = 2;
constexpr std::size_t count = 40'000;

/// out[i] = the sum of all ranks' in[i], buffers in the window's heap.
__global__ void from_heap(rondo::device::window w) {
  rondo::device::all_reduce(cooperative_groups::this_thread_block(), w,
                            rondo::device_span<const float>{w.heap<float>(), count},
                            rondo::device_span<float>{w.heap<float>(count * 4), count},
                            rondo::two_shot{});
}
__global__ void through_stages(rondo::device::window w, float* wrong, int call) {
  rondo::device::all_reduce(
      cooperative_groups::this_thread_block(), w, count,
      [&](std::size_t i) { return static_cast<float>((i + call) % 100 + w.rank()); },
      [&](std::size_t i, float value) {
        if (value != 2 * static_cast<float>((i + call) % 100) + 1) {
          atomicAdd(wrong, 1.0f);
        }
      });
}

/// 0, or 1 for wrong results.
int run(int rank, board& shared, rondo::cuda::sharing share) {
  rondo::cuda::shared_window window{rank,
                                    ranks,
                                    8 << 20,
                                    shared.exchange(rank),
                                    {.slot_count = 2,
                                     .heap_bytes = 2 * count * sizeof(float),
                                     .patience = std::chrono::seconds{20},
                                     .share = share}};
  std::vector<float> values(count);
  float wrong = 0;
  float* device_wrong = nullptr;
  rondo::cuda::require(cudaMalloc(&device_wrong, sizeof(float)), "cudaMalloc");
  rondo::cuda::require(cudaMemset(device_wrong, 0, sizeof(float)), "cudaMemset");
  for (int call = 0; call < 10; ++call) {
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = static_cast<float>((i * 3 + static_cast<std::size_t>(call)) % 50 +
                                     static_cast<std::size_t>(rank));
    }
    rondo::cuda::require(
        cudaMemcpy(window.heap(), values.data(), count * sizeof(float), cudaMemcpyHostToDevice),
        "cudaMemcpy");
    window.launch({.blocks = 2, .threads = 256}, from_heap);
    window.launch({.blocks = 2, .threads = 256}, through_stages, device_wrong, call);
    // Calls of the host: the sum of the sums, where it lies; then by packets.
    const rondo::device_span<float> sums{reinterpret_cast<float*>(window.heap()) + count, count};
    rondo::all_reduce(window, sums, rondo::op::average{}, rondo::two_shot{}, rondo::on{});
    rondo::all_reduce(window, sums.subspan(0, 10), rondo::op::max{}, rondo::on{});
    rondo::cuda::require(cudaMemcpy(values.data(), window.heap() + count * sizeof(float),
                                    count * sizeof(float), cudaMemcpyDeviceToHost),
                         "cudaMemcpy");
    window.check();
    for (std::size_t i = 0; i < count; ++i) {
      wrong +=
          values[i] == 2 * static_cast<float>((i * 3 + static_cast<std::size_t>(call)) % 50) + 1
              ? 0.0f
              : 1.0f;
    }
  }
  float in_kernels = 0;
  rondo::cuda::require(cudaMemcpy(&in_kernels, device_wrong, sizeof(float), cudaMemcpyDeviceToHost),
                       "cudaMemcpy");
  cudaFree(device_wrong);
  std::printf("rank %d, %s: %g wrong results\n", rank,
              share == rondo::cuda::sharing::ipc ? "CUDA IPC" : "virtual memory",
              static_cast<double>(wrong + in_kernels));
  return wrong + in_kernels == 0 ? 0 : 1;
}

/// 0, or 1 for wrong results or a failure, of which it tells the other rank.
int try_run(int rank, board& shared, rondo::cuda::sharing share) {
  alarm(30);
  try {
    return run(rank, shared, share);
  } catch (const std::exception& failure) {
    shared.failed = true;
    std::printf("rank %d: %s\n", rank, failure.what());
    return 1;
  }
}

/// A board for each way of sharing, so that what fails with one does not hide the other.
int run_all(int rank, board* boards) {
  int devices = 0;
  const bool found = cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
  if (!found) {
    return 77;
  }
  const int by_ipc = try_run(rank, boards[0], rondo::cuda::sharing::ipc);
  const int by_descriptor = try_run(rank, boards[1], rondo::cuda::sharing::descriptor);
  return by_ipc + by_descriptor == 0 ? 0 : 1;
}

}  // namespace

int main() {
  void* memory =
      mmap(nullptr, 2 * sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* const boards = new (memory) board[2]{board{ranks}, board{ranks}};
  pid_t children[ranks];
  for (int rank = 0; rank < ranks; ++rank) {  // before anything touches CUDA
    children[rank] = fork();
    if (children[rank] == 0) {
      const int status = run_all(rank, boards);
      std::fflush(stdout);
      _exit(status);
    }
  }
  int worst = 0;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    worst = code > worst ? code : worst;
  }
  if (worst == 77) {
    std::puts("skipped: no CUDA device");
  }
  return worst;
}
