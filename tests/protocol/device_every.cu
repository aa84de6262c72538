// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// Every protocol as device code, compiled for each architecture; virtual_ranks.cu runs it.
#include "virtual_ranks.cuh"

#include <rondo/core/float16.hpp>

template __global__ void virtual_ranks::all_reduce<float>(window*, float* const*, std::size_t, form,
                                                          std::uint32_t, int*);
template __global__ void virtual_ranks::all_reduce<double>(window*, double* const*, std::size_t,
                                                           form, std::uint32_t, int*);
template __global__ void virtual_ranks::all_reduce<rondo::bfloat16>(window*,
                                                                    rondo::bfloat16* const*,
                                                                    std::size_t, form,
                                                                    std::uint32_t, int*);
