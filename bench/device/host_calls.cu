// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// What calls of the host's over a window pick an algorithm by, measured: the constants of
// rondo::cuda::window_costs, from ranks that share one GPU, and what a call costs the host. Between
// GPUs the rates are those of their links: run the same calls there.
#include "timing.cuh"

#include <rondo/cuda.cuh>

#include <cooperative_groups.h>

#include <chrono>

namespace {

namespace device = rondo::device;
using rondo::cuda::launch_shape;
using rondo::cuda::virtual_ranks;
using timing::device_array;

constexpr std::size_t mebi = std::size_t{1} << 20;

template <class Algorithm>
__global__ void __launch_bounds__(512, 1)
    one_call(device::window w, const float* in, float* out, std::size_t count, int calls) {
  const std::size_t at = static_cast<std::size_t>(w.rank()) * count;
  for (int call = 0; call < calls; ++call) {
    device::all_reduce(cooperative_groups::this_thread_block(), w,
                       rondo::device_span<const float>{in + at, count},
                       rondo::device_span<float>{out + at, count}, Algorithm{});
  }
}

/// Microseconds that one all-reduce adds to its launch.
template <class Algorithm>
double microseconds(virtual_ranks& together, cudaStream_t stream, const float* in, float* out,
                    std::size_t bytes, unsigned blocks) {
  constexpr int launches = 20;
  const launch_shape shape{.blocks = blocks, .threads = 512, .stream = stream};
  const auto launch = [&](int calls) {
    return [&together, shape, in, out, bytes, calls] {
      together.launch(shape, one_call<Algorithm>, in, out, bytes / sizeof(float), calls);
    };
  };
  const timing::replay none{stream, launches, launch(0)};
  const timing::replay one{stream, launches, launch(1)};
  const auto took = timing::side_by_side(stream, 3, none, one);
  return (took.second - took.first) / launches;
}

/// Fits the constants for this many ranks, and prints them beside those in use.
void constants(int ranks) {
  const rondo::cuda::window_costs now{};
  virtual_ranks together{ranks, 32 * mebi};
  const auto n = static_cast<std::size_t>(ranks);
  const std::size_t most = 32 * mebi;
  const device_array<float> in{n * most / sizeof(float)};
  const device_array<float> out{n * most / sizeof(float)};
  cudaStream_t stream = nullptr;
  timing::require(cudaStreamCreate(&stream), "cudaStreamCreate");
  const unsigned all = (std::min)(together.slot_count(), 132u / static_cast<unsigned>(ranks));
  const auto packets = [&](std::size_t bytes, unsigned blocks) {
    return microseconds<rondo::one_shot>(together, stream, in.data(), out.data(), bytes, blocks);
  };
  const auto two_shot = [&](std::size_t bytes, unsigned blocks) {
    return microseconds<rondo::two_shot>(together, stream, in.data(), out.data(), bytes, blocks);
  };
  // As window_costs counts them: bytes that a rank exchanges with its peers.
  const double exchanged = 2.0 * (ranks - 1) / ranks;
  const double packet_call = packets(8, 1);
  const double two_shot_call = two_shot(8, 1);
  const double block_rate =
      exchanged * static_cast<double>(mebi) / (two_shot(mebi, 1) - two_shot_call);
  const double rate = exchanged * static_cast<double>(most) / (two_shot(most, all) - two_shot_call);
  const double full = packets(2048 * all, all) - packet_call;
  const double overhead =
      full * rate / (static_cast<double>(ranks - 1) * 2048.0 * static_cast<double>(all));
  std::printf("\n%d ranks, up to %u blocks each: measured (in use)\n", ranks, all);
  std::printf("  .packet_call   = %.2fe-6 (%.2fe-6)\n", packet_call, now.packet_call * 1e6);
  std::printf("  .two_shot_call = %.2fe-6 (%.2fe-6)\n", two_shot_call, now.two_shot_call * 1e6);
  std::printf("  .block_rate    = %.1fe9 (%.1fe9)\n", block_rate * 1e-3, now.block_rate * 1e-9);
  std::printf("  .rate          = %.1fe9 (%.1fe9)\n", rate * 1e-3, now.rate * 1e-9);
  std::printf("  .flag_overhead = %.2f (%.2f)\n", overhead, now.flag_overhead);

  const rondo::cuda::window_costs measured{.packet_call = packet_call * 1e-6,
                                           .two_shot_call = two_shot_call * 1e-6,
                                           .block_rate = block_rate * 1e6,
                                           .rate = rate * 1e6,
                                           .flag_overhead = overhead};
  std::printf("  %12s %10s %10s %12s %12s  faster, picked, picked if measured\n", "bytes",
              "packets us", "two_shot", "forecast", "forecast");
  for (std::size_t bytes = 8; bytes <= 2048 * all; bytes *= 4) {
    const auto few = static_cast<unsigned>((bytes + 2047) / 2048);
    const unsigned many = now.blocks_for(bytes, all);
    const double a = packets(bytes, few);
    const double b = two_shot(bytes, many);
    const auto size = static_cast<double>(bytes);
    const auto pick = [&](const rondo::cuda::window_costs& by) {
      return by.packets(size, ranks, few) <= by.two_shot(size, ranks, many) ? "packets"
                                                                            : "two_shot";
    };
    std::printf("  %12zu %10.2f %10.2f %12.2f %12.2f  %s, %s, %s\n", bytes, a, b,
                measured.packets(size, ranks, few) * 1e6,
                measured.two_shot(size, ranks, many) * 1e6, a <= b ? "packets" : "two_shot",
                pick(now), pick(measured));
  }
  timing::require(cudaStreamSynchronize(stream), "a benchmark");
  together.check();
  static_cast<void>(cudaStreamDestroy(stream));
}

/// Microseconds of the host per call, beside a launch of a kernel that does nothing.
__global__ void nothing() {}
void host_time() {
  constexpr int calls = 1000;
  virtual_ranks alone{1, 8 * mebi};
  const device_array<float> values{1024};
  const rondo::device_span<float> span{values.data(), 1024};
  const auto each = [&](const auto& body) {
    body();
    timing::require(cudaDeviceSynchronize(), "a benchmark");
    const auto begin = std::chrono::steady_clock::now();
    for (int call = 0; call < calls; ++call) {
      body();
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    timing::require(cudaDeviceSynchronize(), "a benchmark");
    return took.count() / calls;
  };
  const double launch = each([] { nothing<<<1, 32>>>(); });
  const double call = each([&] { rondo::all_reduce(alone.rank(0), span, rondo::on{}); });
  std::printf("\nhost time: launch of an empty kernel %.2f us, all_reduce of 4 KiB %.2f us\n",
              launch, call);
}

void run() {
  for (const int ranks : {2, 4, 8}) {
    constants(ranks);
  }
  host_time();
}

}  // namespace

int main() { return timing::on_gpu(run); }
