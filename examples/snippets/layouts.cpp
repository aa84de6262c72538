// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/collective/barrier.hpp>
#include <rondo/tensor.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cstdio>
#include <vector>

int main() {
  // begin: place
  const rondo::mesh_shape mesh{{"data", 2}, {"tensor", 4}};
  const rondo::layout rules{"batch:data, d_ff:tensor, heads:tensor, vocab:tensor"};
  const auto weight = rules.place("wi", sizeof(float), {{"d_model", 1024}, {"d_ff", 4098}}, mesh);
  const auto first =
      weight.local_shape(0);  // {1024, 1025}: of 4098 columns, ranks 0 and 1 take one more
  const auto last = weight.runs(3, 1);  // {{3074, 1024}}: the columns of rank 3
  // end: place
  check(first == std::vector<std::size_t>{1024, 1025}, "the first shape");
  check(last[0] == rondo::part{3074, 1024}, "the last columns");

  // begin: plan
  rondo::blueprint net;
  const auto x = net.input("x", "batch:64, d_model:1024");
  const auto h = net.einsum("h", x, net.parameter("wi", "d_model:1024, d_ff:4096"), "batch, d_ff");
  const auto a = net.map("gelu", {h});
  net.einsum("y", a, net.parameter("wo", "d_ff:4096, d_model:1024"), "batch, d_model");

  const rondo::layout_plan costs = rondo::plan_layout(net, rules, mesh);
  std::puts(costs.layers.describe().c_str());
  // forward:  all_reduce 32768 x 4 B over tensor (4 ranks)
  // backward: all_reduce 1048576 x 4 B over data (2 ranks)
  // backward: all_reduce 32768 x 4 B over tensor (4 ranks)
  // backward: all_reduce 1048576 x 4 B over data (2 ranks)
  // end: plan
  check(costs.layers.forward.size() == 1 && costs.layers.backward.size() == 3, "four collectives");
  check(costs.layers.forward[0].elements == 32768 && costs.layers.backward[0].elements == 1048576,
        "their elements");

  // begin: find
  const auto found =
      rondo::find_layout(net, mesh,
                         {.goal = rondo::layout_goal::time,
                          .network = {{{"data", {.latency = 5e-6, .bytes_per_second = 25e9}},
                                       {"tensor", {.latency = 1e-6, .bytes_per_second = 200e9}}}},
                          .operations_per_second = 50e12,
                          .memory_limit = std::size_t{16} << 20});
  std::puts(found.describe().c_str());  // the best, the runner-up, and by how much it lost
  // end: find
  check(found.best.seconds() < found.runner_up.seconds(), "the best is the best");

  rondo::threads::run(6, [](auto& comm) {
    // begin: reshard
    const rondo::mesh_shape before_mesh{{"pipeline", 2}, {"tensor", 2}};
    const rondo::mesh_shape after_mesh{{"data", 2}, {"tensor", 3}};
    const rondo::layout by_rows{"d_ff:tensor"};
    const rondo::tensor_shape dimensions{{"d_ff", 4096}, {"d_model", 64}};

    auto stage_1 = rondo::tensor_sharding{
        // held by the second stage only
        "wo",
        sizeof(float),
        before_mesh,
        by_rows.place("wo", sizeof(float), dimensions, before_mesh).dimensions(),
        {{"pipeline", 1}}};
    std::vector before{by_rows.place("wi", sizeof(float), dimensions, before_mesh), stage_1};
    std::vector after{by_rows.place("wi", sizeof(float), dimensions, after_mesh),
                      by_rows.place("wo", sizeof(float), dimensions, after_mesh)};

    const rondo::reshard_plan moves{before, after};  // the same on every rank, without a message
    std::vector<std::vector<float>> held;
    std::vector<std::vector<float>> wanted;
    for (std::size_t t = 0; t < before.size(); ++t) {
      held.emplace_back(comm.rank() < 4 ? before[t].elements(comm.rank()) : 0);
      wanted.emplace_back(after[t].elements(comm.rank()));
    }
    rondo::reshard(comm, moves, held, wanted);
    // end: reshard
    check(moves.received_bytes(5) > 0 && moves.sent_bytes(5) == 0, "a new rank receives");

    // begin: files
    const rondo::shard_files files{.prefix = "/tmp/rondo-snippet-layouts", .step = 100};
    rondo::save_shards(files, comm.rank(), after, wanted);  // each rank its file
    rondo::barrier(comm);
    if (comm.rank() < 4) {  // any other mesh reads them
      rondo::load_shards(files, comm.rank(), before, held);
    }
    // end: files
    rondo::barrier(comm);

    // begin: alone
    const std::size_t d_ff = 4096;
    auto alone = comm.split(comm.rank());  // collective; each rank gets a group of its own
    const auto team = rondo::along<"tensor">(alone);
    const auto features = rondo::cut::whole(d_ff, 1);  // all of d_ff on that one rank
    // end: alone
    check(team.size() == 1 && features.width(0) == d_ff, "a group of one");
    std::remove(files.path(comm.rank()).c_str());
  });
}
