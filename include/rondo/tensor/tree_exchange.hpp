// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/all_to_all.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/conversion.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/detail/pack.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/plan.hpp>
#include <rondo/tensor/tree_sum.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// Adds up the ranks' `tree_sum`s by the tree over all leaves: the bits are those of one rank that
/// holds every leaf.
///
/// Each rank sends its nodes, of each element to the rank that owns it, which folds them as the tree
/// says; a replicated result is then gathered. Two ranks with one node each add by all_reduce or
/// reduce_scatter.
/// Cost per rank, n ranks, B bytes: (n-1)/n B for each node that it holds, one where leaves are
/// equally many and a power of two; (n-1)/n B more for a replicated result.
class tree_exchange {
 public:
  /// `leaves` says which leaves each rank puts into its sum.
  explicit tree_exchange(const cut& leaves) : nodes_(static_cast<std::size_t>(leaves.ranks())) {
    detail::check_disjoint("tree_exchange", leaves, -1);
    for (int rank = 0; rank < leaves.ranks(); ++rank) {
      std::vector<known>& mine = nodes_[static_cast<std::size_t>(rank)];
      for (const part run : leaves.runs(rank)) {
        for (std::size_t leaf = run.first; leaf < run.first + run.count; ++leaf) {
          detail::put_node(mine, known{{0, leaf}, 0}, [](int, int) { return 0; });
        }
      }
    }
  }

  /// How many nodes `rank` holds.
  [[nodiscard]] std::size_t nodes(int rank) const {
    return nodes_[static_cast<std::size_t>(rank)].size();
  }

  /// The collectives of one sum of `elements` elements.
  [[nodiscard]] std::vector<planned_collective> planned(conversion to, std::size_t elements,
                                                        std::size_t element_bytes,
                                                        const std::string& axis) const {
    const int ranks = static_cast<int>(nodes_.size());
    if (adds_once()) {
      return {{to == conversion::all_reduce ? schedule::collective::all_reduce
                                            : schedule::collective::reduce_scatter,
               elements, element_bytes, axis, ranks}};
    }
    std::size_t all = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      all += nodes(rank);
    }
    std::vector<planned_collective> made{
        {schedule::collective::all_to_all, all * elements, element_bytes, axis, ranks}};
    if (to == conversion::all_reduce) {
      made.push_back({schedule::collective::all_gather, elements, element_bytes, axis, ranks});
    }
    return made;
  }

  /// Elements of memory that one sum passes through, on the rank that holds the most nodes and owns
  /// `owned` elements: its nodes packed, all ranks' nodes of what it owns, and the result.
  [[nodiscard]] std::size_t passing_elements(std::size_t elements, std::size_t owned,
                                             bool replicated_result) const {
    if (adds_once()) {
      return 0;
    }
    std::size_t all = 0;
    std::size_t most = 0;
    for (const auto& of_rank : nodes_) {
      all += of_rank.size();
      most = (std::max)(most, of_rank.size());
    }
    return (most > 1 ? most * elements : 0) + all * owned + (replicated_result ? owned : 0);
  }

  /// All ranks call it. `to` is replicated, or a shard of dimension 0; its elements are the sums'.
  /// Errors: as all_to_all; nodes that are not those of this rank's leaves.
  template <class Team, class T, class To>
  void reduce(const Team& ranks, const tree_sum<T>& sums, const To& to,
              source_location where = source_location::current()) {
    static_assert(is_replicated<To> || is_sharded<To, 0>,
                  "rondo: tree_exchange: the result is replicated, or a shard of the rows");
    static_assert(Team::axis == To::axis,
                  "rondo: tree_exchange: the result lies on another axis than these ranks");
    check(ranks, sums, to);
    if (adds_once()) {
      const matrix<T> terms{sums.nodes().front().value, to.values.columns == 0 ? 0 : sums.elements() / to.values.columns,
                            to.values.columns};
      detail::convert_call::make(where, ranks, partial<T, op::sum, To::axis>{terms}, to);
      return;
    }
    const auto out = !is_replicated<To> && to.values.contiguous()
                         ? to.values.values()
                         : ranks.passage().terms.template get<T>(owned(ranks, to, sums.elements(), ranks.rank()));
    exchange(ranks, sums, to, out, where);
    if constexpr (is_replicated<To>) {
      gather(ranks, sums.elements(), std::span<const T>{out}, to.values, where);
    } else if (!to.values.contiguous()) {
      detail::copy<T>({out.data(), to.values.rows, to.values.columns}, to.values);
    }
  }

 private:
  struct known {
    tree_node node;
    int value;
  };
  /// One array on each of two ranks: one addition, whose bits know no order.
  [[nodiscard]] bool adds_once() const {
    return nodes_.size() == 2 && nodes(0) == 1 && nodes(1) == 1;
  }

  template <class T>
  using block = typename tree_sum<T>::held;

  template <class Team, class T, class To>
  void check(const Team& ranks, const tree_sum<T>& sums, const To& to) const {
    const auto& mine = nodes_[static_cast<std::size_t>(ranks.rank())];
    bool same = mine.size() == sums.nodes().size();
    for (std::size_t i = 0; same && i < mine.size(); ++i) {
      same = mine[i].node == sums.nodes()[i].node;
    }
    if (!same || static_cast<int>(nodes_.size()) != ranks.size()) {
      refuse("tree_exchange: rank " + std::to_string(ranks.rank()) + " of " +
                 std::to_string(ranks.size()) + " brings " + std::to_string(sums.nodes().size()) +
                 " nodes, expected " + std::to_string(mine.size()) +
                 "; put exactly the leaves that the cut gives this rank",
             ranks.rank());
    }
    std::size_t elements = to.values.elements();
    if constexpr (is_sharded<To>) {
      detail::check_shard("tree_exchange", to, ranks.rank(), ranks.size());
      elements = to.division->extent() * to.values.columns;
    }
    detail::check_count("tree_exchange", "the result", elements, sums.elements(), ranks.rank());
  }

  /// How many of the elements `rank` folds.
  template <class Team, class To>
  static std::size_t owned(const Team& ranks, const To& to, std::size_t elements, int rank) {
    if constexpr (is_replicated<To>) {
      return even_part(elements, static_cast<std::size_t>(ranks.size()),
                       static_cast<std::size_t>(rank)).count;
    } else {
      return to.division->width(rank) * to.values.columns;
    }
  }

  /// Copies what `rank` folds of one node.
  template <class Team, class To, class T>
  static T* pack_for(const Team& ranks, const To& to, const T* node, std::size_t elements, int rank,
                     T* out) {
    if constexpr (is_replicated<To>) {
      const part mine = even_part(elements, static_cast<std::size_t>(ranks.size()),
                                  static_cast<std::size_t>(rank));
      return std::copy_n(node + mine.first, mine.count, out);
    } else {
      const std::size_t columns = to.values.columns;
      const part across{0, columns};
      return detail::pack<T>({node, columns == 0 ? 0 : elements / columns, columns},
                             to.division->runs(rank), {&across, 1}, out);
    }
  }

  template <class Team, class T, class To>
  void exchange(const Team& ranks, const tree_sum<T>& sums, const To& to, std::span<T> out,
                source_location where) {
    const std::size_t elements = sums.elements();
    auto& sent = ranks.passage().sent;
    auto& received = ranks.passage().received;
    sent.clear();
    received.clear();
    for (int rank = 0; rank < ranks.size(); ++rank) {
      sent.push_back(nodes(ranks.rank()) * owned(ranks, to, elements, rank));
      received.push_back(nodes(rank) * out.size());
    }
    const bool direct = sums.nodes().size() == 1 && in_rank_order(to);
    std::span<const T> from;
    if (direct) {
      from = {sums.nodes().front().value, elements};
    } else {
      const auto packed = ranks.passage().out.template get<T>(sums.nodes().size() * elements);
      T* next = packed.data();
      for (int rank = 0; rank < ranks.size(); ++rank) {
        for (const auto& one : sums.nodes()) {
          next = pack_for(ranks, to, one.value, elements, rank, next);
        }
      }
      from = packed;
    }
    std::size_t arriving = 0;
    for (const std::size_t count : received) {
      arriving += count;
    }
    auto in = ranks.passage().in.template get<T>(arriving);
    detail::all_to_all_call::make(where, ranks.comm(), from, in, counts{sent, received});
    fold(in.data(), out);
  }

  template <class To>
  static bool in_rank_order(const To& to) {
    if constexpr (is_replicated<To>) {
      return true;
    } else {
      return to.division->contiguous();
    }
  }

  /// Folds all ranks' nodes, which lie one behind the other.
  template <class T>
  void fold(T* next, std::span<T> out) {
    const auto add = [&](T* left, T* right) {
      detail::add_to(left, right, out.size());
      return left;
    };
    std::vector<block<T>> all;
    for (const auto& of_rank : nodes_) {
      for (const known& one : of_rank) {
        detail::put_node(all, block<T>{one.node, next}, add);
        next += out.size();
      }
    }
    if (!all.empty()) {
      std::copy_n(detail::root_value(all, add), out.size(), out.data());
    } else {
      std::fill(out.begin(), out.end(), T{});
    }
  }

  template <class Team, class T>
  void gather(const Team& ranks, std::size_t elements, std::span<const T> mine, matrix<T> to,
              source_location where) {
    auto& sent = ranks.passage().sent;
    sent.clear();
    for (int rank = 0; rank < ranks.size(); ++rank) {
      sent.push_back(even_part(elements, static_cast<std::size_t>(ranks.size()),
                                static_cast<std::size_t>(rank)).count);
    }
    auto out = to.contiguous() ? to.values() : ranks.passage().in.template get<T>(elements);
    detail::all_gather_call::make(where, ranks.comm(), mine, out, counts{sent});
    if (!to.contiguous()) {
      detail::copy<T>({out.data(), to.rows, to.columns}, to);
    }
  }

  std::vector<std::vector<known>> nodes_;
};

}  // namespace rondo::inline v0_1
