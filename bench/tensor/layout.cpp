// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What it costs to plan and carry out a resharding, to read shard files, and to find a layout.
#include <benchmark/benchmark.h>

#include <rondo/collective/barrier.hpp>
#include <rondo/tensor/layout/layout_search.hpp>
#include <rondo/tensor/reshard/reshard.hpp>
#include <rondo/tensor/reshard/shard_files.hpp>
#include <rondo/transport/threads/run.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

using rondo::cut;
using rondo::mesh_shape;
using rondo::tensor_sharding;

/// The weights of a transformer on a mesh of pipeline x data x tensor: fused query, key and value,
/// output, fused gate and up, down, and two scales for each layer.
std::vector<tensor_sharding> weights(int pipeline, int data, int tensor, int layers,
                                     std::size_t width) {
  const mesh_shape mesh{{"pipeline", pipeline}, {"data", data}, {"tensor", tensor}};
  const std::array attention{cut::even(width, tensor), cut::even(width / 4, tensor),
                             cut::even(width / 4, tensor)};
  const std::array gated{cut::even(3 * width, tensor), cut::even(3 * width, tensor)};
  const auto whole = [&](std::size_t extent) {
    return rondo::placed_dimension{"whole", cut::whole(extent, 1), {}};
  };
  const auto split = [](cut by) { return rondo::placed_dimension{"cut", by, {"tensor"}}; };
  std::vector<tensor_sharding> all;
  for (int layer = 0; layer < layers; ++layer) {
    const std::vector<rondo::pinned_axis> stage{{"pipeline", layer * pipeline / layers}};
    const auto add = [&](const char* name, std::vector<rondo::placed_dimension> dimensions) {
      all.emplace_back(name + std::to_string(layer), 4, mesh, std::move(dimensions), stage);
    };
    add("qkv", {split(cut::fused(attention)), whole(width)});
    add("out", {whole(width), split(cut::even(width, tensor))});
    add("gate_up", {split(cut::fused(gated)), whole(width)});
    add("down", {whole(width), split(cut::even(3 * width, tensor))});
    add("norm", {whole(width)});
  }
  return all;
}

struct meshes {
  std::array<int, 3> from;
  std::array<int, 3> to;
};
constexpr meshes wider{{2, 2, 2}, {1, 1, 8}};
constexpr meshes deeper{{1, 2, 4}, {4, 1, 2}};
constexpr meshes odd{{1, 1, 5}, {2, 1, 3}};

void planning(benchmark::State& state, const meshes& between) {
  const auto [p, d, t] = between.from;
  const auto [q, e, u] = between.to;
  const auto before = weights(p, d, t, 200, 4096);  // 1,000 tensors
  const auto after = weights(q, e, u, 200, 4096);
  std::size_t moves = 0;
  for (auto _ : state) {
    const rondo::reshard_plan made{before, after};
    moves = made.moves().size();
    benchmark::DoNotOptimize(made.moved_bytes());
  }
  state.counters["tensors"] = static_cast<double>(before.size());
  state.counters["moves"] = static_cast<double>(moves);
}
BENCHMARK_CAPTURE(planning, wider, wider)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(planning, deeper, deeper)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(planning, odd, odd)->Unit(benchmark::kMillisecond);

/// Two thread ranks turn from tensor to data; beside it, as many bytes copied by each rank.
void carrying_out(benchmark::State& state) {
  const auto before = weights(1, 1, 2, 4, 512);
  const auto after = weights(2, 1, 1, 4, 512);
  const rondo::reshard_plan plan{before, after};
  double copied = 0;
  double moved = 0;
  rondo::threads::run(2, [&](auto& comm) {
    std::vector<std::vector<float>> held;
    std::vector<std::vector<float>> wanted;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      held.emplace_back(before[i].elements(comm.rank()), 1.0F);
      wanted.emplace_back(after[i].elements(comm.rank()), 0.0F);
      bytes += held.back().size() * sizeof(float);
    }
    std::vector<std::byte> from(bytes);
    std::vector<std::byte> to(bytes);
    const auto timed = [&](const auto& act) {
      rondo::barrier(comm);
      const auto start = std::chrono::steady_clock::now();
      act();
      rondo::barrier(comm);
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    for (int round = 0; round < 8; ++round) {
      const double one = timed([&] { rondo::reshard(comm, plan, held, wanted); });
      const double two = timed([&] { std::memcpy(to.data(), from.data(), bytes); });
      if (comm.rank() == 0 && (round == 1 || one < moved)) {
        moved = one;
      }
      if (comm.rank() == 0 && (round == 1 || two < copied)) {
        copied = two;
      }
    }
  });
  for (auto _ : state) {
  }
  state.counters["MB"] = static_cast<double>(plan.moved_bytes() + plan.kept_bytes()) / 1e6;
  state.counters["reshard_ms"] = moved * 1e3;
  state.counters["memcpy_ms"] = copied * 1e3;
}
BENCHMARK(carrying_out)->Iterations(1);

void files(benchmark::State& state) {
  const auto before = weights(1, 1, 2, 4, 512);
  const auto after = weights(1, 1, 3, 4, 512);
  const rondo::shard_files at{"/tmp/rondo-bench-shards"};
  double saving = 0;
  double loading = 0;
  double megabytes = 0;
  const auto timed = [](const auto& act) {
    const auto start = std::chrono::steady_clock::now();
    act();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (auto _ : state) {
    for (int rank = 0; rank < 2; ++rank) {
      std::vector<std::vector<float>> held;
      for (const auto& one : before) {
        held.emplace_back(one.elements(rank), 1.0F);
        megabytes += static_cast<double>(held.back().size()) * 4e-6;
      }
      saving += timed([&] { rondo::save_shards(at, rank, before, held); });
    }
    for (int rank = 0; rank < 3; ++rank) {
      std::vector<std::vector<float>> wanted;
      for (const auto& one : after) {
        wanted.emplace_back(one.elements(rank));
      }
      loading += timed([&] { rondo::load_shards(at, rank, after, wanted); });
    }
  }
  state.counters["save_MB_per_s"] = megabytes / saving;
  state.counters["load_MB_per_s"] = megabytes / loading;
  std::remove(at.path(0).c_str());
  std::remove(at.path(1).c_str());
}
BENCHMARK(files)->Unit(benchmark::kMillisecond);

rondo::blueprint language_model() {
  rondo::blueprint net;
  const auto tokens = net.constant("tokens", "batch:256, length:256");
  auto x = net.embedding("x", tokens, net.parameter("table", "vocab:32768, d_model:1024"), "vocab");
  const auto query = net.einsum("query", x, net.parameter("q", "d_model:1024, heads:64, d_kv:256"),
                                "batch, length, heads, d_kv");
  const auto key =
      net.rename("key",
                 net.einsum("k", x, net.parameter("k", "d_model:1024, heads:64, d_kv:256"),
                            "batch, length, heads, d_kv"),
                 "length:memory");
  const auto scores =
      net.softmax("scores", net.einsum("s", query, key, "batch, heads, length, memory"), "memory");
  const auto mixed = net.einsum("mixed", scores, key, "batch, length, heads, d_kv");
  const auto y = net.einsum("y", mixed, net.parameter("o", "heads:64, d_kv:256, d_model:1024"),
                            "batch, length, d_model");
  const auto h =
      net.einsum("h", y, net.parameter("wi", "d_model:1024, d_ff:65536"), "batch, length, d_ff");
  const auto z =
      net.einsum("z", net.map("relu", {h}), net.parameter("wo", "d_ff:65536, d_model:1024"),
                 "batch, length, d_model");
  const auto logits = net.einsum("logits", z, net.parameter("head", "d_model:1024, vocab:32768"),
                                 "batch, length, vocab");
  (void)net.cross_entropy("loss", logits, net.constant("targets", "batch:256, length:256"),
                          "vocab");
  return net;
}

void finding(benchmark::State& state, rondo::layout_goal goal, const char* axes) {
  const auto net = language_model();
  const mesh_shape mesh = rondo::read_mesh(axes);
  rondo::layout_search_options options{.goal = goal, .operations_per_second = 20e12};
  for (const auto& one : mesh.axes()) {
    options.network.axes.push_back({one.name, {.latency = 1e-6, .bytes_per_second = 10e9}});
  }
  std::size_t rated = 0;
  for (auto _ : state) {
    const auto found = rondo::find_layout(net, mesh, options);
    rated = found.rated;
    benchmark::DoNotOptimize(found.best.peak_bytes());
  }
  state.counters["rated"] = static_cast<double>(rated);
}
BENCHMARK_CAPTURE(finding, memory_2_axes, rondo::layout_goal::memory, "batch:16, model:8")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(finding, time_2_axes, rondo::layout_goal::time, "batch:16, model:8")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(finding, time_3_axes, rondo::layout_goal::time, "batch:4, rows:4, model:8")
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
