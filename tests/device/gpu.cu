// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// One test runs the same templates on threads, too, with groups that no kernel could use.
#pragma nv_diag_suppress 20011, 20013, 20014, 20015
#include "kernels.cuh"

#include "host_ranks.hpp"

#include "cuda/check.hpp"

#include <cuda_bf16.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

// Ranks that share one GPU. Inputs are small integers, so that sums are exact in any order, and
// different in every call, or a race would show nothing.
namespace {

using namespace rondo;
using kernels::buffers;

/// Memory that host and device see.
template <class T>
class shared_array {
 public:
  explicit shared_array(std::size_t count) : size_{count} {
    rondo::cuda::require(cudaMallocManaged(&data_, (count + 1) * sizeof(T)), "cudaMallocManaged");
  }
  shared_array(const shared_array&) = delete;
  shared_array& operator=(const shared_array&) = delete;
  ~shared_array() { static_cast<void>(cudaFree(data_)); }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

void finish() { rondo::cuda::require(cudaDeviceSynchronize(), "a kernel"); }

/// One input and one output per rank.
template <class T>
class rank_buffers {
 public:
  rank_buffers(int ranks, std::size_t in, std::size_t out)
      : ins_(static_cast<std::size_t>(ranks)), outs_(static_cast<std::size_t>(ranks)) {
    for (std::size_t rank = 0; rank < ins_.size(); ++rank) {
      inputs_.push_back(std::make_unique<shared_array<T>>(in));
      outputs_.push_back(std::make_unique<shared_array<T>>(out));
      ins_[rank] = inputs_[rank]->data();
      outs_[rank] = outputs_[rank]->data();
    }
  }
  /// Element i of rank r in a call.
  [[nodiscard]] static float value(std::size_t rank, std::size_t i, unsigned call) {
    return static_cast<float>((i * 7 + rank * 3 + call * 5) % 13);
  }
  void fill(unsigned call) {
    for (std::size_t rank = 0; rank < inputs_.size(); ++rank) {
      for (std::size_t i = 0; i < inputs_[rank]->size(); ++i) {
        (*inputs_[rank])[i] = static_cast<T>(value(rank, i, call));
      }
      for (std::size_t i = 0; i < outputs_[rank]->size(); ++i) {
        (*outputs_[rank])[i] = static_cast<T>(-1.0f);
      }
    }
  }
  [[nodiscard]] buffers<T> get() const { return {ins_.data(), outs_.data()}; }
  [[nodiscard]] float out(std::size_t rank, std::size_t i) const {
    return static_cast<float>((*outputs_[rank])[i]);
  }
  [[nodiscard]] std::size_t ranks() const { return inputs_.size(); }

  /// Places where `expected(rank, i)` is not what came out.
  template <class Expected>
  [[nodiscard]] std::size_t wrong(const Expected& expected) const {
    std::size_t found = 0;
    for (std::size_t rank = 0; rank < ranks(); ++rank) {
      for (std::size_t i = 0; i < outputs_[rank]->size(); ++i) {
        found += out(rank, i) == expected(rank, i) ? 0 : 1;
      }
    }
    return found;
  }

 private:
  std::vector<std::unique_ptr<shared_array<T>>> inputs_;
  std::vector<std::unique_ptr<shared_array<T>>> outputs_;
  shared_array<const T*> ins_;
  shared_array<T*> outs_;
};

float sum_of(std::size_t ranks, std::size_t i, unsigned call) {
  float sum = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    sum += rank_buffers<float>::value(rank, i, call);
  }
  return sum;
}

constexpr std::size_t window_bytes = 16 << 20;
const int rank_counts[] = {1, 2, 3, 4, 8};
const std::size_t sizes[] = {0, 1, 2, 33, 1000, 4097, 100'003};

template <class T, class Kernel, class... Given>
void check_all_reduce(Kernel kernel, float scale, float added, const Given&... given) {
  for (const int ranks : rank_counts) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, {.slots = 8}};
    unsigned call = 0;
    for (const std::size_t count : sizes) {
      rank_buffers<T> memory{ranks, count, count};
      for (const unsigned blocks : {1u, 8u, 3u}) {  // grids that change from call to call
        memory.fill(++call);
        finish();
        together.launch({.blocks = blocks}, kernel, memory.get(), count, given...);
        finish();
        together.check();
        INFO(ranks << " ranks, " << count << " elements, " << blocks << " blocks");
        REQUIRE(memory.wrong([&](std::size_t, std::size_t i) {
          return scale * (sum_of(memory.ranks(), i, call) + added * static_cast<float>(ranks));
        }) == 0);
      }
    }
  }
}

}  // namespace

TEST_CASE("gpu all_reduce: from buffer to buffer, by two_shot, packets and ring") {
  check_all_reduce<float>(kernels::all_reduce<float, two_shot>, 1, 0, two_shot{});
  check_all_reduce<__nv_bfloat16>(kernels::all_reduce<__nv_bfloat16, two_shot>, 1, 0, two_shot{});
  check_all_reduce<double>(kernels::all_reduce<double>, 1, 0);
  check_all_reduce<double>(kernels::all_reduce<double, ring>, 1, 0, ring{});
}

TEST_CASE("gpu all_reduce: with a prologue and an epilogue") {
  check_all_reduce<float>(kernels::fused_all_reduce<float>, 2, 1);
  check_all_reduce<float>(kernels::fused_all_reduce<float, two_shot>, 2, 1, two_shot{});
  check_all_reduce<float>(kernels::fused_all_reduce<float, device::two_shot_pull>, 2, 1,
                          device::two_shot_pull{});
  check_all_reduce<bfloat16>(kernels::fused_all_reduce<bfloat16, one_shot>, 2, 1, one_shot{});
}

TEST_CASE("gpu all_reduce: from a buffer to an epilogue") {
  check_all_reduce<float>(kernels::all_reduce_to_epilogue<float>, 2, 0);
  check_all_reduce<float>(kernels::all_reduce_to_epilogue<float, two_shot>, 2, 0, two_shot{});
  check_all_reduce<__nv_bfloat16>(kernels::all_reduce_to_epilogue<__nv_bfloat16, two_shot>, 2, 0,
                                  two_shot{});
}

TEST_CASE("gpu all_reduce: packets of whole lines beside packets of words") {
  for (const int ranks : rank_counts) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, {.slots = 2}};
    unsigned call = 0;
    for (const std::size_t count : {1u, 29u, 31u, 960u, 1100u}) {
      rank_buffers<float> memory{ranks, count, count};
      for (int again = 0; again < 20; ++again) {
        const auto check = [&](auto kernel, auto algorithm) {
          memory.fill(++call);
          finish();
          together.launch({.blocks = 2, .threads = 256}, kernel, memory.get(), count, algorithm);
          finish();
          together.check();
          INFO(ranks << " ranks, " << count << " elements");
          REQUIRE(memory.wrong([&](std::size_t, std::size_t i) {
            return sum_of(memory.ranks(), i, call);
          }) == 0);
        };
        check(kernels::all_reduce<float, device::line_packets>, device::line_packets{});
        check(kernels::all_reduce<float, one_shot>, one_shot{});
      }
    }
  }
}

TEST_CASE("gpu: the other collectives") {
  for (const int ranks : rank_counts) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, {.slots = 4}};
    const auto n = static_cast<std::size_t>(ranks);
    unsigned call = 0;
    for (const std::size_t count : sizes) {
      INFO(ranks << " ranks, " << count << " elements");
      const auto value = [&](std::size_t rank, std::size_t i) {
        return rank_buffers<float>::value(rank, i, call);
      };
      const auto run = [&](auto kernel, std::size_t in, std::size_t out, const auto& expected,
                           auto... given) {
        rank_buffers<float> memory{ranks, in, out};
        memory.fill(++call);
        finish();
        together.launch({.blocks = 1 + call % 4}, kernel, memory.get(), count, given...);
        finish();
        together.check();
        REQUIRE(memory.wrong(expected) == 0);
      };
      run(kernels::reduce_scatter<float>, n * count, count,
          [&](std::size_t rank, std::size_t i) { return sum_of(n, rank * count + i, call); });
      run(kernels::all_gather<float>, count, n * count,
          [&](std::size_t, std::size_t i) { return value(i / count, i % count); });
      run(kernels::all_to_all<float>, n * count, n * count, [&](std::size_t rank, std::size_t i) {
        return value(i / count, rank * count + i % count);
      });
      run(
          kernels::broadcast<float>, count, count,
          [&](std::size_t, std::size_t i) { return value(n - 1, i); }, ranks - 1);
      if (ranks > 1) {
        run(kernels::shift<float>, count, count,
            [&](std::size_t rank, std::size_t i) { return value((rank + n - 1) % n, i); });
      }
    }
  }
}

TEST_CASE("gpu: a codec gives the bits that threads of a CPU give") {
  constexpr std::size_t count = 50'001;
  constexpr int ranks = 3;
  constexpr unsigned slots = 2;
  rank_buffers<float> memory{ranks, count, count};
  memory.fill(3);
  std::mt19937 random{5};
  std::normal_distribution<float> normal;
  for (int rank = 0; rank < ranks; ++rank) {
    for (std::size_t i = 0; i < count; ++i) {
      const_cast<float*>(memory.get().in[rank])[i] = normal(random);
    }
  }
  rondo::cuda::virtual_ranks together{ranks, 1 << 20, {.slots = slots}};
  together.launch({.blocks = slots, .threads = 256},
                  kernels::all_reduce<float, two_shot, codec::int8<128>>, memory.get(), count,
                  two_shot{}, codec::int8<128>{});
  finish();
  together.check();

  std::vector<std::vector<float>> expected(ranks, std::vector<float>(count));
  host_ranks::machine threads{rondo::cuda::shape_for(ranks, 1 << 20, {.slots = slots})};
  threads.launch(slots, 1, [&](host_ranks::block group, const device::window& window) {
    const auto rank = static_cast<std::size_t>(window.rank());
    const float* const in = memory.get().in[rank];
    float* const out = expected[rank].data();
    device::all_reduce(
        group, window, count, two_shot{}, codec::int8<128>{}, [in](std::size_t i) { return in[i]; },
        [out](std::size_t i, float value) { out[i] = value; });
  });
  threads.check();
  REQUIRE(memory.wrong([&](std::size_t rank, std::size_t i) { return expected[rank][i]; }) == 0);
}

namespace {

/// Fresh inputs for every replay, made on the device.
__global__ void refill(float* const* in, std::size_t count, unsigned* call) {
  const std::size_t rank = blockIdx.y;
  for (std::size_t i = threadIdx.x; i < count; i += blockDim.x) {
    in[rank][i] = static_cast<float>((i * 7 + rank * 3 + *call * 5) % 13);
  }
}
__global__ void compare(const float* const* out, std::size_t count, unsigned* call,
                        unsigned long long* wrong) {
  for (std::size_t i = threadIdx.x; i < count; i += blockDim.x) {
    float sum = 0;
    for (unsigned rank = 0; rank < gridDim.y; ++rank) {
      sum += static_cast<float>((i * 7 + rank * 3 + *call * 5) % 13);
    }
    if (out[blockIdx.y][i] != sum) {
      atomicAdd(wrong, 1ull);
    }
  }
}
__global__ void next(unsigned* call) { ++*call; }

}  // namespace

TEST_CASE("gpu: ten thousand replays of a graph, with fresh data, across 2^31 and 2^32 steps") {
  constexpr int ranks = 4;
  for (const std::size_t count : {std::size_t{64}, std::size_t{20'000}}) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, {.slots = 8}};
    together.set_epoch((std::uint64_t{1} << (count == 64 ? 31 : 32)) - 5'000);
    rank_buffers<float> memory{ranks, count, count};
    shared_array<unsigned> call{1};
    shared_array<unsigned long long> wrong{1};
    memory.fill(1);
    call[0] = 0;
    wrong[0] = 0;
    cudaStream_t stream = nullptr;
    rondo::cuda::require(cudaStreamCreate(&stream), "cudaStreamCreate");
    rondo::cuda::require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "capture");
    refill<<<dim3{1, ranks}, 256, 0, stream>>>(const_cast<float* const*>(memory.get().in), count,
                                               call.data());
    together.launch({.blocks = 3, .stream = stream}, kernels::all_reduce<float>, memory.get(),
                    count);
    compare<<<dim3{1, ranks}, 256, 0, stream>>>(memory.get().out, count, call.data(), wrong.data());
    together.launch({.blocks = 8, .stream = stream}, kernels::all_reduce<float, two_shot>,
                    memory.get(), count, two_shot{});
    compare<<<dim3{1, ranks}, 256, 0, stream>>>(memory.get().out, count, call.data(), wrong.data());
    next<<<1, 1, 0, stream>>>(call.data());
    cudaGraph_t graph = nullptr;
    rondo::cuda::require(cudaStreamEndCapture(stream, &graph), "capture");
    cudaGraphExec_t program = nullptr;
    rondo::cuda::require(cudaGraphInstantiate(&program, graph, 0), "cudaGraphInstantiate");
    for (int replay = 0; replay < 10'000; ++replay) {
      rondo::cuda::require(cudaGraphLaunch(program, stream), "cudaGraphLaunch");
    }
    rondo::cuda::require(cudaStreamSynchronize(stream), "replays");
    together.check();
    INFO(count << " elements");
    REQUIRE(call[0] == 10'000);
    REQUIRE(wrong[0] == 0);
    static_cast<void>(cudaGraphExecDestroy(program));
    static_cast<void>(cudaGraphDestroy(graph));
    static_cast<void>(cudaStreamDestroy(stream));
  }
}

TEST_CASE("gpu: two streams at once, on two channels of one window") {
  constexpr int ranks = 2;
  constexpr std::size_t count = 30'000;
  rondo::cuda::virtual_ranks together{ranks, window_bytes, {.slots = 4, .channels = 2}};
  rank_buffers<float> first{ranks, count, count};
  rank_buffers<float> second{ranks, count, count};
  cudaStream_t streams[2];
  for (auto& stream : streams) {
    rondo::cuda::require(cudaStreamCreate(&stream), "cudaStreamCreate");
  }
  for (unsigned call = 1; call < 50; ++call) {
    first.fill(call);
    second.fill(call + 1);
    finish();
    for (int again = 0; again < 20; ++again) {
      together.launch({.blocks = 4, .stream = streams[0]}, kernels::all_reduce<float, two_shot>,
                      first.get(), count, two_shot{});
      together.launch({.blocks = 3, .stream = streams[1], .channel = 1},
                      kernels::fused_all_reduce<float>, second.get(), count);
    }
    finish();
    together.check();
    REQUIRE(first.wrong([&](std::size_t, std::size_t i) { return sum_of(ranks, i, call); }) == 0);
    REQUIRE(second.wrong([&](std::size_t, std::size_t i) {
      return 2 * (sum_of(ranks, i, call + 1) + ranks);
    }) == 0);
  }
  for (auto& stream : streams) {
    static_cast<void>(cudaStreamDestroy(stream));
  }
}

TEST_CASE("gpu: a launch per rank, each on a stream of its own") {
  constexpr int ranks = 4;
  constexpr std::size_t count = 10'000;
  rondo::cuda::virtual_ranks together{ranks, window_bytes, {.slots = 2}};
  rank_buffers<float> memory{ranks, count, count};
  cudaStream_t streams[ranks];
  for (auto& stream : streams) {
    rondo::cuda::require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking),
                         "cudaStreamCreate");
  }
  // Loads the kernel, which could wait for the device while a rank spins.
  together.launch({.blocks = 1}, kernels::all_reduce<float, two_shot>, memory.get(), 0, two_shot{});
  finish();
  for (unsigned call = 1; call < 30; ++call) {
    memory.fill(call);
    finish();
    for (int rank = 0; rank < ranks; ++rank) {
      kernels::all_reduce<float, two_shot>
          <<<2, 256, 0, streams[rank]>>>(together.window(0, rank), memory.get(), count, two_shot{});
    }
    finish();
    together.check();
    REQUIRE(memory.wrong([&](std::size_t, std::size_t i) { return sum_of(ranks, i, call); }) == 0);
  }
  for (auto& stream : streams) {
    static_cast<void>(cudaStreamDestroy(stream));
  }
}

TEST_CASE("gpu: calls of the host over a window, each rank on a stream of its own") {
  for (const int ranks : {1, 2, 4}) {
    rondo::cuda::virtual_ranks together{ranks, window_bytes, {.slots = 16}};
    const auto n = static_cast<std::size_t>(ranks);
    std::vector<cudaStream_t> streams(n);
    for (auto& stream : streams) {
      rondo::cuda::require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking),
                           "cudaStreamCreate");
    }
    unsigned call = 0;
    const auto run = [&](std::size_t in, std::size_t out, const auto& expected, const auto& make) {
      rank_buffers<float> memory{ranks, in, out};
      for (int again = 0; again < 3; ++again) {
        memory.fill(++call);
        finish();
        for (std::size_t rank = 0; rank < n; ++rank) {
          make(together.rank(static_cast<int>(rank)), on{streams[rank]},
               device_span<const float>{memory.get().in[rank], in},
               device_span<float>{memory.get().out[rank], out});
        }
        finish();
        together.check();
        INFO(ranks << " ranks, " << in << " elements");
        REQUIRE(memory.wrong(expected) == 0);
      }
    };
    const auto sum = [&](std::size_t, std::size_t i) { return sum_of(n, i, call); };
    const auto value = [&](std::size_t rank, std::size_t i) {
      return rank_buffers<float>::value(rank, i, call);
    };
    for (const std::size_t count : sizes) {
      run(count, count, sum, [](auto& comm, on stream, auto in, auto out) {
        all_reduce(comm, in, out, stream);
      });
      run(count, count, sum, [](auto& comm, on stream, auto in, auto out) {
        all_reduce(comm, in, out, stream, two_shot{}, codec::cast<bfloat16>{});
      });
      run(count, count, sum, [](auto& comm, on stream, auto in, auto out) {
        all_reduce(comm, in, out, stream, ring{}, op::sum{});
      });
      run(n * count, count,
          [&](std::size_t rank, std::size_t i) { return sum_of(n, rank * count + i, call); },
          [](auto& comm, on stream, auto in, auto out) { reduce_scatter(comm, in, out, stream); });
      run(count, n * count,
          [&](std::size_t, std::size_t i) { return value(i / count, i % count); },
          [](auto& comm, on stream, auto in, auto out) { all_gather(comm, in, out, stream); });
      run(n * count, n * count,
          [&](std::size_t rank, std::size_t i) {
            return value(i / count, rank * count + i % count);
          },
          [](auto& comm, on stream, auto in, auto out) {
            all_to_all(comm, in, out, stream);
            barrier(comm, stream);
          });
    }
    for (auto& stream : streams) {
      static_cast<void>(cudaStreamDestroy(stream));
    }
  }
}

TEST_CASE("gpu: calls of the host replay from a graph, and take a channel for each stream") {
  constexpr std::size_t count = 20'000;
  rondo::cuda::virtual_ranks alone{1, window_bytes, {.slots = 16, .channels = 2}};
  rank_buffers<float> memory{1, count, count};
  cudaStream_t streams[2];
  for (auto& stream : streams) {
    rondo::cuda::require(cudaStreamCreate(&stream), "cudaStreamCreate");
  }
  const device_span<const float> in{memory.get().in[0], count};
  const device_span<float> out{memory.get().out[0], count};
  const auto call = [&](cudaStream_t stream) {
    all_reduce(alone.rank(0), in, out, codec::cast<bfloat16>{}, on{stream});
    all_reduce(alone.rank(0), out, on{stream});
  };
  call(streams[0]);
  call(streams[1]);
  finish();
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t program = nullptr;
  rondo::cuda::require(cudaStreamBeginCapture(streams[0], cudaStreamCaptureModeThreadLocal),
                       "capture");
  call(streams[0]);
  rondo::cuda::require(cudaStreamEndCapture(streams[0], &graph), "capture");
  rondo::cuda::require(cudaGraphInstantiate(&program, graph, 0), "cudaGraphInstantiate");
  for (unsigned replay = 1; replay <= 200; ++replay) {
    memory.fill(replay);
    finish();
    rondo::cuda::require(cudaGraphLaunch(program, streams[0]), "cudaGraphLaunch");
    finish();
    alone.check();
    REQUIRE(memory.wrong([&](std::size_t, std::size_t i) { return sum_of(1, i, replay); }) == 0);
  }
  static_cast<void>(cudaGraphExecDestroy(program));
  static_cast<void>(cudaGraphDestroy(graph));
  bool refused = false;
  try {
    call(nullptr);
  } catch (const error&) {
    refused = true;  // a third stream
  }
  CHECK(refused);
  for (auto& stream : streams) {
    static_cast<void>(cudaStreamDestroy(stream));
  }
}

namespace {

/// Calls of all kinds, with threads held up at random before, in and behind them.
__global__ void __launch_bounds__(256, 1)
    stalled(device::window w, int rounds, unsigned seed, unsigned long long* wrong) {
  const auto block = cooperative_groups::this_thread_block();
  unsigned noise = seed + 977u * blockIdx.x + 7919u * blockIdx.y + threadIdx.x / 32;
  const auto stall = [&] {
    noise = noise * 1664525u + 1013904223u;
    if (noise >> 29 == 0) {
      __nanosleep(noise >> 16 & 4095u);
    }
  };
  for (int round = 0; round < rounds; ++round) {
    const auto value = [&](std::size_t i) {
      stall();
      return static_cast<float>(w.rank() + round % 64) + static_cast<float>(i % 64);
    };
    const auto expect = [&](std::size_t i, float got) {
      stall();
      const int n = w.size();
      const float sum = static_cast<float>(n * (n - 1) / 2 + n * (round % 64)) +
                        static_cast<float>(n) * static_cast<float>(i % 64);
      if (got != sum) {
        atomicAdd(wrong, 1ull);
      }
    };
    device::all_reduce(block, w, 777, rondo::one_shot{}, value, expect);
    device::all_reduce(block, w, 9000, rondo::two_shot{}, value, expect);
    device::all_reduce(block, w, 5000, device::two_shot_pull{}, value, expect);
    const rondo::part mine = device::share_of<float>(w, 9000);
    for (std::size_t i = block.thread_rank(); i < mine.count; i += block.size()) {
      w.heap<float>()[mine.first + i] = value(mine.first + i);
    }
    device::all_reduce(block, w, rondo::device_span<const float>{w.heap<float>(), 9000},
                       rondo::two_shot{}, expect);
    device::barrier(block, w);
    device::all_reduce(block, w, 3000, rondo::ring{}, value, expect);
    device::all_reduce(block, w, 1, device::packets{}, value, expect);
  }
}

/// Rank `missing` does not come.
__global__ void incomplete(device::window w, int missing, unsigned* complete) {
  if (w.rank() != missing && device::all_reduce(
                                 cooperative_groups::this_thread_block(), w, 100,
                                 [](std::size_t) { return 1.0f; }, [](std::size_t, float) {})) {
    atomicAdd(complete, 1u);
  }
}

}  // namespace

TEST_CASE("gpu: random stalls at every edge of every protocol") {
  for (const int ranks : {2, 5, 8}) {
    rondo::cuda::virtual_ranks together{
        ranks, 1 << 20, {.slots = 4, .heap_bytes = 9000 * sizeof(float)}};
    shared_array<unsigned long long> wrong{1};
    wrong[0] = 0;
    for (unsigned seed = 1; seed <= 5; ++seed) {
      together.launch({.blocks = 1 + seed % 4, .threads = 256}, stalled, 100, seed, wrong.data());
      finish();
      together.check();
    }
    REQUIRE(wrong[0] == 0);
  }
}

TEST_CASE("gpu: a rank that does not come is named on the host") {
  rondo::cuda::virtual_ranks together{
      3, 1 << 20, {.slots = 2, .patience = std::chrono::milliseconds{50}}};
  shared_array<unsigned> complete{1};
  complete[0] = 0;
  together.launch({.blocks = 2, .threads = 64}, incomplete, 1, complete.data());
  finish();
  REQUIRE(complete[0] == 0);
  try {
    together.check();
    REQUIRE(!"an error was expected");
  } catch (const timeout& failure) {
    CHECK(failure.rank() == 1);
    CHECK(std::strstr(failure.what(), "for rank 1") != nullptr);
  }
}

TEST_CASE("gpu: a launch that does not fit says the numbers") {
  rondo::cuda::virtual_ranks together{8, 64 << 20, {.slots = 512}};
  rank_buffers<float> memory{8, 1, 1};
  try {
    together.launch({.blocks = 512}, kernels::all_reduce<float, two_shot>, memory.get(),
                    std::size_t{1}, two_shot{});
    REQUIRE(!"an error was expected");
  } catch (const error& refused) {
    CHECK(std::strstr(refused.what(), "8 ranks x 512 blocks") != nullptr);
  }
}
