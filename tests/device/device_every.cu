// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// Every collective of the device room as a kernel, for checks of what the compiler makes of them:
// that it compiles for each architecture, its PTX and its registers.
#include "kernels.cuh"

#include <rondo/device/multicast.cuh>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

/// Of codec::device::decode and decode_add: these must not move values byte by byte.
namespace of_codec = rondo::codec::device::detail;
using narrow = rondo::codec::int8<128>;
#define RONDO_TEST_DECODE(type, fold)                                                         \
  template __global__ void of_codec::decode_kernel<narrow, type>(                             \
      const std::byte*, type*, std::size_t, rondo::codec::detail::message_of<narrow::format>, \
      of_codec::fold)
RONDO_TEST_DECODE(float, add_fold);
RONDO_TEST_DECODE(__nv_bfloat16, replace_fold);

namespace kernels {

#define RONDO_TEST_KERNEL(name, type, ...) \
  template __global__ void name<type>(device::window, buffers<type>, std::size_t, ##__VA_ARGS__)

// The hot ones: these must not spill.
RONDO_TEST_KERNEL(all_reduce, float, rondo::two_shot);
RONDO_TEST_KERNEL(all_reduce, __nv_bfloat16, rondo::two_shot);
RONDO_TEST_KERNEL(all_reduce, float, device::packets);
RONDO_TEST_KERNEL(all_reduce, float, device::line_packets);
RONDO_TEST_KERNEL(all_reduce, __half, rondo::two_shot, rondo::codec::int8<128>);
RONDO_TEST_KERNEL(fused_all_reduce, float, rondo::two_shot);
RONDO_TEST_KERNEL(fused_all_reduce, float, device::two_shot_pull);
RONDO_TEST_KERNEL(all_reduce_to_epilogue, float, rondo::two_shot);
RONDO_TEST_KERNEL(all_reduce_to_epilogue, __nv_bfloat16, rondo::two_shot);

/// Of a call that the host makes.
template <class T, class Algorithm, class Codec>
using host_all_reduce = rondo::cuda::detail::call_in_kernel<rondo::schedule::collective::all_reduce,
                                                            T, Algorithm, rondo::op::sum, Codec>;
template <class Call>
const void* const kernel_of =
    reinterpret_cast<const void*>(&rondo::cuda::detail::collective_kernel<Call>);
const void* host_calls[] = {
    kernel_of<host_all_reduce<float, rondo::two_shot, rondo::codec::exact>>,
    kernel_of<host_all_reduce<float, rondo::two_shot, rondo::codec::int8<128>>>,
};

#if !defined(HOT_KERNELS_ONLY)
RONDO_TEST_KERNEL(all_reduce, float);
RONDO_TEST_KERNEL(all_reduce, double, rondo::ring);
RONDO_TEST_KERNEL(all_reduce, float, rondo::one_shot, rondo::codec::cast<rondo::bfloat16>);
RONDO_TEST_KERNEL(fused_all_reduce, rondo::bfloat16, rondo::one_shot);
RONDO_TEST_KERNEL(fused_all_reduce, float, rondo::one_shot, rondo::codec::fp8_e4m3<128>);
RONDO_TEST_KERNEL(all_reduce, signed char, rondo::two_shot, rondo::codec::int8<128>);
RONDO_TEST_KERNEL(reduce_scatter, float);
RONDO_TEST_KERNEL(reduce_scatter, float, rondo::codec::int4<32>);
RONDO_TEST_KERNEL(all_gather, __nv_bfloat16);
RONDO_TEST_KERNEL(all_to_all, float);
template __global__ void broadcast<float>(device::window, buffers<float>, std::size_t, int);
template __global__ void shift<float>(device::window, buffers<float>, std::size_t);

/// Groups other than a block, one to each slot.
__global__ void meet_by_warps(device::window w) {
  const auto block = cooperative_groups::this_thread_block();
  const auto warp = cooperative_groups::tiled_partition<32>(block);
  device::barrier(warp, w.as_slot(warp.meta_group_rank(), warp.meta_group_size()));
  device::barrier(cooperative_groups::coalesced_threads(), w.as_slot(0, 1));
}
#endif

#if !defined(HOT_KERNELS_ONLY)
/// As a driver or NCCL would make it; no GPU of ours has one.
struct switched_window : device::window {
  std::byte* everywhere;
  __device__ std::byte* multicast(std::size_t offset) const { return everywhere + offset; }
};

template <class T>
__global__ void by_switch(switched_window w, std::size_t count) {
  device::multicast_all_reduce<T>(cooperative_groups::this_thread_block(), w, 0, count * sizeof(T),
                                  count);
}
template __global__ void by_switch<float>(switched_window, std::size_t);
template __global__ void by_switch<__nv_bfloat16>(switched_window, std::size_t);
#endif

}  // namespace kernels
