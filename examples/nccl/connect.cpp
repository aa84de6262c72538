// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Ways to a communicator, from a file that no CUDA compiler has to see. Started by torchrun or
// alone.
#include <rondo/nccl.hpp>

#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstdlib>

namespace {

void average(rondo::nccl::communicator& comm, rondo::device_span<float> gradient,
             rondo::device_span<float> received, cudaStream_t stream) {
  // begin: native
  rondo::all_reduce(comm, gradient, rondo::op::average{}, rondo::on{stream});
  // end: native
  const int next = (comm.rank() + 1) % comm.size();
  const int before = (comm.rank() + comm.size() - 1) % comm.size();
  // begin: group
  comm.group([&] {
    rondo::send(comm, gradient, rondo::to{next}, rondo::on{stream});
    rondo::receive(comm, received, rondo::from{before}, rondo::on{stream});
  });
  // end: group
}

}  // namespace

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  if (std::getenv("RANK") == nullptr) {  // not started by a launcher
    ::setenv("RANK", "0", 1);
    ::setenv("WORLD_SIZE", "1", 1);
  }
  // begin: environment
  const auto told = rondo::nccl::environment::read();  // RANK, WORLD_SIZE, LOCAL_RANK, ...
  rondo::cuda::require(cudaSetDevice(told.local_rank), "cudaSetDevice");
  auto comm = rondo::nccl::connect(told);  // {.folder = "/shared"} where there are several nodes
  // end: environment

  float* memory = nullptr;
  rondo::cuda::require(cudaMalloc(&memory, 2 * sizeof(float)), "cudaMalloc");
  const auto rank = static_cast<float>(comm.rank());
  rondo::cuda::require(cudaMemcpy(memory, &rank, sizeof rank, cudaMemcpyHostToDevice),
                       "cudaMemcpy");
  average(comm, {memory, 1}, {memory + 1, 1}, nullptr);
  float got[2] = {};
  rondo::cuda::require(cudaMemcpy(got, memory, sizeof got, cudaMemcpyDeviceToHost), "cudaMemcpy");
  rondo::cuda::require(cudaFree(memory), "cudaFree");
  std::printf("rank %d of %d: average %g, received %g\n", comm.rank(), comm.size(),
              static_cast<double>(got[0]), static_cast<double>(got[1]));
  const float expected = static_cast<float>(comm.size() - 1) / 2;
  return got[0] == expected && got[1] == expected ? 0 : 1;
}
