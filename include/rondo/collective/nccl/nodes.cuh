// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/cuda/node_ranks.hpp>
#include <rondo/collective/nccl/detail/find_nodes.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/nccl/communicator.hpp>
#include <rondo/transport/nccl/window.cuh>
#include <rondo/version.hpp>

#include <cstddef>
#include <optional>

namespace rondo::inline v0_1::nccl {

namespace detail {

class parts_of_nodes {
 protected:
  parts_of_nodes(communicator& comm, std::size_t window_bytes, const cuda::window_options& with)
      : parts_of_nodes{comm, find_place(comm), window_bytes, with} {}

  [[nodiscard]] window* inside() noexcept { return window_ ? &*window_ : nullptr; }
  [[nodiscard]] communicator& across() noexcept { return across_; }

  void abort() {
    node_.abort();
    across_.abort();
  }

 private:
  parts_of_nodes(communicator& comm, const place_among_nodes& at, std::size_t window_bytes,
                 const cuda::window_options& with)
      : node_{comm.split(at.node, at.place)}, across_{comm.split(at.place, at.node)} {
    if (at.node_size > 1) {
      window_.emplace(node_, window_bytes, with);
    }
  }

  communicator node_;
  communicator across_;
  std::optional<window> window_;
};

}  // namespace detail

/// The ranks of an NCCL communicator, node by node: windows of NCCL's symmetric memory inside each
/// node, and NCCL's messages between them. One call makes both.
///
///     rondo::nccl::nodes nodes{comm, 64 << 20};
///     rondo::all_reduce(nodes, gradient, rondo::op::average{}, rondo::codec::int8<128>{},
///                       rondo::on{stream});
///
/// What it can do is said at node_ranks. Making and destroying are collective. The communicator
/// must outlive it.
///
/// A node is `nccl::options::node_size` ranks of the communicator; if that is 1, those that are
/// neighbours and have the same host name. Set it where NVLink reaches over several hosts.
class nodes : detail::parts_of_nodes, public node_ranks<window, communicator> {
 public:
  /// `window_bytes` of staging per rank, on the communicator's device, which is current.
  /// Errors: error_code::invalid_argument for nodes that have not as many ranks each, with their
  /// names, and for ranks that are not numbered node by node; as nccl::window.
  /// Cost: two splits of the communicator and, where nodes have several ranks, a registration; all
  /// meet all ranks, and wait for the device.
  explicit nodes(communicator& comm, std::size_t window_bytes,
                 const cuda::window_options& options = {})
      : parts_of_nodes{comm, window_bytes, options},
        node_ranks<window, communicator>{inside(), across()} {}

  /// Ends it on this rank, and what it has under way with other nodes.
  using parts_of_nodes::abort;
};

}  // namespace rondo::inline v0_1::nccl
