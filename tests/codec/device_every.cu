// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Every codec compiles for the device: whole buffers, and the warp form in a kernel of one's own.
#include <rondo/codec.hpp>
#include <rondo/transport/cuda/codec.cuh>

#include <cuda_bf16.h>

using namespace rondo;

template <class Codec>
void every_call(const Codec& codec, const __nv_bfloat16* values, float* sum, std::byte* wire,
                cudaStream_t stream) {
  codec::device::encode(codec, values, 1000, wire, stream);
  codec::device::decode_add(codec, wire, sum, 1000, stream);
  codec::device::encode_sum(codec, codec::device::wire_set{}, 1000, wire, stream);
}

void every_codec(const __nv_bfloat16* values, float* sum, std::byte* wire, cudaStream_t stream) {
  every_call(codec::int8<128>{}, values, sum, wire, stream);
  every_call(codec::int6<32>{}, values, sum, wire, stream);
  every_call(codec::int4<32>{}, values, sum, wire, stream);
  every_call(codec::int2<32>{}, values, sum, wire, stream);
  every_call(codec::int8_asymmetric<64>{}, values, sum, wire, stream);
  every_call(codec::fp8_e4m3<128>{}, values, sum, wire, stream);
  every_call(codec::fp8_e5m2<128>{}, values, sum, wire, stream);
  every_call(codec::mxfp8<>{}, values, sum, wire, stream);
  every_call(codec::mxfp6_e3m2<>{}, values, sum, wire, stream);
  every_call(codec::mxfp4<>{}, values, sum, wire, stream);
  every_call(codec::mxint8<>{}, values, sum, wire, stream);
  every_call(codec::nvfp4{}, values, sum, wire, stream);
  every_call(codec::sign<2048>{}, values, sum, wire, stream);
  every_call(codec::rotated{codec::int4<32>{}, 1}, values, sum, wire, stream);
  every_call(codec::rotated{codec::int8_asymmetric<128>{}, 2}, values, sum, wire, stream);
  every_call(codec::stochastic{codec::int8<128>{}, 1}, values, sum, wire, stream);
}

// begin: warp
/// x = gelu(x), encoded before it leaves the registers.
__global__ void activation_to_wire(const __nv_bfloat16* values, std::size_t count,
                                   std::byte* wire) {
  using warp = codec::warp<codec::int8<128>>;
  const std::size_t my_warp = (std::size_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
  const std::size_t at = warp::index(my_warp * warp::values);
  float tile[warp::per_lane];
  warp::load(values, at, count, tile);
  for (float& x : tile) {
    x = 0.5f * x * (1.0f + erff(x * 0.70710678f));
  }
  warp::encode(tile, at, count, wire);
}
// end: warp
