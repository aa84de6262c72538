// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: this algorithm would encode anew at every hop
// compilers: g++ clang++
#include <rondo/codec/integer.hpp>
#include <rondo/rondo.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using algorithm = rondo::two_shot;
#else
using algorithm = rondo::ring;
#endif

void reduce(rondo::threads::communicator& comm, std::vector<float>& gradient) {
  rondo::all_reduce(comm, gradient, algorithm{}, rondo::codec::int8<128>{});
}
