// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: codec::shared_scale: Sum has 32 bits at most, and room for one rank's codes
// compilers: g++ clang++
#include <rondo/codec/shared_scale.hpp>
#include <rondo/rondo.hpp>

#include <cstdint>
#include <vector>

#ifdef RONDO_CONTROL
using sum_type = std::int32_t;
#else
using sum_type = std::int64_t;
#endif

void reduce(rondo::threads::communicator& comm, std::vector<float>& gradient) {
  rondo::all_reduce(comm, gradient, rondo::codec::shared_scale<8, 128, sum_type>{});
}
