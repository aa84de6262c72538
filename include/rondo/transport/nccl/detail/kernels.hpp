// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#if defined(__CUDACC__)
#include <rondo/codec/cast.hpp>
#include <rondo/transport/cuda/codec.cuh>
#include <rondo/transport/cuda/detail/cast_values.hpp>
#endif

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1::nccl::detail {

#if defined(__CUDACC__)

/// body(i) for i < count.
template <class Body>
__global__ void __launch_bounds__(256) each_kernel(const Body body, std::size_t count) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
#pragma unroll 4
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    body(i);
  }
}

/// The work between NCCL's messages, as kernels.
struct kernels {
  template <class Body>
  static void each(std::size_t count, const Body& body, cudaStream_t stream) {
    constexpr std::size_t threads = 256;
    constexpr std::size_t most_blocks = 132 * 16;  // fills a large GPU a few times
    const std::size_t blocks = (count + threads - 1) / threads;
    each_kernel<<<static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks), threads, 0,
                  stream>>>(body, count);
    cuda::require(cudaGetLastError(), "launch of a kernel of rondo's");
  }

  static constexpr int fused_wires = 32;

  template <class Codec, class T>
  static void encode(const Codec& with, const T* values, std::size_t count, std::byte* to,
                     const codec::context& where, cudaStream_t stream) {
    if constexpr (codec::detail::is_cast<Codec>) {
      each_of(count, cuda::detail::cast_value<T, wire_type<Codec>>{values, wire<Codec>(to)},
              stream);
    } else {
      require_kernels<Codec>();
      codec::device::encode(with, values, count, to, stream, where);
    }
  }
  template <class Codec, class T>
  static void decode(const Codec& with, const std::byte* from, T* values, std::size_t count,
                     cudaStream_t stream) {
    if constexpr (codec::detail::is_cast<Codec>) {
      each_of(count, cuda::detail::cast_value<wire_type<Codec>, T>{wire<Codec>(from), values},
              stream);
    } else {
      require_kernels<Codec>();
      codec::device::decode(with, from, values, count, stream);
    }
  }
  template <class Codec>
  static void decode_add(const Codec& with, const std::byte* from, float* sums, std::size_t count,
                         cudaStream_t stream) {
    if constexpr (codec::detail::is_cast<Codec>) {
      each_of(count, cuda::detail::add_cast<wire_type<Codec>>{wire<Codec>(from), sums}, stream);
    } else {
      require_kernels<Codec>();
      codec::device::decode_add(with, from, sums, count, stream);
    }
  }
  template <class Codec, class WireOf>
  static void encode_sum(const Codec& with, const WireOf& wire_of, int ranks, std::size_t count,
                         std::byte* to, const codec::context& where, float divisor,
                         cudaStream_t stream) {
    if constexpr (codec::detail::is_cast<Codec>) {
      cuda::detail::sum_casts<wire_type<Codec>, fused_wires> sum{
          {}, ranks, divisor, wire<Codec>(to)};
      for (int rank = 0; rank < ranks; ++rank) {
        sum.from[rank] = wire<Codec>(wire_of(rank));
      }
      each_of(count, sum, stream);
    } else {
      require_kernels<Codec>();
      codec::device::wire_set wires{};
      wires.size = ranks;
      for (int rank = 0; rank < ranks; ++rank) {
        wires.at[rank] = wire_of(rank);
      }
      codec::device::encode_sum(with, wires, count, to, stream, where, divisor);
    }
  }

 private:
  template <class Codec>
  static consteval void require_kernels() {
    static_assert(codec::has_kernels<Codec>,
                  "rondo: this codec has no kernels; on GPUs use a codec made of blocks: int8, "
                  "int4, fp8_e4m3, ... or a cast");
  }

  template <class Codec>
  using wire_type = typename codec::detail::cast_wire<Codec>::type;
  template <class Codec>
  [[nodiscard]] static wire_type<Codec>* wire(std::byte* at) {
    return reinterpret_cast<wire_type<Codec>*>(at);
  }
  template <class Codec>
  [[nodiscard]] static const wire_type<Codec>* wire(const std::byte* at) {
    return reinterpret_cast<const wire_type<Codec>*>(at);
  }
  template <class Body>
  static void each_of(std::size_t count, const Body& body, cudaStream_t stream) {
    if (count != 0) {
      each(count, body, stream);
    }
  }
};

#else

/// In place of the kernels in a file that nvcc does not compile: NCCL's own collectives need none.
/// One program may hold files of both kinds: no function that compiles here calls a member, so none
/// differs between them.
struct kernels {
  static constexpr int fused_wires = 32;

  template <class Body>
  static void each(std::size_t, const Body&, cudaStream_t) {
    need_nvcc<Body>();
  }
  template <class Codec, class... Arguments>
  static void encode(const Codec&, const Arguments&...) {
    need_nvcc<Codec>();
  }
  template <class Codec, class... Arguments>
  static void decode(const Codec&, const Arguments&...) {
    need_nvcc<Codec>();
  }
  template <class Codec, class... Arguments>
  static void decode_add(const Codec&, const Arguments&...) {
    need_nvcc<Codec>();
  }
  template <class Codec, class... Arguments>
  static void encode_sum(const Codec&, const Arguments&...) {
    need_nvcc<Codec>();
  }

 private:
  template <class Any>
  static consteval void need_nvcc() {
    static_assert(sizeof(Any) == 0,
                  "rondo: NCCL has no such collective (operation, type, codec or algorithm), or a "
                  "layer adds something itself, so kernels do part of the work: compile this file "
                  "with nvcc (op::min and op::max of floats: or pass native{}, which passes over "
                  "NaN)");
  }
};

#endif

}  // namespace rondo::inline v0_1::nccl::detail
