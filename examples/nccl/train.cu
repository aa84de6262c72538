// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// A training loop in CUDA and NCCL, as many write it: one thread per GPU, gradients averaged after
// every step. Three lines are rondo's; the calls of NCCL that they replace stand beside them.
#include <rondo/codec/integer.hpp>
#include <rondo/nccl.hpp>

#include <cuda_runtime.h>
#include <nccl.h>

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr int inputs = 1024;
constexpr int samples = 4096;  // per GPU and step
constexpr int steps = 60;

void check(cudaError_t result) {
  if (result != cudaSuccess) {
    std::fprintf(stderr, "%s\n", cudaGetErrorString(result));
    std::exit(1);
  }
}
void check(ncclResult_t result) {
  if (result != ncclSuccess) {
    std::fprintf(stderr, "%s\n", ncclGetErrorString(result));
    std::exit(1);
  }
}

__device__ float noise(unsigned seed) {
  seed = (seed ^ 61u) ^ (seed >> 16);
  seed *= 0x27d4eb2du;
  seed ^= seed >> 15;
  return static_cast<float>(seed % 2001u) / 1000.f - 1.f;
}

/// The gradient of one sample per block: the true weights are i / inputs.
__global__ void add_gradient(const float* weights, float* gradient, float* loss, unsigned seed) {
  __shared__ float error;
  if (threadIdx.x == 0) {
    error = 0;
  }
  __syncthreads();
  const unsigned sample = seed * gridDim.x + blockIdx.x;
  float mine = 0;
  for (unsigned i = threadIdx.x; i < inputs; i += blockDim.x) {
    mine += noise(sample * inputs + i) * (weights[i] - static_cast<float>(i) / inputs);
  }
  atomicAdd(&error, mine);
  __syncthreads();
  for (unsigned i = threadIdx.x; i < inputs; i += blockDim.x) {
    atomicAdd(&gradient[i], noise(sample * inputs + i) * error / samples);
  }
  if (threadIdx.x == 0) {
    atomicAdd(loss, error * error / samples);
  }
}

__global__ void descend(float* weights, const float* gradient) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  weights[i] -= 0.8f * gradient[i];
}

/// Returns the last loss.
float train(int rank, ncclComm_t comm) {
  float* weights = nullptr;
  float* gradient = nullptr;  // and the loss behind it
  cudaStream_t stream = nullptr;
  check(cudaMalloc(&weights, inputs * sizeof(float)));
  check(cudaMalloc(&gradient, (inputs + 1) * sizeof(float)));
  check(cudaStreamCreate(&stream));
  check(cudaMemset(weights, 0, inputs * sizeof(float)));
  float loss = 0;

  // begin: wrap
  rondo::nccl::communicator ranks{comm};  // your ncclComm_t stays yours
  const rondo::device_span<float> gradients{gradient, inputs};
  const rondo::device_span<float> losses{gradient + inputs, 1};
  // end: wrap

  for (int step = 0; step < steps; ++step) {
    check(cudaMemsetAsync(gradient, 0, (inputs + 1) * sizeof(float), stream));
    add_gradient<<<samples, 128, 0, stream>>>(weights, gradient, gradient + inputs,
                                              static_cast<unsigned>(step * 64 + rank));

    // begin: average
    // was: ncclAllReduce(loss, loss, 1, ncclFloat, ncclAvg, comm, stream);
    rondo::all_reduce(ranks, losses, rondo::op::average{}, rondo::on{stream});
    // end: average
    // begin: codec
    // was: ncclAllReduce(gradient, gradient, inputs, ncclFloat, ncclAvg, comm, stream);
    rondo::all_reduce(ranks, gradients, rondo::op::average{}, rondo::two_shot{},
                      rondo::codec::int8<128>{}, rondo::on{stream});  // a quarter of the bytes
    // end: codec

    descend<<<inputs / 128, 128, 0, stream>>>(weights, gradient);
    check(cudaMemcpyAsync(&loss, losses.data(), sizeof loss, cudaMemcpyDeviceToHost, stream));
    check(cudaStreamSynchronize(stream));
    if (rank == 0 && step % 10 == 0) {
      std::printf("step %2d  loss %.5f\n", step, static_cast<double>(loss));
    }
  }
  check(cudaStreamDestroy(stream));
  check(cudaFree(gradient));
  check(cudaFree(weights));
  return loss;
}

}  // namespace

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  ncclUniqueId id;
  check(ncclGetUniqueId(&id));
  std::vector<float> losses(static_cast<std::size_t>(devices));
  std::vector<std::thread> ranks;
  for (int rank = 0; rank < devices; ++rank) {
    ranks.emplace_back([&, rank] {
      ncclComm_t comm = nullptr;
      check(cudaSetDevice(rank));
      check(ncclCommInitRank(&comm, devices, id, rank));
      losses[static_cast<std::size_t>(rank)] = train(rank, comm);
      check(ncclCommDestroy(comm));
    });
  }
  for (auto& one : ranks) {
    one.join();
  }
  std::printf("%d GPUs, last loss %.5f\n", devices, static_cast<double>(losses[0]));
  for (const float loss : losses) {
    if (!(loss < 1.f) || loss != losses[0]) {
      std::puts("did not learn, or not the same everywhere");
      return 1;
    }
  }
}
