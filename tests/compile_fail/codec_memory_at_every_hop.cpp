// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: a codec with a memory cannot encode at every hop
// compilers: g++ clang++
#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using algorithm = rondo::two_shot;
template <class Codec>
using asked_for = Codec;
#else
using algorithm = rondo::ring;
template <class Codec>
using asked_for = rondo::codec::requantised<Codec>;
#endif

// Wrapped once more: that there is a memory must not be forgotten on the way.
void reduce(rondo::threads::communicator& comm, std::vector<float>& gradient,
            std::vector<float>& residual) {
  using remembering = rondo::codec::error_feedback<rondo::codec::int8<128>>;
  using mixed = rondo::codec::mixed_by_size<rondo::codec::exact, remembering>;
  const mixed codec{rondo::codec::exact{}, remembering{{}, residual}, 100};
  rondo::all_reduce(comm, gradient, algorithm{}, asked_for<mixed>{codec});
}
