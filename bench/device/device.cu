// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// Collectives of kernels over ranks that share one GPU: how near they come to the bytes that they
// must move, and what the protocol costs. Nothing here says anything about links between GPUs.
#include "timing.cuh"

#include <rondo/cuda.cuh>

#include <cooperative_groups.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

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
/// The same from a buffer that peers read where it lies.
template <bool Fused>
__global__ void __launch_bounds__(512, 1)
    from_buffer(device::window w, buffers<float> of, std::size_t count) {
  const std::size_t at = static_cast<std::size_t>(w.rank()) * of.stride;
  float* const out = of.out + at;
  device::all_reduce(cooperative_groups::this_thread_block(), w,
                     rondo::device_span<const float>{of.in + at, count}, rondo::two_shot{},
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
  std::printf("\n%s\n%-36s %5s %12s %12s %10s %10s %8s %6s\n", what, "", "ranks", "bytes/rank",
              "bytes moved", "floor us", "took us", "of floor", "target");
}
/// `target` is of the floor.
void print_row(const char* what, int ranks, std::size_t bytes, std::size_t moved, double floor,
               double took, double target) {
  std::printf("%-36s %5d %12zu %12zu %10.2f %10.2f %8.3f %6.2f%s\n", what, ranks, bytes, moved,
              floor, took, floor / took, target, floor / took < target ? "  below" : "");
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
    print_row(what, ranks, bytes, 2 * whole, took.first, took.second, 0.90);
  }
}

/// Time of a copy that moves as many bytes as `moved`.
double copy_time(std::size_t moved, double copied_us, std::size_t copied) {
  return copied_us * static_cast<double>(moved) / static_cast<double>(2 * copied);
}

/// Microseconds of a copy of `bytes` bytes, which reads and writes them, beside `body`.
template <class Body>
timing::pair beside_copy(void* to, const void* from, std::size_t bytes, const Body& body) {
  return side_by_side(
      nullptr, 5,
      [&] {
        timing::require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice),
                        "cudaMemcpyAsync");
      },
      body);
}

template <class T, class Codec, class Algorithm>
void quantised(const char* name, int ranks, std::size_t count) {
  const auto n = static_cast<std::size_t>(ranks);
  const std::size_t bytes = count * sizeof(T);
  const std::size_t wire = Codec::wire_bytes(count);
  const device_array<T> in{count * n};
  const device_array<T> out{count * n};
  virtual_ranks together{ranks, 64 * mebi};
  const buffers<T> of{in.data(), out.data(), count};
  const auto took = beside_copy(out.data(), in.data(), n * bytes, [&] {
    together.launch(all_reduce<T, Algorithm, Codec>, of, count, Algorithm{}, Codec{});
  });
  // The least that any two-shot moves: input and its wire, the wires, a rank's part of their sum,
  // the whole sum, output.
  const std::size_t moved = n * (2 * bytes + 3 * wire) + wire;
  print_row(name, ranks, bytes, moved, copy_time(moved, took.first, n * bytes), took.second, 0.85);
}

/// What an epilogue in registers spares, against a kernel of its own; `fused` and `plain` enqueue
/// the all-reduce with and without.
template <class Fused, class Plain>
void fused(const char* name, int ranks, std::size_t bytes, const buffers<float>& of,
           const Fused& fused, const Plain& plain) {
  const auto n = static_cast<std::size_t>(ranks);
  const std::size_t count = bytes / sizeof(float);
  float* const out = of.out;
  const auto copy = beside_copy(out, of.in, n * bytes, [] {});
  const auto took = side_by_side(nullptr, 5, fused, [&] {
    plain();
    gelu_all<<<528, 512>>>(out, count * n);
  });
  const std::size_t spared = 2 * n * bytes;
  const double predicted = copy_time(spared, copy.first, n * bytes);
  const double saved = took.second - took.first;
  std::printf("%-36s %5d %12zu %12zu %10.2f %10.2f %8.3f %6.2f%s\n", name, ranks, bytes, spared,
              predicted, saved, saved / predicted, 0.90, saved < 0.9 * predicted ? "  below" : "");
}

void epilogues(int ranks, std::size_t bytes) {
  const auto n = static_cast<std::size_t>(ranks);
  const std::size_t count = bytes / sizeof(float);
  const device_array<float> in{count * n};
  const device_array<float> out{count * n};
  virtual_ranks together{ranks, 64 * mebi};
  const buffers<float> of{in.data(), out.data(), count};
  fused(
      "prologue and epilogue", ranks, bytes, of,
      [&] { together.launch(with_epilogue<true>, of, count); },
      [&] { together.launch(with_epilogue<false>, of, count); });
  fused(
      "buffer to epilogue", ranks, bytes, of,
      [&] { together.launch(from_buffer<true>, of, count); },
      [&] { together.launch(from_buffer<false>, of, count); });
}

template <class Packets>
void latency(int ranks, std::size_t bytes) {
  const std::size_t count = bytes / sizeof(float);
  const device_array<float> in{count * static_cast<std::size_t>(ranks)};
  const device_array<float> out{count * static_cast<std::size_t>(ranks)};
  virtual_ranks together{ranks, 8 * mebi, {.slot_count = 8}};
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
  const double added = took.second / launches - each;
  std::printf("%-36s %5d %12zu %12s %10.2f %10.2f   in a loop of calls %.2f%s\n",
              std::is_same_v<Packets, device::packets> ? "packets: launch, call above it"
                                                       : "line_packets: launch, call above it",
              ranks, bytes, "", each, added, (inside.second - each) / (launches + 1),
              ranks == 8 && added > 4 ? "  above" : "");
  timing::require(cudaStreamSynchronize(stream), "a benchmark");
  together.check();
  static_cast<void>(cudaStreamDestroy(stream));
}

void barriers(int ranks) {
  virtual_ranks together{ranks, 8 * mebi, {.slot_count = 1}};
  const launch_shape shape{.blocks = 1, .threads = 512};
  const auto took = side_by_side(
      nullptr, 5, [&] { together.launch(shape, barrier_calls, 1); },
      [&] { together.launch(shape, barrier_calls, 1001); });
  std::printf("%-36s %5d %12s %12s %10s %10.2f\n", "barrier, in a loop of calls", ranks, "", "", "",
              (took.second - took.first) / 1000);
}

/// Encode, decode, and the fused step of a two-shot's owner, on device buffers.
template <class Codec>
void codecs(const char* name, double encode_target, double fused_target) {
  namespace on_device = rondo::codec::device;
  constexpr std::size_t count = 256 * mebi;
  constexpr int sources = 8;
  const std::size_t wire = Codec::wire_bytes(count);
  const device_array<__nv_bfloat16> values{count};
  const device_array<float> sums{count};
  const device_array<std::byte> bytes{wire};
  const device_array<std::byte> more{2 * count};
  char what[64];
  const auto row = [&](const char* verb, std::size_t moved, double target, const auto& body) {
    const auto took = beside_copy(more.data(), values.data(), 2 * count, body);
    std::snprintf(what, sizeof what, verb, name);
    print_row(what, 1, wire, moved, copy_time(moved, took.first, 2 * count), took.second, target);
  };
  row("encode bf16 to %s", 2 * count + wire, encode_target,
      [&] { on_device::encode(Codec{}, values.data(), count, bytes.data(), nullptr); });
  row("decode %s to bf16", 2 * count + wire, 0.92,
      [&] { on_device::decode(Codec{}, bytes.data(), values.data(), count, nullptr); });
  row("decode %s, add to fp32", 8 * count + wire, 0.92,
      [&] { on_device::decode_add(Codec{}, bytes.data(), sums.data(), count, nullptr); });
  // Eight wires of an eighth of the elements each: together as long as the one above.
  constexpr std::size_t part = count / sources;
  on_device::wire_set wires{};
  wires.size = sources;
  for (int k = 0; k < sources; ++k) {
    wires.at[k] = bytes.data() + static_cast<std::size_t>(k) * Codec::wire_bytes(part);
  }
  row("decode, sum and encode 8 of %s", 9 * Codec::wire_bytes(part), fused_target,
      [&] { on_device::encode_sum(Codec{}, wires, part, more.data(), nullptr, {}, 1.0f); });
}

/// Bfloat16 is to cost what half costs.
void types_alike() {
  using codec = rondo::codec::int8<128>;
  constexpr std::size_t count = 256 * mebi;
  const device_array<__nv_bfloat16> brain{count};
  const device_array<__half> half{count};
  const device_array<std::byte> bytes{codec::wire_bytes(count)};
  const auto took = side_by_side(
      nullptr, 5,
      [&] { rondo::codec::device::encode(codec{}, half.data(), count, bytes.data(), nullptr); },
      [&] { rondo::codec::device::encode(codec{}, brain.data(), count, bytes.data(), nullptr); });
  const double ratio = took.second / took.first;
  std::printf("%-36s fp16 %.2f us, bf16 %.2f us: %.3f of fp16, target 1.03%s\n",
              "encode to int8<128>", took.first, took.second, ratio, ratio > 1.03 ? "  above" : "");
}

void run() {
  std::puts("floor: a copy on the device that moves as many bytes, in the same run");

  heading("all_reduce from buffers to buffers: reads each input once, writes each output once");
  for (const int ranks : {2, 4, 8}) {
    against_copy<float>("float", ranks, 128 * mebi);
    against_copy<__nv_bfloat16>("bf16", ranks, 128 * mebi);
  }
  heading("all_reduce through a codec: encoded, exchanged, summed and encoded, decoded");
  for (const int ranks : {2, 4, 8}) {
    using int8 = rondo::codec::int8<128>;
    using int4 = rondo::codec::int4<32>;
    quantised<float, int8, rondo::two_shot>("float by int8<128>", ranks, 32 * mebi);
    quantised<float, int8, device::two_shot_pull>("float by int8<128>, pull", ranks, 32 * mebi);
    quantised<__nv_bfloat16, int8, rondo::two_shot>("bf16 by int8<128>", ranks, 64 * mebi);
    quantised<__nv_bfloat16, int4, rondo::two_shot>("bf16 by int4<32>", ranks, 64 * mebi);
  }
  heading("an epilogue in registers, against a kernel of its own: bytes and time spared");
  for (const int ranks : {2, 8}) {
    epilogues(ranks, 128 * mebi);
  }
  heading("codecs on device buffers");
  codecs<rondo::codec::int8<128>>("int8<128>", 0.92, 0.88);
  codecs<rondo::codec::fp8_e4m3<128>>("fp8_e4m3<128>", 0.92, 0.88);
  codecs<rondo::codec::int4<32>>("int4<32>", 0.88, 0.75);
  types_alike();
  heading(
      "small all_reduces: an empty cooperative launch (floor), and what a call adds (took); target "
      "4 us for 8 ranks");
  for (const int ranks : {2, 8}) {
    for (std::size_t bytes = 8; bytes <= 16384; bytes *= bytes < 1024 ? 8 : 4) {
      latency<device::packets>(ranks, bytes);
      latency<device::line_packets>(ranks, bytes);
    }
    barriers(ranks);
  }
}

}  // namespace

int main() { return timing::on_gpu(run); }
