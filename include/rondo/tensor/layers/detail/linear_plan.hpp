// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/partition.hpp>
#include <rondo/tensor/conversion.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

/// Plans of layers from their shape and the mesh alone; no communicator.
namespace rondo::inline v0_1::detail {

/// What a layer whose rows lie as placement `Rows` will do over its axis of a mesh.
template <class Rows, class Order>
class planner {
 public:
  using T = typename Rows::element;

  planner(const mesh_shape& grid, std::size_t tokens, Order order)
      : axis_{Rows::axis.view()}, ranks_{grid.size(axis_)}, tokens_{tokens}, order_{order} {}

  static constexpr bool splits_rows = is_sharded<Rows, 0>;

  [[nodiscard]] int ranks() const { return ranks_; }
  /// Of the rank that holds the most.
  [[nodiscard]] std::size_t rows_held() const { return splits_rows ? largest(tokens_) : tokens_; }
  [[nodiscard]] std::size_t largest(std::size_t extent, std::size_t granule = 1) const {
    return even_part(extent, static_cast<std::size_t>(ranks_), 0, granule).count;
  }
  /// How the layer's features are cut.
  [[nodiscard]] cut features(std::size_t extent) const {
    if constexpr (is_exact<Order>) {
      return cut::even(extent, ranks_, order_.features);
    } else {
      return cut::even(extent, ranks_);
    }
  }

  [[nodiscard]] planned_collective one(schedule::collective what, std::size_t elements,
                                       std::size_t element_bytes = sizeof(T)) const {
    return {.what = what,
            .elements = elements,
            .element_bytes = element_bytes,
            .axis = axis_,
            .ranks = ranks_};
  }

  /// Rows of `columns` columns made whole.
  [[nodiscard]] std::vector<planned_collective> gather(std::size_t columns) const {
    if constexpr (splits_rows) {
      return {one(schedule::collective::all_gather, tokens_ * columns)};
    } else {
      return {};
    }
  }
  /// Terms of rows of `columns` columns, summed over the cut `by`.
  [[nodiscard]] std::vector<planned_collective> reduce(std::size_t columns, const cut& by) const {
    if constexpr (is_exact<Order>) {
      return {tree_exchange{leaf_cut(by, order_.features)}.planned(
          splits_rows ? conversion::reduce_scatter : conversion::all_reduce, tokens_ * columns,
          sizeof(T), axis_)};
    } else {
      return {
          one(splits_rows ? schedule::collective::reduce_scatter : schedule::collective::all_reduce,
              tokens_ * columns)};
    }
  }

  /// Memory that passes: rows gathered, and terms of rows; in exact mode, the nodes of the sum, the
  /// first of which lies in the result where that is whole.
  [[nodiscard]] std::size_t gathered_bytes(std::size_t columns) const {
    return splits_rows ? tokens_ * columns * sizeof(T) : 0;
  }
  [[nodiscard]] std::size_t terms_bytes(std::size_t columns, const cut& by) const {
    const std::size_t elements = tokens_ * columns;
    if constexpr (is_exact<Order>) {
      const std::size_t arrays = tree_exchange{leaf_cut(by, order_.features)}.arrays();
      return (arrays - (splits_rows || arrays == 0 ? 0 : 1)) * elements * sizeof(T);
    } else {
      return splits_rows ? elements * sizeof(T) : 0;
    }
  }

 private:
  std::string axis_;
  int ranks_;
  std::size_t tokens_;
  Order order_;
};

}  // namespace rondo::inline v0_1::detail
