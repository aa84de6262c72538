// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/layout/blueprint.hpp>
#include <rondo/tensor/layout/detail/layout_walk.hpp>
#include <rondo/tensor/layout/layout.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// What one rank does and holds in a training step of a described network. Uneven shards count as
/// the first rank's, which is the largest.
struct layout_plan {
  layer_plan layers;                ///< collectives, and the memory of values and their gradients
  std::size_t parameter_bytes = 0;  ///< this rank's weights
  std::size_t parameter_gradient_bytes = 0;
  double operations = 0;  ///< multiplications and additions of the einsums, both passes

  /// Weights, their gradients, and values at their most.
  [[nodiscard]] std::size_t peak_bytes() const noexcept {
    return parameter_bytes + parameter_gradient_bytes + layers.peak_bytes;
  }
  friend bool operator==(const layout_plan&, const layout_plan&) = default;
};

namespace detail {

/// `axes`: of each dimension, its axis of the mesh by number, whole_dimension or open_dimension.
[[nodiscard]] inline layout_plan walked_plan(const blueprint& net, const mesh_shape& mesh,
                                             const std::vector<int>& axes) {
  layout_walk walk{net, mesh, axes};
  walk.run();
  return {std::move(walk.made), walk.parameter_bytes, walk.parameter_gradient_bytes,
          walk.operations};
}

}  // namespace detail

/// The plan of `net` under these rules: the same collectives, with the same bytes and axes, that
/// the layers make by hand.
///
/// An einsum, a reduce or an embedding over a cut dimension makes a partial sum, which is reduced
/// at once: by reduce_scatter where a rename, its only reader, cuts another dimension along that
/// axis, by all_reduce elsewhere. A gradient is the sum of what its readers give back, of which
/// those that are partial over the same axes are added first and reduced once. A rename that
/// gathers keeps the shard, and gathers again in the backward pass. Softmax and cross_entropy over
/// a cut dimension reduce their maxima and sums. A collective over several axes names them
/// "data,tensor". Axes of one rank make no collective.
///
/// Errors: what `layout::check` refuses, of the tensors and of what operations go over; more bytes
/// than there are addresses.
[[nodiscard]] inline layout_plan plan_layout(const blueprint& net, const layout& rules,
                                             const mesh_shape& mesh) {
  return detail::walked_plan(net, mesh, detail::axes_of(net, rules, mesh));
}

}  // namespace rondo::inline v0_1
