// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: shared_scale and low_rank are sums made by all_reduce
// compilers: g++ clang++
#include <rondo/codec/integer.hpp>
#include <rondo/codec/shared_scale.hpp>
#include <rondo/rondo.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using coded = rondo::codec::int8<128>;
#else
using coded = rondo::codec::shared_scale<8>;
#endif

void gather(rondo::threads::communicator& comm, std::vector<float>& in, std::vector<float>& out) {
  rondo::all_gather(comm, in, out, coded{});
}
