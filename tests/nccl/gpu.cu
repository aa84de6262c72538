// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/codec/integer.hpp>
#include <rondo/cuda.cuh>
#include <rondo/nccl.hpp>
#include <rondo/rondo.hpp>
#include <rondo/transport/nccl/window.cuh>

#include "cuda/check.hpp"
#include "gpu_layers.cuh"

#include <cooperative_groups.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

// NCCL on a GPU: one rank, and two ranks of one GPU where NCCL can do that.
namespace {

using rondo::device_span;
using rondo::on;

void require(cudaError_t result) { rondo::cuda::require(result, "CUDA"); }

/// Values in memory of the device.
template <class T>
class array {
 public:
  explicit array(const std::vector<T>& values) : size_{values.size()} {
    require(cudaMalloc(&data_, (size_ + 1) * sizeof(T)));
    *this = values;
  }
  array(const array&) = delete;
  array& operator=(const array&) = delete;
  ~array() { cudaFree(data_); }

  void operator=(const std::vector<T>& values) {
    require(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  [[nodiscard]] device_span<T> span() const { return {data_, size_}; }
  [[nodiscard]] std::vector<T> on_host() const {
    require(cudaDeviceSynchronize());
    std::vector<T> values(size_);
    require(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

struct stream {
  cudaStream_t raw = nullptr;
  stream() { require(cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking)); }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() { cudaStreamDestroy(raw); }
};

struct box {
  float low;
  float high;
};
struct unite {
  __host__ __device__ box operator()(box a, box b) const {
    return {a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
  }
};

/// Whole numbers, whose sums are exact in any order; other ones for every call.
template <class T>
std::vector<T> values(int rank, std::size_t count, int call) {
  std::vector<T> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i] = static_cast<T>(static_cast<float>((i * 3 + static_cast<std::size_t>(rank) * 7 +
                                                 static_cast<std::size_t>(call) * 5) % 11));
  }
  return made;
}

template <class T, class... How>
void check_all_reduce(rondo::nccl::communicator& comm, cudaStream_t where, const How&... how) {
  int call = 0;
  for (const std::size_t count : {0u, 1u, 3u, 1000u, 1'000'003u}) {
    array<T> buffer{values<T>(comm.rank(), count, ++call)};
    rondo::all_reduce(comm, buffer.span(), how..., on{where});
    const auto got = buffer.on_host();
    bool right = true;
    for (std::size_t i = 0; i < count; ++i) {
      float sum = 0;
      for (int rank = 0; rank < comm.size(); ++rank) {
        sum += static_cast<float>((i * 3 + static_cast<std::size_t>(rank) * 7 +
                                   static_cast<std::size_t>(call) * 5) % 11);
      }
      right = right && static_cast<float>(got[i]) == sum;
    }
    INFO(count << " elements, " << comm.size() << " ranks");
    CHECK(right);
  }
}

/// All that is the same for any number of ranks.
void check_everything(rondo::nccl::communicator& comm) {
  const stream own;
  cudaStream_t const where = own.raw;
  check_all_reduce<float>(comm, where);
  check_all_reduce<double>(comm, where);
  check_all_reduce<int>(comm, where);
  check_all_reduce<rondo::half>(comm, where);
  check_all_reduce<rondo::bfloat16>(comm, where);
  check_all_reduce<__nv_bfloat16>(comm, where);
  check_all_reduce<short>(comm, where);
  check_all_reduce<float>(comm, where, rondo::ring{});
  check_all_reduce<float>(comm, where, rondo::two_shot{});
  check_all_reduce<rondo::bfloat16>(comm, where, rondo::one_shot{});
  check_all_reduce<float>(comm, where, rondo::op::reproducible_sum{});

  const auto n = static_cast<std::size_t>(comm.size());
  const float self = static_cast<float>(comm.rank());
  array<box> boxes{std::vector<box>(777, box{-self, self})};
  rondo::all_reduce(comm, boxes.span(), unite{}, on{where});
  CHECK(boxes.on_host()[776].low == -static_cast<float>(n - 1));

  array<float> scaled{std::vector<float>(64, self + 1)};
  rondo::all_reduce(comm, scaled.span(), rondo::nccl::scaled_sum<float>{0.5f}, on{where});
  CHECK(scaled.on_host()[63] == 0.25f * static_cast<float>(n * (n + 1)));

  array<float> mean{std::vector<float>(64, self)};
  rondo::all_reduce(comm, mean.span(), rondo::op::average{}, on{where});
  CHECK(mean.on_host()[0] == static_cast<float>(n - 1) / 2);

  array<int> one{std::vector<int>(5, comm.rank())};
  array<int> all{std::vector<int>(5 * n, -1)};
  rondo::all_gather(comm, one.span(), all.span(), on{where});
  CHECK(all.on_host().back() == comm.size() - 1);
  array<int> part{std::vector<int>(5, -1)};
  rondo::reduce_scatter(comm, all.span(), part.span(), on{where});
  CHECK(part.on_host()[4] == comm.rank() * comm.size());
  array<int> swapped{std::vector<int>(5 * n, -1)};
  rondo::all_to_all(comm, all.span(), swapped.span(), on{where});
  CHECK(swapped.on_host().back() == comm.rank());
  rondo::broadcast(comm, one.span(), rondo::root{comm.size() - 1}, on{where});
  CHECK(one.on_host()[0] == comm.size() - 1);
  rondo::gather(comm, part.span(), all.span(), on{where});
  rondo::scatter(comm, all.span(), part.span(), on{where});
  CHECK(part.on_host()[4] == comm.rank() * comm.size());
  rondo::reduce(comm, one.span(), part.span(), rondo::op::max{}, on{where});
  rondo::barrier(comm, on{where});
  comm.group([&] {
    rondo::send(comm, one.span(), rondo::to{(comm.rank() + 1) % comm.size()}, on{where});
    rondo::receive(comm, part.span(), rondo::from{(comm.rank() + comm.size() - 1) % comm.size()},
                   on{where});
  });
  CHECK(part.on_host()[4] == comm.size() - 1);
}

/// Codecs on the device give the bits of the host, where `all` are the ranks' inputs.
template <class Codec>
void check_codec(rondo::nccl::communicator& comm, const Codec& codec) {
  const stream own;
  for (const std::size_t count : {1u, 700u, 100'001u}) {
    std::vector<std::vector<float>> all;
    for (int rank = 0; rank < comm.size(); ++rank) {
      all.push_back(values<float>(rank, count, 3));
      for (auto& value : all.back()) {
        value = std::sin(value + static_cast<float>(rank));
      }
    }
    std::vector<std::vector<float>> expected(all.size());
    rondo::threads::run(comm.size(), [&](auto& peers) {
      auto mine = all[static_cast<std::size_t>(peers.rank())];
      rondo::all_reduce(peers, mine, rondo::two_shot{}, codec);
      expected[static_cast<std::size_t>(peers.rank())] = mine;
    });
    array<float> buffer{all[static_cast<std::size_t>(comm.rank())]};
    rondo::all_reduce(comm, buffer.span(), rondo::two_shot{}, codec, on{own.raw});
    INFO(count << " values");
    CHECK(buffer.on_host() == expected[static_cast<std::size_t>(comm.rank())]);
  }
}

/// A captured call that takes several steps, replayed with fresh data.
void check_graph(rondo::nccl::communicator& comm) {
  const stream own;
  constexpr std::size_t count = 10'000;
  array<float> buffer{values<float>(comm.rank(), count, 0)};
  const auto call = [&] {
    rondo::all_reduce(comm, buffer.span(), rondo::two_shot{}, on{own.raw});
    rondo::all_reduce(comm, buffer.span(), on{own.raw});
  };
  call();
  require(cudaStreamSynchronize(own.raw));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  require(cudaStreamBeginCapture(own.raw, cudaStreamCaptureModeThreadLocal));
  call();
  require(cudaStreamEndCapture(own.raw, &graph));
  require(cudaGraphInstantiate(&ready, graph, 0));
  for (int replay = 1; replay <= 200; ++replay) {
    buffer = std::vector<float>(count, static_cast<float>(replay % 17));
    require(cudaGraphLaunch(ready, own.raw));
    require(cudaStreamSynchronize(own.raw));
    const auto n = static_cast<float>(comm.size());
    const auto got = buffer.on_host();
    const float expected = n * n * static_cast<float>(replay % 17);
    if (!CHECK(got.front() == expected && got.back() == expected)) {
      break;
    }
  }
  require(cudaGraphExecDestroy(ready));
  require(cudaGraphDestroy(graph));
}

__global__ void __launch_bounds__(512, 1)
    sum_in_place(rondo::device::window window, float* values, std::size_t count) {
  rondo::device::all_reduce(cooperative_groups::this_thread_block(), window,
                            device_span<const float>{values, count},
                            device_span<float>{values, count}, rondo::op::sum{},
                            rondo::two_shot{});
}

/// A collective in a kernel, on NCCL's symmetric memory.
void check_window(rondo::nccl::communicator& comm) {
  constexpr std::size_t count = 100'003;
  const stream own;
  rondo::nccl::window window{comm, std::size_t{16} << 20,
                             {.slots = 32, .heap_bytes = count * sizeof(float)}};
  CHECK(window.size() == comm.size());
  auto* values = reinterpret_cast<float*>(window.heap());
  for (int call = 1; call <= 5; ++call) {
    const std::vector<float> mine(count, static_cast<float>(call + comm.rank()));
    require(cudaMemcpy(values, mine.data(), count * sizeof(float), cudaMemcpyHostToDevice));
    window.launch({.blocks = 32, .stream = own.raw}, sum_in_place, values, count);
    require(cudaStreamSynchronize(own.raw));
    window.check();
    std::vector<float> got(count);
    require(cudaMemcpy(got.data(), values, count * sizeof(float), cudaMemcpyDeviceToHost));
    const int sum = call * comm.size() + comm.size() * (comm.size() - 1) / 2;
    CHECK(got == std::vector<float>(count, static_cast<float>(sum)));
  }
  // The same by the host: where it lies, through a codec, and from memory that peers do not reach.
  const device_span<float> in_heap{values, count};
  const std::vector<float> ones(count, 1.0f);
  array<float> elsewhere{ones};
  require(cudaMemcpy(values, ones.data(), count * sizeof(float), cudaMemcpyHostToDevice));
  rondo::all_reduce(window, in_heap, rondo::two_shot{}, on{own.raw});
  rondo::all_reduce(window, in_heap, rondo::op::average{}, rondo::codec::cast<rondo::bfloat16>{},
                    on{own.raw});
  rondo::all_reduce(window, elsewhere.span(), on{own.raw});
  require(cudaStreamSynchronize(own.raw));
  window.check();
  std::vector<float> got(count);
  require(cudaMemcpy(got.data(), values, count * sizeof(float), cudaMemcpyDeviceToHost));
  CHECK(got == std::vector<float>(count, static_cast<float>(comm.size())));
  CHECK(elsewhere.on_host() == got);
}

/// Makes it, or skips where NCCL has no such memory.
template <class Body>
void on_windows(const Body& body) {
  try {
    body();
  } catch (const rondo::error& refused) {
    if (std::string{refused.what()}.find("no symmetric memory here") == std::string::npos) {
      throw;
    }
    SKIP(refused.what());
  }
}

rondo::nccl::communicator alone() {
  require(cudaSetDevice(0));
  return rondo::nccl::connect(rondo::nccl::id_or_failure::on(0).id, 0, 1);
}

/// Why two ranks cannot share this GPU; empty if they can.
std::string no_two_ranks() {
  if (rondo::nccl::library_version() < 23003) {
    return "NCCL " + rondo::nccl::version_text(rondo::nccl::library_version()) +
           " refuses two ranks on one GPU; 2.30.3 is the first that does not";
  }
  const char* enabled = std::getenv("NCCL_MULTI_RANK_GPU_ENABLE");
  const bool may = enabled != nullptr && std::string{enabled} == "1";
  return may ? "" : "NCCL_MULTI_RANK_GPU_ENABLE=1 is not set";
}

}  // namespace

TEST_CASE("nccl on a GPU: one rank gets its own values from every collective") {
  auto comm = alone();
  check_everything(comm);
}

TEST_CASE("nccl on a GPU: one rank, codecs have the bits of the host") {
  auto comm = alone();
  check_codec(comm, rondo::codec::int8<128>{});
  check_codec(comm, rondo::codec::int4<32>{});
}

TEST_CASE("nccl on a GPU: one rank, captured calls replay") {
  auto comm = alone();
  check_graph(comm);
}

TEST_CASE("nccl on a GPU: a kernel sums in NCCL's symmetric memory") {
  auto comm = alone();
  on_windows([&] { check_window(comm); });
}

TEST_CASE("nccl on a GPU: one rank, layers give the values of plain loops, captured or not") {
  auto comm = alone();
  gpu_layers::check(comm);
}

TEST_CASE("nccl on a GPU: splits, wraps and aborts") {
  auto comm = alone();
  auto part = comm.split(0);
  CHECK(part.size() == 1);
  rondo::nccl::communicator wrapped{part.raw()};
  check_all_reduce<float>(wrapped, nullptr);
  comm.abort();
  bool refused = false;
  try {
    rondo::barrier(comm);
  } catch (const rondo::revoked&) {
    refused = true;
  }
  CHECK(refused);
}

TEST_CASE("nccl on a GPU: two ranks share it") {
  if (const auto why = no_two_ranks(); !why.empty()) {
    SKIP(why);
  }
  // Processes: NCCL does not support threads of one process that share a GPU.
  std::vector<pid_t> children;
  for (const char* rank : {"0", "1"}) {
    ::setenv("RANK", rank, 1);
    ::setenv("WORLD_SIZE", "2", 1);
    ::setenv("LOCAL_WORLD_SIZE", "2", 1);
    ::setenv("TORCHELASTIC_RUN_ID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("NCCL_NVLS_ENABLE", "0", 1);
    char program[] = "/proc/self/exe";
    char filter[] = "one of two ranks";
    char* arguments[] = {program, filter, nullptr};
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, program, nullptr, nullptr, arguments, environ) == 0);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  ::unsetenv("RANK");
}

TEST_CASE("nccl on a GPU: one of two ranks") {
  const char* rank = std::getenv("RANK");
  if (rank == nullptr || !no_two_ranks().empty()) {
    SKIP("it is begun by the test of two ranks");
  }
  ::alarm(100);
  require(cudaSetDevice(0));
  auto comm = rondo::nccl::connect(rondo::nccl::environment::read());
  REQUIRE(comm.size() == 2);
  check_everything(comm);
  check_codec(comm, rondo::codec::int8<128>{});
  check_graph(comm);
  gpu_layers::check(comm);
  on_windows([&] { check_window(comm); });
}
