// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/transport/cuda/buffer.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

/// Which ranks of a communicator are on one node.
namespace rondo::inline v0_1::nccl::detail {

/// What a rank tells of itself.
struct told_of_node {
  char host[64] = {};
  int node_size = 1;  ///< 1: nobody has said
};

/// Where a rank is: at `place` of `node`, of `nodes` that have `node_size` ranks each.
struct place_among_nodes {
  int node_size;
  int nodes;
  int node;
  int place;
};

[[nodiscard]] inline std::string ranks_of(const std::string& host, int ranks) {
  return "node '" + host + "' has " + std::to_string(ranks) + (ranks == 1 ? " rank" : " ranks");
}

/// By the number of ranks per node that all were told, or by the names of hosts, if nobody was.
/// Errors: error_code::invalid_argument for ranks that were told differently, for nodes that have
/// not as many ranks each, and for ranks that are not numbered node by node.
[[nodiscard]] inline place_among_nodes find_place(std::span<const told_of_node> told, int rank) {
  const int size = static_cast<int>(told.size());
  const auto of = [&](int which) -> const told_of_node& {
    return told[static_cast<std::size_t>(which)];
  };
  const auto host_of = [&](int which) { return std::string{of(which).host}; };
  int node_size = of(0).node_size;
  for (int other = 1; other < size; ++other) {
    if (of(other).node_size != node_size) {
      refuse("nccl::nodes: rank 0 was told that a node has " + std::to_string(node_size) +
                 " ranks, rank " + std::to_string(other) + " on node '" + host_of(other) +
                 "' that it has " + std::to_string(of(other).node_size) +
                 "; pass all the same nccl::options{.node_size}",
             rank);
    }
  }
  if (node_size > 1) {
    if (size % node_size != 0) {
      refuse("nccl::nodes: " + std::to_string(size) + " ranks are no whole nodes of " +
                 std::to_string(node_size) + "; pass another nccl::options{.node_size}",
             rank);
    }
    return {node_size, size / node_size, rank / node_size, rank % node_size};
  }
  std::vector<int> begins{0};
  for (int other = 1; other < size; ++other) {
    if (host_of(other) == host_of(other - 1)) {
      continue;
    }
    for (const int begin : begins) {
      if (host_of(begin) == host_of(other)) {
        refuse("nccl::nodes: ranks " + std::to_string(begin) + " and " + std::to_string(other) +
                   " are on node '" + host_of(other) + "', and rank " + std::to_string(other - 1) +
                   " between them on node '" + host_of(other - 1) +
                   "'; number the ranks node by node: comm.split(0, key)",
               rank);
      }
    }
    begins.push_back(other);
  }
  const int nodes = static_cast<int>(begins.size());
  begins.push_back(size);
  node_size = begins[1];
  int node = 0;
  for (int which = 0; which < nodes; ++which) {
    const int begin = begins[static_cast<std::size_t>(which)];
    const int ranks = begins[static_cast<std::size_t>(which) + 1] - begin;
    if (ranks != node_size) {
      refuse("nccl::nodes: " + ranks_of(host_of(0), node_size) + ", " +
                 ranks_of(host_of(begin), ranks) +
                 "; nodes need as many ranks each: leave some out by comm.split, or make the calls "
                 "on the communicator itself",
             rank);
    }
    node = begin <= rank ? which : node;
  }
  return {node_size, nodes, node, rank - node * node_size};
}

/// Collective. Waits for the device.
template <class Comm>
[[nodiscard]] place_among_nodes find_place(Comm& comm) {
  told_of_node mine{.node_size = comm.node_size()};
  if (::gethostname(mine.host, sizeof mine.host - 1) != 0) {
    std::strcpy(mine.host, "?");
  }
  const auto size = static_cast<std::size_t>(comm.size());
  cuda::buffer<told_of_node> memory{size + 1};
  const device_span<told_of_node> all{memory.data(), size};
  const device_span<told_of_node> own{memory.data() + size, 1};
  cuda::require(cudaMemcpy(own.data(), &mine, sizeof mine, cudaMemcpyHostToDevice),
                "nccl::nodes: cudaMemcpy", comm.rank());
  rondo::all_gather(comm, own, all, on{});
  comm.wait(nullptr);
  std::vector<told_of_node> told(size);
  cuda::require(cudaMemcpy(told.data(), all.data(), all.size_bytes(), cudaMemcpyDeviceToHost),
                "nccl::nodes: cudaMemcpy", comm.rank());
  return find_place(std::span<const told_of_node>{told}, comm.rank());
}

}  // namespace rondo::inline v0_1::nccl::detail
