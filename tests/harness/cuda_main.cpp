// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "cuda/check.hpp"

#include <cuda_runtime_api.h>

#include <cstdio>

// The first argument picks the tests whose names contain it. Without a GPU there is nothing to
// test; CTest reads status 77 as "skipped".
int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what was found is known when a test hangs or faults
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  return check::run(argc > 1 ? argv[1] : "");
}
