// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/cuda.cuh>
#include <rondo/nccl.hpp>

#include <cstddef>

void average(rondo::nccl::communicator& comm, float* gradient, std::size_t count,
             cudaStream_t stream);
