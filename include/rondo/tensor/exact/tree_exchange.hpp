// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/parameters.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/conversion.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/exact/detail/leaf_order.hpp>
#include <rondo/tensor/exact/detail/leaf_sum_job.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace rondo::inline v0_1 {

/// Adds up the ranks' `tree_sum`s by the tree over all leaves: the bits are those of one rank that
/// holds every leaf, over any transport.
///
/// One collective, an all_reduce or a reduce_scatter whose order of additions is the tree's. Each
/// element is folded by the rank that owns it, from all ranks' nodes.
/// Cost per rank, n ranks, B bytes: (n-1)/n B for each node that it holds, one where leaves are
/// equally many and a power of two; (n-1)/n B more for a replicated result. Where ranks share
/// addresses, nodes are read where they lie; a few kilobytes go in one latency. On GPUs nodes go by
/// NCCL's messages, and each addition of up to six of them is a kernel.
class tree_exchange {
 public:
  /// `leaves` says which leaves each rank puts into its sum.
  explicit tree_exchange(const cut& leaves) : order_{checked(leaves).runs()} {}

  /// How many nodes `rank` holds.
  [[nodiscard]] std::size_t nodes(int rank) const { return order_.of(rank).size(); }

  /// How many arrays the `tree_sum` of a rank comes to hold while its leaves are put from left to
  /// right, on the rank where they are most.
  [[nodiscard]] std::size_t arrays() const noexcept { return order_.arrays(); }

  /// The collective of one sum of `elements` elements.
  [[nodiscard]] planned_collective planned(conversion to, std::size_t elements,
                                           std::size_t element_bytes,
                                           const std::string& axis) const {
    return {.what = to == conversion::all_reduce ? schedule::collective::all_reduce
                                                 : schedule::collective::reduce_scatter,
            .elements = elements,
            .element_bytes = element_bytes,
            .axis = axis,
            .ranks = order_.ranks(),
            .terms = order_.size()};
  }

  /// All ranks call it. `to` is replicated, or a shard of dimension 0; its elements are the sums'.
  /// A replicated one may be the memory that was lent to `sums`, whose nodes are then gone.
  /// Errors: mismatch, timeout, revoked; error_code::invalid_argument for nodes that are not those
  /// of this rank's leaves.
  template <class Team, class T, class Memory, class To>
  void reduce(const Team& ranks, const tree_sum<T, Memory>& sums, const To& to,
              source_location where = source_location::current()) {
    static_assert(is_replicated<To> || is_sharded<To, 0>,
                  "rondo: tree_exchange: the result is replicated, or a shard of the rows");
    static_assert(std::is_same_v<Memory, typename Team::memory_type::template array<T>>,
                  "rondo: tree_exchange: sums are where these ranks have their memory: on GPUs "
                  "tree_sum<T, cuda::buffer<T>>, elsewhere tree_sum<T>");
    static_assert(Team::axis == To::axis,
                  "rondo: tree_exchange: the result lies on another axis than these ranks");
    check(ranks, sums, to);
    auto& comm = ranks.comm();
    using job = detail::leaf_sum_job<std::remove_reference_t<decltype(comm)>, T>;
    const matrix<T> result = to.values;
    T* const out = result.contiguous()
                       ? result.data
                       : ranks.passage().terms.template get<T>(result.elements()).data();
    job made{comm, order_, sums.nodes(), out, sums.elements()};
    std::uint64_t shards = 0;
    if constexpr (is_sharded<To>) {
      made.rows = &to.division->runs();
      made.columns = result.columns;
      shards = result.columns + 1;
      for (const std::size_t width : to.division->widths()) {
        shards = mixed_parameters(shards, std::uint64_t{width});
      }
    }
    constexpr auto what =
        is_replicated<To> ? schedule::collective::all_reduce : schedule::collective::reduce_scatter;
    const auto with = detail::policies_of(detail::sum_by_leaves{order_.parameters()});
    detail::launch(comm, detail::call_of<what, T>(with, sums.elements(), where, -1, shards), made);
    if (!result.contiguous()) {
      ranks.memory().template copy<T>({out, result.rows, result.columns}, result);
    }
  }

 private:
  [[nodiscard]] static const cut& checked(const cut& leaves) {
    detail::check_disjoint("tree_exchange", leaves, -1);
    return leaves;
  }

  template <class Team, class T, class Memory, class To>
  void check(const Team& ranks, const tree_sum<T, Memory>& sums, const To& to) const {
    bool same =
        order_.ranks() == ranks.size() && order_.of(ranks.rank()).size() == sums.nodes().size();
    for (std::size_t i = 0; same && i < sums.nodes().size(); ++i) {
      same = order_.of(ranks.rank())[i] == sums.nodes()[i].node;
    }
    if (!same) {
      refuse("tree_exchange: rank " + std::to_string(ranks.rank()) + " of " +
                 std::to_string(ranks.size()) + " brings " + std::to_string(sums.nodes().size()) +
                 " nodes, expected those of a cut for " + std::to_string(order_.ranks()) +
                 " ranks; put exactly the leaves that the cut gives this rank",
             ranks.rank());
    }
    std::size_t elements = to.values.elements();
    if constexpr (is_sharded<To>) {
      detail::check_shard("tree_exchange", to, ranks.rank(), ranks.size());
      elements = to.division->extent() * to.values.columns;
    }
    detail::check_count("tree_exchange", "the result", elements, sums.elements(), ranks.rank());
  }

  detail::leaf_order order_;
};

}  // namespace rondo::inline v0_1
