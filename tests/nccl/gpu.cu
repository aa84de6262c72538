// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/codec/cast.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/cuda.cuh>
#include <rondo/nccl.cuh>
#include <rondo/rondo.hpp>

#include "alike.hpp"

#include "cuda/check.hpp"
#include "gpu_layers.cuh"
#include "gpu_sequence.cuh"
#include "on_one_gpu.hpp"

#include <cooperative_groups.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// NCCL on a GPU: one rank, and two ranks of one GPU where NCCL can do that.
namespace {

using namespace alike;

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

// begin: window
__global__ void __launch_bounds__(512, 1)
    sum_in_place(rondo::device::window window, float* values, std::size_t count) {
  rondo::device::all_reduce(cooperative_groups::this_thread_block(), window,
                            device_span<const float>{values, count},
                            device_span<float>{values, count}, rondo::op::sum{}, rondo::two_shot{});
}
// end: window

/// A collective in a kernel, on NCCL's symmetric memory.
void check_window(rondo::nccl::communicator& comm) {
  constexpr std::size_t count = 100'003;
  const stream own;
  // begin: window
  // Collective; bytes of staging, and of a heap that peers reach.
  rondo::nccl::window window{
      comm, std::size_t{16} << 20, {.slot_count = 32, .heap_bytes = count * sizeof(float)}};
  // end: window
  CHECK(window.size() == comm.size());
  auto* values = reinterpret_cast<float*>(window.heap());
  for (int call = 1; call <= 5; ++call) {
    const std::vector<float> mine(count, static_cast<float>(call + comm.rank()));
    copy(values, mine);
    // begin: window
    window.launch({.blocks = 32, .stream = own.raw}, sum_in_place, values, count);
    // end: window
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
  copy(values, ones);
  rondo::all_reduce(window, in_heap, rondo::two_shot{}, on{own.raw});
  // begin: window
  rondo::all_reduce(window, in_heap, rondo::op::average{}, rondo::codec::cast<rondo::bfloat16>{},
                    on{own.raw});  // by the host: one kernel
  // end: window
  rondo::all_reduce(window, elsewhere.span(), on{own.raw});
  require(cudaStreamSynchronize(own.raw));
  window.check();
  std::vector<float> got(count);
  require(cudaMemcpy(got.data(), values, count * sizeof(float), cudaMemcpyDeviceToHost));
  CHECK(got == std::vector<float>(count, static_cast<float>(comm.size())));
  CHECK(elsewhere.on_host() == got);
}

rondo::nccl::communicator alone() {
  require(cudaSetDevice(0));
  return rondo::nccl::connect(rondo::nccl::id_or_failure::on(0).id, 0, 1);
}

}  // namespace

TEST_CASE("nccl on a GPU: one rank gets its own values from every collective") {
  auto comm = alone();
  check_everything(comm);
  check_all_reduce<__nv_bfloat16>(comm, nullptr);
  check_numbers(comm);
  check_counts(comm);
  check_split(comm);
}

TEST_CASE("nccl on a GPU: one rank, codecs have the bits of the host") {
  auto comm = alone();
  check_codec(comm, rondo::codec::int8<128>{});
  check_codec(comm, rondo::codec::int4<32>{});
  check_codec(comm, rondo::codec::cast<rondo::bfloat16>{});
}

TEST_CASE("nccl on a GPU: one rank, captured calls replay") {
  auto comm = alone();
  check_graph(comm);
}

TEST_CASE("nccl on a GPU: a kernel sums in NCCL's symmetric memory") {
  auto comm = alone();
  if (const auto why = on_one_gpu::no_window([&] { check_window(comm); }); !why.empty()) {
    SKIP(why);
  }
}

TEST_CASE("nccl on a GPU: one rank, layers give the values of plain loops, captured or not") {
  auto comm = alone();
  gpu_layers::check(comm);
}

TEST_CASE("nccl on a GPU: one rank, attention and vocabularies give the values of plain loops") {
  auto comm = alone();
  gpu_sequence::check(comm);
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
  if (const auto why = on_one_gpu::refusal(); !why.empty()) {
    SKIP(why);
  }
  on_one_gpu::run(2, 2, "one of two ranks");
}

TEST_CASE("nccl on a GPU: one of two ranks") {
  if (!on_one_gpu::is_rank()) {
    SKIP("it is begun by the test of two ranks");
  }
  ::alarm(50);
  require(cudaSetDevice(0));
  auto comm = rondo::nccl::connect(rondo::nccl::environment::read());
  REQUIRE(comm.size() == 2);
  check_everything(comm);
  check_numbers(comm);
  check_counts(comm);
  check_split(comm);
  check_codec(comm, rondo::codec::int8<128>{});
  check_graph(comm);
  gpu_layers::check(comm);
  gpu_sequence::check(comm);
  // A test that is skipped would say of all that passed before that it was not run.
  if (const auto why = on_one_gpu::no_window([&] { check_window(comm); }); !why.empty()) {
    std::printf("no window: %s\n", why.c_str());
  }
}
