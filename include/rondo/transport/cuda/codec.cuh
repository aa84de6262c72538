// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/device/codec_warp.cuh>
#include <rondo/transport/cuda/require.hpp>

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

/// Codecs on whole device buffers: each call enqueues on a stream and returns, synchronises
/// nothing, allocates nothing, and may be captured in a CUDA graph. Pointers are to memory that the
/// device reads; wires are aligned to 16 bytes and hold `codec.wire_bytes(count)`. The bytes are
/// those that the host writes.
namespace rondo::inline v0_1::codec::device {

/// The wires of up to 32 ranks, as a kernel's argument.
struct wire_set {
  const std::byte* at[32];
  int size = 0;
};

namespace detail {

using namespace codec::detail;

inline constexpr int threads = 256;

/// The first value of the calling warp, and the distance to its next.
template <class Codec>
struct walk {
  std::size_t first =
      (std::size_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32 * warp<Codec>::values;
  std::size_t step = std::size_t{gridDim.x} * blockDim.x / 32 * warp<Codec>::values;
};

template <class Codec, class Source>
__device__ void survey_all(const Source& source, std::size_t count, std::byte* to) {
  using format = typename Codec::format;
  using lanes = warp<Codec>;
  typename format::survey seen{};
  const walk<Codec> mine;
  for (std::size_t first = mine.first; first < count; first += mine.step) {
    typename lanes::tile_type tile;
    source(lanes::index(first), tile);
    seen = format::survey::combine(seen, format::survey::observe(tile));
  }
  atomicMax(reinterpret_cast<std::uint32_t*>(to), seen.bits);
}

template <class Codec, class Source>
__device__ void encode_all(const Source& source, std::size_t count, std::byte* to,
                           const message_of<typename Codec::format>& given) {
  using lanes = warp<Codec>;
  const walk<Codec> mine;
  auto told = given;
  if constexpr (has_header<typename Codec::format>) {
    told = Codec::wire::read_header(to, count);
  }
  for (std::size_t first = mine.first; first < count; first += mine.step) {
    typename lanes::tile_type tile;
    const std::size_t at = lanes::index(first);
    source(at, tile);
    lanes::encode_tile(tile, at, count, to, told);
  }
  // The gaps behind the scales and behind the payload.
  if (blockIdx.x == 0 && threadIdx.x < wire_alignment) {
    const std::size_t padded = round_up(count, granule_of<typename Codec::format>);
    using wire = typename Codec::wire;
    const std::size_t behind_scales = wire::scales_end(padded) + threadIdx.x;
    const std::size_t behind_payload = wire::payload_end(padded) + threadIdx.x;
    if (behind_scales < wire::payload_begin(padded)) {
      to[behind_scales] = std::byte{0};
    }
    if (behind_payload < wire::bytes(padded)) {
      to[behind_payload] = std::byte{0};
    }
  }
}

template <class Codec, class T>
struct from_values {
  const T* values;
  std::size_t count;
  message_of<typename Codec::format> told;
  __device__ void operator()(std::size_t at, typename warp<Codec>::tile_type& tile) const {
    warp<Codec>::load(values, at, count, tile);
    warp<Codec>::turn(tile, at, count, told);
  }
};

/// Sums wires in their order, in fp32.
template <class Codec>
struct from_wires {
  wire_set wires;
  std::size_t count;
  float divisor;
  __device__ void operator()(std::size_t at, typename warp<Codec>::tile_type& sum) const {
    using lanes = warp<Codec>;
#pragma unroll
    for (unsigned i = 0; i < lanes::per_lane; ++i) {
      sum[i] = 0;
    }
    for (int rank = 0; rank < wires.size; ++rank) {
      typename lanes::tile_type tile;
      lanes::decode_tile(wires.at[rank], at, count, tile,
                         Codec::wire::read_header(wires.at[rank], count));
#pragma unroll
      for (unsigned i = 0; i < lanes::per_lane; ++i) {
        sum[i] += tile[i];
      }
    }
#pragma unroll
    for (unsigned i = 0; i < lanes::per_lane; ++i) {
      sum[i] = divide_sum(sum[i], divisor);
    }
    lanes::pad(at, round_up(count, granule_of<typename Codec::format>), sum);
  }
};

template <class Codec, class Source>
__global__ void __launch_bounds__(threads)
    survey_kernel(Source source, std::size_t count, std::byte* to) {
  survey_all<Codec>(source, count, to);
}

template <class Codec>
__global__ void finish_survey_kernel(std::byte* to) {
  using format = typename Codec::format;
  typename format::survey seen{*reinterpret_cast<const std::uint32_t*>(to)};
  Codec::wire::write_header(to, format::begin(seen));
}

template <class Codec, class Source>
__global__ void __launch_bounds__(threads)
    encode_kernel(Source source, std::size_t count, std::byte* to,
                  message_of<typename Codec::format> told) {
  encode_all<Codec>(source, count, to, told);
}

template <class Codec, class T, class Fold>
__global__ void __launch_bounds__(threads)
    decode_kernel(const std::byte* from, T* values, std::size_t count,
                  message_of<typename Codec::format> told, Fold fold) {
  using lanes = warp<Codec>;
  if constexpr (has_header<typename Codec::format>) {
    told = Codec::wire::read_header(from, count);
  }
  const walk<Codec> mine;
  for (std::size_t first = mine.first; first < count; first += mine.step) {
    typename lanes::tile_type tile;
    const std::size_t at = lanes::index(first);
    lanes::decode(from, at, count, tile, told);
    lanes::store(tile, at, count, values, fold);
  }
}

/// Enough warps for the values, and no more than fill a large GPU a few times.
template <class Codec>
[[nodiscard]] unsigned grid_for(std::size_t count) {
  const std::size_t warps = divide_up(count, warp<Codec>::values);
  const std::size_t grid = divide_up(warps * 32, threads);
  constexpr std::size_t most = 132 * 32;
  return static_cast<unsigned>(grid < 1 ? 1 : grid < most ? grid : most);
}

template <class Codec>
[[nodiscard]] message_of<typename Codec::format> message_for(const Codec& codec,
                                                             const context& where) {
  if constexpr (!has_header<typename Codec::format> && requires { codec.begin(where); }) {
    return codec.begin(where);
  } else {
    return {};
  }
}

template <class Codec, class Source>
void encode_from(const Source& source, std::size_t count, std::byte* to,
                 const message_of<typename Codec::format>& told, cudaStream_t stream) {
  const unsigned grid = grid_for<Codec>(count);
  if constexpr (has_header<typename Codec::format>) {
    cuda::require(cudaMemsetAsync(to, 0, Codec::wire::header_bytes, stream),
                  "codec::device::encode");
    survey_kernel<Codec><<<grid, threads, 0, stream>>>(source, count, to);
    finish_survey_kernel<Codec><<<1, 1, 0, stream>>>(to);
  }
  encode_kernel<Codec><<<grid, threads, 0, stream>>>(source, count, to, told);
  cuda::require(cudaGetLastError(), "codec::device::encode");
}

template <class Codec, class T, class Fold>
void decode_with(const Codec& codec, const std::byte* from, T* values, std::size_t count,
                 const Fold& fold, const char* what, cudaStream_t stream) {
  decode_kernel<Codec><<<grid_for<Codec>(count), threads, 0, stream>>>(
      from, values, count, message_for(codec, {}), fold);
  cuda::require(cudaGetLastError(), what);
}

}  // namespace detail

/// Encodes `count` values (float, double, half, bfloat16, __half, __nv_bfloat16) into `to`.
template <class Codec, class T>
void encode(const Codec& codec, const T* values, std::size_t count, std::byte* to,
            cudaStream_t stream, const context& where = {}) {
  const auto told = detail::message_for(codec, where);
  detail::encode_from<Codec>(detail::from_values<Codec, T>{values, count, told}, count, to, told,
                             stream);
}

/// values = what the wire says.
template <class Codec, class T>
void decode(const Codec& codec, const std::byte* from, T* values, std::size_t count,
            cudaStream_t stream) {
  detail::decode_with(codec, from, values, count, detail::replace_fold{}, "codec::device::decode",
                      stream);
}

/// sum += what the wire says, in fp32.
template <class Codec>
void decode_add(const Codec& codec, const std::byte* from, float* sum, std::size_t count,
                cudaStream_t stream) {
  detail::decode_with(codec, from, sum, count, detail::add_fold{}, "codec::device::decode_add",
                      stream);
}

/// Decodes wires of `count` values each, sums them in their order in fp32, divides by `divisor`
/// and encodes the result, in one pass over the wires (two for codecs with a header).
template <class Codec>
void encode_sum(const Codec& codec, const wire_set& wires, std::size_t count, std::byte* to,
                cudaStream_t stream, const context& where = {}, float divisor = 1) {
  detail::encode_from<Codec>(detail::from_wires<Codec>{wires, count, divisor}, count, to,
                             detail::message_for(codec, where), stream);
}

}  // namespace rondo::inline v0_1::codec::device
