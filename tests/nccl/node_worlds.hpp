// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/cuda/node_ranks.hpp>
#include <rondo/transport/cuda/window_rank.hpp>

#include "device/host_launch.hpp"
#include "ranks.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// Several nodes without a GPU: in each a window whose kernels run on threads, between them NCCL as
/// it is emulated.
namespace node_worlds {

using inside_rank = rondo::cuda::window_rank<host_ranks::thread_launch>;
using across_ranks = ranks::communicator;
using node_ranks = rondo::node_ranks<inside_rank, across_ranks>;

struct shape {
  int nodes;
  int node_size;
};

/// What one rank has. Nodes of one rank have no window.
struct rank_parts {
  node_ranks& ranks;
  across_ranks& across;
  inside_rank* inside;
  std::vector<host_ranks::launched>& launched;
};

/// node_ranks is made of windows by their owners alone where there may be none.
class owned : public node_ranks {
 public:
  owned(inside_rank* inside, across_ranks& across) : node_ranks{inside, across} {}
};

/// body(parts) on every rank of so many nodes; the first failure, in words.
template <class Body>
std::string run(shape of, const Body& body) {
  rondo::device::window_shape shape;
  shape.ranks = of.node_size;
  shape.slot_count = 3;
  shape.inbox_words = 64;  // 256 bytes go by packets, per block
  shape.stage_bytes = 2048;
  std::vector<std::unique_ptr<host_ranks::machine>> machines;
  for (int node = 0; node < of.nodes; ++node) {
    machines.push_back(std::make_unique<host_ranks::machine>(shape));
  }
  return ranks::run(of.nodes * of.node_size, [&](auto& comm) {
    const int node = comm.rank() / of.node_size;
    const int place = comm.rank() % of.node_size;
    auto across = comm.split(place, node);
    auto parts = machines[static_cast<std::size_t>(node)]->parts();
    parts.rank = place;
    std::vector<host_ranks::launched> launched;
    inside_rank inside{parts, {.slot_count = 3}, host_ranks::thread_launch{&launched, 8, 1}};
    inside_rank* const window = of.node_size == 1 ? nullptr : &inside;
    owned ranks{window, across};
    ranks::require(ranks.rank() == comm.rank() && ranks.size() == comm.size() &&
                       ranks.node_size() == of.node_size,
                   "ranks node by node");
    body(rank_parts{ranks, across, window, launched});
    ranks.check();
  });
}

}  // namespace node_worlds
