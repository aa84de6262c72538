// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/codec/cast.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/collective/nccl/nodes.cuh>
#include <rondo/cuda.cuh>
#include <rondo/nccl.hpp>
#include <rondo/rondo.hpp>

#include "alike.hpp"

#include "cuda/check.hpp"

#include <spawn.h>
#include <sys/wait.h>
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

/// Why ranks cannot share this GPU; empty if they can.
std::string no_four_ranks() {
  if (rondo::nccl::detail::library_version() < 23003) {
    return "NCCL " + rondo::nccl::detail::version_text(rondo::nccl::detail::library_version()) +
           " refuses several ranks on one GPU; 2.30.3 is the first that does not";
  }
  const char* enabled = std::getenv("NCCL_MULTI_RANK_GPU_ENABLE");
  const bool may = enabled != nullptr && std::string{enabled} == "1";
  return may ? "" : "NCCL_MULTI_RANK_GPU_ENABLE=1 is not set";
}

}  // namespace

TEST_CASE("nodes on a GPU: one rank is the communicator") {
  require(cudaSetDevice(0));
  auto comm = rondo::nccl::connect(rondo::nccl::id_or_failure::on(0).id, 0, 1);
  check_call_site(comm);
}

TEST_CASE("nodes on a GPU: four ranks share it, as two nodes") {
  if (const auto why = no_four_ranks(); !why.empty()) {
    SKIP(why);
  }
  std::vector<pid_t> children;
  for (const char* rank : {"0", "1", "2", "3"}) {
    ::setenv("RANK", rank, 1);
    ::setenv("WORLD_SIZE", "4", 1);
    ::setenv("LOCAL_WORLD_SIZE", "2", 1);  // so many are a node
    ::setenv("TORCHELASTIC_RUN_ID", ("nodes" + std::to_string(::getpid())).c_str(), 1);
    ::setenv("NCCL_NVLS_ENABLE", "0", 1);
    char program[] = "/proc/self/exe";
    char filter[] = "one of four ranks";
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

TEST_CASE("nodes on a GPU: one of four ranks") {
  const char* rank = std::getenv("RANK");
  if (rank == nullptr || !no_four_ranks().empty()) {
    SKIP("it is begun by the test of four ranks");
  }
  ::alarm(70);
  require(cudaSetDevice(0));
  auto comm = rondo::nccl::connect(rondo::nccl::environment::read(), {.folder = "/tmp"});
  REQUIRE(comm.size() == 4);
  try {
    check_call_site(comm);
    check_one_node(comm);
  } catch (const rondo::error& refused) {
    if (std::string{refused.what()}.find("no symmetric memory here") == std::string::npos) {
      throw;
    }
    // A test that is skipped would say of all that passed before that it was not run.
    std::printf("no window: %s\n", refused.what());
  }
}
