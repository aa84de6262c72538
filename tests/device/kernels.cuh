// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/cuda.cuh>

#include <cooperative_groups.h>

#include <cstddef>

/// Kernels that tests and checks share: each makes one call on every rank, from `in[rank]` to
/// `out[rank]`.
namespace kernels {

namespace device = rondo::device;
using rondo::device_span;

template <class T>
struct buffers {
  const T* const* in;
  T* const* out;
};

template <class T>
__device__ device_span<const T> input(const buffers<T>& of, const device::window& w,
                                      std::size_t count) {
  return {of.in[w.rank()], count};
}
template <class T>
__device__ device_span<T> output(const buffers<T>& of, const device::window& w, std::size_t count) {
  return {of.out[w.rank()], count};
}

template <class T, class... Given>
__global__ void __launch_bounds__(512, 1)
    all_reduce(device::window w, buffers<T> of, std::size_t count, Given... given) {
  device::all_reduce(cooperative_groups::this_thread_block(), w, input(of, w, count),
                     output(of, w, count), given...);
}

/// Prologue and epilogue: out = twice the sum of (in + 1).
template <class T, class... Given>
__global__ void __launch_bounds__(512, 1)
    fused_all_reduce(device::window w, buffers<T> of, std::size_t count, Given... given) {
  const T* const in = of.in[w.rank()];
  T* const out = of.out[w.rank()];
  device::all_reduce(
      cooperative_groups::this_thread_block(), w, count, given...,
      [&](std::size_t i) { return static_cast<T>(static_cast<float>(in[i]) + 1.0f); },
      [&](std::size_t i, const T& value) {
        out[i] = static_cast<T>(2.0f * static_cast<float>(value));
      });
}

/// From a buffer to an epilogue: out = twice the sum.
template <class T, class... Given>
__global__ void __launch_bounds__(512, 1)
    all_reduce_to_epilogue(device::window w, buffers<T> of, std::size_t count, Given... given) {
  T* const out = of.out[w.rank()];
  device::all_reduce(cooperative_groups::this_thread_block(), w, input(of, w, count), given...,
                     [&](std::size_t i, const T& value) {
                       out[i] = static_cast<T>(2.0f * static_cast<float>(value));
                     });
}

template <class T, class... Given>
__global__ void __launch_bounds__(512, 1)
    reduce_scatter(device::window w, buffers<T> of, std::size_t count, Given... given) {
  device::reduce_scatter(cooperative_groups::this_thread_block(), w,
                         input(of, w, count * static_cast<std::size_t>(w.size())),
                         output(of, w, count), given...);
}

template <class T, class... Given>
__global__ void __launch_bounds__(512, 1)
    all_gather(device::window w, buffers<T> of, std::size_t count, Given... given) {
  device::all_gather(cooperative_groups::this_thread_block(), w, input(of, w, count),
                     output(of, w, count * static_cast<std::size_t>(w.size())), given...);
}

template <class T, class... Given>
__global__ void __launch_bounds__(512, 1)
    all_to_all(device::window w, buffers<T> of, std::size_t count, Given... given) {
  const std::size_t whole = count * static_cast<std::size_t>(w.size());
  device::all_to_all(cooperative_groups::this_thread_block(), w, input(of, w, whole),
                     output(of, w, whole), given...);
}

template <class T>
__global__ void __launch_bounds__(512, 1)
    broadcast(device::window w, buffers<T> of, std::size_t count, int root) {
  const T* const in = of.in[w.rank()];
  T* const out = of.out[w.rank()];
  device::broadcast(
      cooperative_groups::this_thread_block(), w, count, rondo::root{root},
      [&](std::size_t i) { return in[i]; }, [&](std::size_t i, const T& value) { out[i] = value; });
}

/// To the right neighbour, from the left one; then a barrier.
template <class T>
__global__ void __launch_bounds__(512, 1)
    shift(device::window w, buffers<T> of, std::size_t count) {
  const auto block = cooperative_groups::this_thread_block();
  const T* const in = of.in[w.rank()];
  T* const out = of.out[w.rank()];
  const int size = w.size();
  device::send_receive(
      block, w, rondo::to{(w.rank() + 1) % size}, rondo::from{(w.rank() + size - 1) % size}, count,
      [&](std::size_t i) { return in[i]; }, [&](std::size_t i, const T& value) { out[i] = value; });
  device::barrier(block, w);
}

}  // namespace kernels
