// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/codec/cast.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/cuda.cuh>
#include <rondo/nccl.cuh>
#include <rondo/rondo.hpp>

#include "alike.hpp"

#include "cuda/check.hpp"
#include "on_one_gpu.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// Calls over several nodes: four processes that share a GPU, where NCCL can do that, as two nodes
// of two ranks and as one of four.
namespace {

using namespace alike;

/// A captured call, replayed with fresh data.
template <class Ranks>
void check_graph(Ranks& ranks, cudaStream_t where) {
  constexpr std::size_t count = 10'007;
  array<float> buffer{std::vector<float>(count, 1.f)};
  const auto call = [&] { rondo::all_reduce(ranks, buffer.span(), rondo::two_shot{}, on{where}); };
  call();
  require(cudaStreamSynchronize(where));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  require(cudaStreamBeginCapture(where, cudaStreamCaptureModeThreadLocal));
  call();
  require(cudaStreamEndCapture(where, &graph));
  require(cudaGraphInstantiate(&ready, graph, 0));
  for (int replay = 1; replay <= 50; ++replay) {
    buffer = std::vector<float>(count, static_cast<float>(replay % 17));
    require(cudaGraphLaunch(ready, where));
    require(cudaStreamSynchronize(where));
    const auto got = buffer.on_host();
    const auto expected = static_cast<float>(ranks.size() * (replay % 17));
    if (!CHECK(got.front() == expected && got.back() == expected)) {
      break;
    }
  }
  require(cudaGraphExecDestroy(ready));
  require(cudaGraphDestroy(graph));
}

/// Between nodes by a codec: near the mean, and the same bits on all ranks.
template <class Ranks, class Codec>
void check_codec_between(Ranks& ranks, cudaStream_t where, const Codec& codec) {
  constexpr std::size_t count = 100'003;
  std::vector<float> mine(count);
  std::vector<float> mean(count);
  for (std::size_t i = 0; i < count; ++i) {
    for (int rank = 0; rank < ranks.size(); ++rank) {
      const float value = std::sin(static_cast<float>(i + 977 * static_cast<std::size_t>(rank)));
      mean[i] += value / static_cast<float>(ranks.size());
      mine[i] = rank == ranks.rank() ? value : mine[i];
    }
  }
  array<float> buffer{mine};
  rondo::all_reduce(ranks, buffer.span(), rondo::op::average{}, codec, on{where});
  const auto got = buffer.on_host();
  bool near = true;
  for (std::size_t i = 0; i < count; ++i) {
    near = near && std::abs(got[i] - mean[i]) < 0.03f;
  }
  require(near, "an average by a codec");
  rondo::broadcast(ranks, buffer.span(), on{where});
  require(buffer.on_host() == got, "the same bits on all ranks");
}

template <class Ranks>
void check_nodes(Ranks& ranks) {
  const stream own;
  check_calls(ranks, own.raw);
  check_codec_between(ranks, own.raw, rondo::codec::int8<128>{});
  check_codec_between(ranks, own.raw, rondo::codec::cast<rondo::bfloat16>{});
  check_graph(ranks, own.raw);
  ranks.wait(own.raw);
}

void check_call_site(rondo::nccl::communicator& comm) {
  constexpr std::size_t count = 50'000;
  const stream own;
  const array<float> values{std::vector<float>(count, 1.f)};
  const auto gradient = values.span();
  cudaStream_t const stream = own.raw;
  // begin: nodes
  rondo::nccl::nodes nodes{comm, std::size_t{16} << 20};  // collective; staging of each rank

  // was: ncclAllReduce(gradient, gradient, count, ncclFloat, ncclAvg, comm, stream);
  rondo::all_reduce(nodes, gradient, rondo::op::average{}, rondo::codec::int8<128>{},
                    rondo::on{stream});  // exact inside a node, int8 between nodes
  // end: nodes
  nodes.wait(stream);
  CHECK(std::abs(values.on_host().back() - 1.f) < 0.01f);
  check_nodes(nodes);
}

/// All ranks as one node, and the window of that.
void check_one_node(rondo::nccl::communicator& comm) {
  rondo::nccl::window window{comm, std::size_t{16} << 20};
  auto alone = comm.split(comm.rank());
  rondo::node_ranks ranks{window, alone};
  CHECK(ranks.size() == comm.size());
  const stream own;
  check_calls(ranks, own.raw);
  check_graph(ranks, own.raw);
}

}  // namespace

TEST_CASE("nodes on a GPU: one rank is the communicator") {
  require(cudaSetDevice(0));
  auto comm = rondo::nccl::connect(rondo::nccl::id_or_failure::on(0).id, 0, 1);
  check_call_site(comm);
}

TEST_CASE("nodes on a GPU: four ranks share it, as two nodes") {
  if (const auto why = on_one_gpu::refusal(); !why.empty()) {
    SKIP(why);
  }
  on_one_gpu::run(4, 2, "one of four ranks");
}

TEST_CASE("nodes on a GPU: one of four ranks") {
  if (!on_one_gpu::is_rank()) {
    SKIP("it is begun by the test of four ranks");
  }
  ::alarm(70);
  require(cudaSetDevice(0));
  auto comm = rondo::nccl::connect(rondo::nccl::environment::read(), {.folder = "/tmp"});
  REQUIRE(comm.size() == 4);
  const auto why = on_one_gpu::no_window([&] {
    check_call_site(comm);
    check_one_node(comm);
  });
  // A test that is skipped would say of all that passed before that it was not run.
  if (!why.empty()) {
    std::printf("no window: %s\n", why.c_str());
  }
}
