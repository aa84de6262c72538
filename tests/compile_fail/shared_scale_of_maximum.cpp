// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: shared_scale and low_rank add; with one, pass op::sum or op::average
// compilers: g++ clang++
#include <rondo/codec/shared_scale.hpp>
#include <rondo/rondo.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using operation = rondo::op::average;
#else
using operation = rondo::op::max;
#endif

void reduce(rondo::threads::communicator& comm, std::vector<float>& gradient) {
  rondo::all_reduce(comm, gradient, operation{}, rondo::codec::shared_scale<8>{});
}
