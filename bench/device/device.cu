// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// Collectives of kernels over ranks that share one GPU: how near they come to the bytes that they
// must move, and what the protocol costs. Nothing here says anything about links between GPUs.
#include "timing.cuh"

#include <rondo/cuda.cuh>

#include <cooperative_groups.h>
#include <cuda_bf16.h>

#include <cstring>
#include <memory>

namespace {

namespace device = rondo::device;
using rondo::cuda::launch_shape;
using rondo::cuda::virtual_ranks;
using timing::device_array;
using timing::side_by_side;

constexpr std::size_t mebi = std::size_t{1} << 20;

template <class T>
struct buffers {
  const T* in;
  T* out;
  std::size_t stride;  ///< elements from one rank's to the next one's
};

template <class T, class... Given>
__global__ void __launch_bounds__(512, 1)
    all_reduce(device::window w, buffers<T> of, std::size_t count, Given... given) {
  const std::size_t at = static_cast<std::size_t>(w.rank()) * of.stride;
  device::all_reduce(cooperative_groups::this_thread_block(), w,
                     rondo::device_span<const T>{of.in + at, count},
                     rondo::device_span<T>{of.out + at, count}, given...);
}

__device__ float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }

/// Through the window; the epilogue applies gelu to what it has in registers, or stores it as it
/// is.
template <bool Fused>
__global__ void __launch_bounds__(512, 1)
    with_epilogue(device::window w, buffers<float> of, std::size_t count) {
  const std::size_t at = static_cast<std::size_t>(w.rank()) * of.stride;
  const float* const in = of.in + at;
  float* const out = of.out + at;
  device::all_reduce(
      cooperative_groups::this_thread_block(), w, count, rondo::two_shot{},
      [=](std::size_t i) { return in[i]; },
      [=](std::size_t i, float value) { out[i] = Fused ? gelu(value) : value; });
}
__global__ void __launch_bounds__(512) gelu_all(float* values, std::size_t count) {
  auto* const packs = reinterpret_cast<float4*>(values);
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count / 4;
       i += std::size_t{gridDim.x} * blockDim.x) {
    float4 x = packs[i];
    x = {gelu(x.x), gelu(x.y), gelu(x.z), gelu(x.w)};
    packs[i] = x;
  }
}

/// `calls` all-reduces of packets in one launch; none for the launch alone.
template <class Packets>
__global__ void __launch_bounds__(512, 1)
    packet_calls(device::window w, buffers<float> of, std::size_t count, int calls) {
  const std::size_t at = static_cast<std::size_t>(w.rank()) * of.stride;
  for (int call = 0; call < calls; ++call) {
    device::all_reduce(cooperative_groups::this_thread_block(), w,
                       rondo::device_span<const float>{of.in + at, count},
                       rondo::device_span<float>{of.out + at, count}, Packets{});
  }
}
__global__ void __launch_bounds__(512, 1) barrier_calls(device::window w, int calls) {
  for (int call = 0; call < calls; ++call) {
    device::barrier(cooperative_groups::this_thread_block(), w);
  }
}

void heading(const char* what) {
  std::printf("\n%s\n%-34s %5s %12s %12s %10s %10s %8s\n", what, "", "ranks", "bytes/rank",
              "bytes moved", "floor us", "took us", "of floor");
}
void print_row(const char* what, int ranks, std::size_t bytes, std::size_t moved, double floor,
               double took) {
  std::printf("%-34s %5d %12zu %12zu %10.2f %10.2f %8.3f\n", what, ranks, bytes, moved, floor, took,
              floor / took);
}

/// Two-shot from buffers to buffers against a copy that moves the same bytes.
template <class T>
void against_copy(const char* type, int ranks, std::size_t bytes) {
  const std::size_t count = bytes / sizeof(T);
  const std::size_t whole = bytes * static_cast<std::size_t>(ranks);
  const device_array<T> in{count * static_cast<std::size_t>(ranks)};
  const device_array<T> out{count * static_cast<std::size_t>(ranks)};
  virtual_ranks together{ranks, 16 * mebi};
  const buffers<T> of{in.data(), out.data(), count};
  for (const unsigned threads : {256u, 512u}) {
    const auto took = side_by_side(
        nullptr, 5,
        [&] {
          timing::require(
              cudaMemcpyAsync(out.data(), in.data(), whole, cudaMemcpyDeviceToDevice, nullptr),
              "cudaMemcpyAsync");
        },
        [&] {
          together.launch({.threads = threads}, all_reduce<T, rondo::two_shot>, of, count,
                          rondo::two_shot{});
        });
    char what[64];
    std::snprintf(what, sizeof what, "two_shot %s, %u threads", type, threads);
    print_row(what, ranks, bytes, 2 * whole, took.first, took.second);
  }
}

/// Time of a copy that moves as many bytes as `moved`.
double copy_time(std::size_t moved, double copied_us, std::size_t copied) {
  return copied_us * static_cast<double>(moved) / static_cast<double>(2 * copied);
}

void quantised(int ranks, std::size_t bytes) {
  using codec = rondo::codec::int8<128>;
  const auto n = static_cast<std::size_t>(ranks);
  const std::size_t count = bytes / sizeof(float);
  const std::size_t wire = codec::wire_bytes(count);
  const device_array<float> in{count * n};
  const device_array<float> out{count * n};
  virtual_ranks together{ranks, 64 * mebi};
  const buffers<float> of{in.data(), out.data(), count};
  const auto took = side_by_side(
      nullptr, 5,
      [&] {
        timing::require(cudaMemcpyAsync(out.data(), in.data(), n * bytes, cudaMemcpyDeviceToDevice),
                        "cudaMemcpyAsync");
      },
      [&] {
        together.launch(all_reduce<float, rondo::two_shot, codec>, of, count, rondo::two_shot{},
                        codec{});
      });
  // Read the input, write its wire; read wires and write their sum's; read that, write the output.
  const std::size_t moved = n * (2 * bytes + 4 * wire);
  print_row("two_shot int8<128> of float", ranks, bytes, moved,
            copy_time(moved, took.first, n * bytes), took.second);
}

void fused(int ranks, std::size_t bytes) {
  const auto n = static_cast<std::size_t>(ranks);
  const std::size_t count = bytes / sizeof(float);
  const device_array<float> in{count * n};
  const device_array<float> out{count * n};
  virtual_ranks together{ranks, 64 * mebi};
  const buffers<float> of{in.data(), out.data(), count};
  const auto copy = side_by_side(
      nullptr, 5,
      [&] {
        timing::require(cudaMemcpyAsync(out.data(), in.data(), n * bytes, cudaMemcpyDeviceToDevice),
                        "cudaMemcpyAsync");
      },
      [] {});
  const auto took = side_by_side(
      nullptr, 5, [&] { together.launch(with_epilogue<true>, of, count); },
      [&] {
        together.launch(with_epilogue<false>, of, count);
        gelu_all<<<528, 512>>>(out.data(), count * n);
      });
  const std::size_t spared = 2 * n * bytes;
  print_row("fused: time saved by the epilogue", ranks, bytes, spared,
            copy_time(spared, copy.first, n * bytes), took.second - took.first);
}

template <class Packets>
void latency(int ranks, std::size_t bytes) {
  const std::size_t count = bytes / sizeof(float);
  const device_array<float> in{count * static_cast<std::size_t>(ranks)};
  const device_array<float> out{count * static_cast<std::size_t>(ranks)};
  virtual_ranks together{ranks, 8 * mebi, {.slots = 8}};
  cudaStream_t stream = nullptr;
  timing::require(cudaStreamCreate(&stream), "cudaStreamCreate");
  const buffers<float> of{in.data(), out.data(), count};
  const launch_shape shape{.blocks = static_cast<unsigned>(bytes > 2048 ? bytes / 2048 : 1),
                           .threads = 512,
                           .stream = stream};
  constexpr int launches = 100;
  const auto launch = [&](int calls) {
    return [&together, shape, of, count, calls] {
      together.launch(shape, packet_calls<Packets>, of, count, calls);
    };
  };
  const timing::replay none{stream, launches, launch(0)};
  const timing::replay one{stream, launches, launch(1)};
  const timing::replay many{stream, 1, launch(launches + 1)};
  const auto took = side_by_side(stream, 5, none, one);
  const auto inside = side_by_side(stream, 5, one, many);
  const double each = took.first / launches;
  std::printf("%-34s %5d %12zu %12s %10.2f %10.2f   in a loop of calls %.2f\n",
              std::is_same_v<Packets, device::packets> ? "packets: launch, call above it"
                                                       : "line_packets: launch, call above it",
              ranks, bytes, "", each, took.second / launches - each,
              (inside.second - each) / (launches + 1));
  timing::require(cudaStreamSynchronize(stream), "a benchmark");
  together.check();
  static_cast<void>(cudaStreamDestroy(stream));
}

void barriers(int ranks) {
  virtual_ranks together{ranks, 8 * mebi, {.slots = 1}};
  const launch_shape shape{.blocks = 1, .threads = 512};
  const auto took = side_by_side(
      nullptr, 5, [&] { together.launch(shape, barrier_calls, 1); },
      [&] { together.launch(shape, barrier_calls, 1001); });
  std::printf("%-34s %5d %12s %12s %10s %10.2f\n", "barrier, in a loop of calls", ranks, "", "", "",
              (took.second - took.first) / 1000);
}

/// Encode, decode and add of one device buffer.
template <class Codec>
void codecs(const char* name) {
  constexpr std::size_t count = 256 * mebi;
  const std::size_t wire = Codec::wire_bytes(count);
  const device_array<__nv_bfloat16> values{count};
  const device_array<float> sums{count};
  const device_array<std::byte> bytes{wire};
  const device_array<std::byte> more{2 * count};
  const auto copy = side_by_side(
      nullptr, 5,
      [&] {
        timing::require(
            cudaMemcpyAsync(more.data(), values.data(), 2 * count, cudaMemcpyDeviceToDevice),
            "cudaMemcpyAsync");
      },
      [] {});
  const auto took = side_by_side(
      nullptr, 5,
      [&] { rondo::codec::device::encode(Codec{}, values.data(), count, bytes.data(), nullptr); },
      [&] {
        rondo::codec::device::decode_add(Codec{}, bytes.data(), sums.data(), count, nullptr);
      });
  char what[64];
  std::snprintf(what, sizeof what, "encode bf16 to %s", name);
  print_row(what, 1, 2 * count, 2 * count + wire,
            copy_time(2 * count + wire, copy.first, 2 * count), took.first);
  std::snprintf(what, sizeof what, "decode %s, add to fp32", name);
  print_row(what, 1, wire, 8 * count + wire, copy_time(8 * count + wire, copy.first, 2 * count),
            took.second);
}

int run() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  cudaDeviceProp about{};
  timing::require(cudaGetDeviceProperties(&about, 0), "cudaGetDeviceProperties");
  std::printf("%s, %d multiprocessors, %d MiB of L2; ranks share the GPU\n", about.name,
              about.multiProcessorCount, about.l2CacheSize >> 20);
  std::puts("floor: a copy on the device that moves as many bytes, in the same run");

  heading("all_reduce from buffers to buffers: reads each input once, writes each output once");
  for (const int ranks : {2, 4, 8}) {
    against_copy<float>("float", ranks, 128 * mebi);
    against_copy<__nv_bfloat16>("bf16", ranks, 128 * mebi);
  }
  heading("all_reduce of float through a codec");
  for (const int ranks : {2, 4, 8}) {
    quantised(ranks, 128 * mebi);
  }
  heading("an epilogue in registers, against a kernel of its own: bytes and time spared");
  for (const int ranks : {2, 8}) {
    fused(ranks, 128 * mebi);
  }
  heading("codecs on device buffers");
  codecs<rondo::codec::int8<128>>("int8<128>");
  codecs<rondo::codec::fp8_e4m3<128>>("fp8_e4m3<128>");
  codecs<rondo::codec::int4<32>>("int4<32>");
  heading("small all_reduces: an empty cooperative launch (floor), and what a call adds (took)");
  for (const int ranks : {2, 8}) {
    for (std::size_t bytes = 8; bytes <= 16384; bytes *= bytes < 1024 ? 8 : 4) {
      latency<device::packets>(ranks, bytes);
      latency<device::line_packets>(ranks, bytes);
    }
    barriers(ranks);
  }
  return 0;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const std::exception& failure) {
    std::printf("FAILED: %s\n", failure.what());
    return 1;
  }
}
