// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: this codec has no kernels; on GPUs use a codec made of blocks
#include <rondo/codec.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/rondo.hpp>
#include <rondo/transport/cuda/window_rank.hpp>

struct launch {
  template <class Call>
  unsigned most_blocks() const {
    return 1;
  }
  template <class Call>
  void operator()(const rondo::device::window&, unsigned, CUstream_st*, const Call&) const {}
};

void call(rondo::cuda::window_rank<launch>& window, rondo::device_span<float> values) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(window, values, rondo::codec::int8<128>{}, rondo::on{});
#else
  rondo::all_reduce(window, values, rondo::codec::top_k{}, rondo::on{});
#endif
}
