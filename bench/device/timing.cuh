// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/cuda/detail/memory.hpp>

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <vector>

/// Times with CUDA events, and rows of a table.
namespace timing {

using rondo::cuda::require;

/// Device memory that is not looked at by the host.
template <class T>
class device_array {
 public:
  explicit device_array(std::size_t count) {
    require(cudaMalloc(&data_, count * sizeof(T)), "cudaMalloc");
    require(cudaMemset(data_, 0, count * sizeof(T)), "cudaMemset");
  }
  device_array(const device_array&) = delete;
  device_array& operator=(const device_array&) = delete;
  ~device_array() { static_cast<void>(cudaFree(data_)); }
  [[nodiscard]] T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

class stopwatch {
 public:
  stopwatch() {
    require(cudaEventCreate(&begin_), "cudaEventCreate");
    require(cudaEventCreate(&end_), "cudaEventCreate");
  }
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() {
    static_cast<void>(cudaEventDestroy(begin_));
    static_cast<void>(cudaEventDestroy(end_));
  }
  /// Microseconds of `times` calls in a row, each.
  template <class Body>
  [[nodiscard]] double once(cudaStream_t stream, int times, const Body& body) {
    require(cudaEventRecord(begin_, stream), "cudaEventRecord");
    for (int i = 0; i < times; ++i) {
      body();
    }
    require(cudaEventRecord(end_, stream), "cudaEventRecord");
    require(cudaEventSynchronize(end_), "a benchmark");
    float milliseconds = 0;
    require(cudaEventElapsedTime(&milliseconds, begin_, end_), "cudaEventElapsedTime");
    return 1000.0 * static_cast<double>(milliseconds) / times;
  }

 private:
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

/// Median microseconds of two bodies that take turns, so that both see the same clocks.
struct pair {
  double first;
  double second;
};
template <class First, class Second>
[[nodiscard]] pair side_by_side(cudaStream_t stream, int times, const First& first,
                                const Second& second) {
  constexpr int rounds = 7;
  stopwatch watch;
  std::vector<double> a;
  std::vector<double> b;
  static_cast<void>(watch.once(stream, 2, first));  // warm
  static_cast<void>(watch.once(stream, 2, second));
  for (int round = 0; round < rounds; ++round) {
    a.push_back(watch.once(stream, times, first));
    b.push_back(watch.once(stream, times, second));
  }
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return {a[rounds / 2], b[rounds / 2]};
}

/// A graph of `count` launches: what a launch costs without the host.
class replay {
 public:
  template <class Body>
  replay(cudaStream_t stream, int count, const Body& body) : stream_{stream}, count_{count} {
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "capture");
    for (int i = 0; i < count; ++i) {
      body();
    }
    cudaGraph_t graph = nullptr;
    require(cudaStreamEndCapture(stream, &graph), "capture");
    require(cudaGraphInstantiate(&program_, graph, 0), "cudaGraphInstantiate");
    static_cast<void>(cudaGraphDestroy(graph));
  }
  replay(const replay&) = delete;
  replay& operator=(const replay&) = delete;
  ~replay() { static_cast<void>(cudaGraphExecDestroy(program_)); }
  void operator()() const { require(cudaGraphLaunch(program_, stream_), "cudaGraphLaunch"); }
  [[nodiscard]] int count() const { return count_; }

 private:
  cudaGraphExec_t program_ = nullptr;
  cudaStream_t stream_;
  int count_;
};

/// What main returns: makes `body()` where there is a GPU, and says which; 77 where there is none.
template <class Body>
[[nodiscard]] int on_gpu(const Body& body) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // rows are known when a later one takes too long
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  try {
    cudaDeviceProp about{};
    require(cudaGetDeviceProperties(&about, 0), "cudaGetDeviceProperties");
    std::printf("%s, %d multiprocessors, %d MiB of L2; ranks share the GPU\n", about.name,
                about.multiProcessorCount, about.l2CacheSize >> 20);
    body();
    return 0;
  } catch (const std::exception& failure) {
    std::printf("FAILED: %s\n", failure.what());
    return 1;
  }
}

}  // namespace timing
