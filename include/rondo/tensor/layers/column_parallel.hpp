// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/source_location.hpp>
#include <rondo/tensor/layers/detail/linear_plan.hpp>
#include <rondo/tensor/layers/detail/split_linear.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/layers/linear.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/wire.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace rondo::inline v0_1 {

/// y = x w^T + bias with the outputs split: rank i holds rows i of w, and gets columns i of y.
///
///     rondo::column_parallel up{tensor, rondo::cut::even(4096, tensor.size()), kernels};
///     up.forward(x, {w, bias}, y);
///     up.backward(dy, x, {w, bias}, dx, {dw, dbias});
///
///     x   replicated<T>                      or sharded<T, 0>, rows: sequence parallelism
///     w   [outputs/n, inputs]                as `features` cuts the outputs
///     y   sharded<T, 1>  [tokens, outputs/n]
///     forward    nothing                     or all_gather(x)
///     backward   all_reduce(dx)              or all_gather(x), reduce_scatter(dx)
///
/// Cost, of E elements of x: that all_reduce moves 2 (n-1)/n E per rank, the others (n-1)/n E each.
/// dx = the sum over ranks of dy w; it is reduced while dw += dy^T x is computed. A shard of x is
/// not kept gathered: the backward pass gathers it again, while dy w is computed.
/// Policies: exact{..} for the bits of one rank, or a codec for what is reduced and gathered.
/// Source: Shoeybi et al. 2019 (arXiv:1909.08053), Korthikanti et al. 2022 (arXiv:2205.05198).
template <class Team, class Kernels, class Order = any_order, class Wire = no_codec>
class column_parallel {
 public:
  column_parallel(Team ranks, cut features, Kernels kernels, Order order = {}, Wire codec = {})
      : split_{std::move(ranks), std::move(features), std::move(kernels), order, std::move(codec)} {
  }

  /// How the outputs are cut: what `y` and `dy` refer to.
  [[nodiscard]] const cut& features() const noexcept { return split_.features(); }

  template <class X, class Y>
  void forward(const X& x, const linear_weights<typename X::element>& with, const Y& y,
               source_location where = source_location::current()) {
    check_types<X, Y>();
    check("column_parallel: y", y, x, with.weight);
    split_.check_bias("column_parallel", with.bias, split_.width());
    auto all = split_.whole_behind(where, x);
    all.wait();
    split_.kernels().product(all.values, with.weight, y.values);
    detail::add_bias(split_.kernels(), with.bias, y.values);
  }

  template <class DY, class X, class DX>
  void backward(const DY& dy, const X& x, const linear_weights<typename X::element>& with,
                const DX& dx,
                detail::gradients_in<typename X::element, Order, typename Team::memory_type>& to,
                source_location where = source_location::current()) {
    using T = typename X::element;
    check_types<X, DY>();
    static_assert(
        std::is_same_v<DX, gradient_of<X>>,
        "rondo: column_parallel: dx lies as x does, both replicated or both a shard of the "
        "rows; all_reduce and sequence parallelism do not mix");
    check("column_parallel: dy", dy, x, with.weight);
    detail::check_shape("column_parallel: dx", dx.values.rows, dx.values.columns, x.values.rows,
                        x.values.columns, split_.ranks().rank());
    split_.check_gradients("column_parallel: dw", "column_parallel: dbias", to, split_.width(),
                           x.values.columns);
    const matrix<const T> given = dy.values;
    auto all = split_.whole_behind(where, x);
    auto sum = split_.template reduce_behind<T>(
        where, dx, given.rows, x.values.columns, [&](part some, matrix<T> out) {
          split_.kernels().input_gradient(given.columns_at(some), with.weight.rows_at(some), out);
        });
    all.wait();
    detail::weight_gradients<T>(split_.ranks().memory(), split_.kernels(), split_.order(), given,
                                all.values, to);
    sum.wait();
  }

 private:
  template <class X, class Y>
  static consteval void check_types() {
    static_assert(is_replicated<X> || is_sharded<X, 0>,
                  "rondo: column_parallel: x is replicated, or a shard of the rows; what is split "
                  "by features belongs into row_parallel");
    static_assert(is_sharded<Y, 1>,
                  "rondo: column_parallel: y is a shard of the features, sharded<T, 1>; gather it "
                  "with convert if it must be whole");
    static_assert(X::axis == Team::axis && Y::axis == Team::axis,
                  "rondo: column_parallel: x and y lie over another axis than the layer's ranks");
    static_assert(detail::check_kernels<Kernels, typename X::element>());
  }

  template <class Y, class X, class T>
  void check(const char* who, const Y& y, const X& x, matrix<const T> weight) const {
    split_.check(who, y, detail::rows_of(x), weight.rows);
    detail::check_count("column_parallel", "a row of the weight", weight.columns, x.values.columns,
                        split_.ranks().rank());
  }

  detail::split_linear<Team, Kernels, Order, Wire> split_;
};

template <class Team, class Kernels>
column_parallel(Team, cut, Kernels) -> column_parallel<Team, Kernels>;

/// What a column_parallel does whose `x` is of type `X`, with its outputs cut evenly.
///
///     plan_column_parallel<rondo::sharded<float, 0>>({tokens, d_model, d_ff}, grid.shape())
template <class X, class Order = any_order>
[[nodiscard]] layer_plan plan_column_parallel(const linear_shape& sizes, const mesh_shape& grid,
                                              Order order = {}) {
  const detail::planner<X, Order> planned{grid, sizes.tokens, order};
  const cut features = planned.features(sizes.outputs);
  layer_plan made{.forward = planned.gather(sizes.inputs),
                  .backward = planned.gather(sizes.inputs)};
  for (auto& one : planned.reduce(sizes.inputs, features)) {
    made.backward.push_back(std::move(one));
  }
  made.saved_bytes = planned.rows_held() * sizes.inputs * sizeof(typename X::element);
  made.peak_bytes = made.saved_bytes + planned.gathered_bytes(sizes.inputs) +
                    planned.terms_bytes(sizes.inputs, features);
  return made;
}

}  // namespace rondo::inline v0_1
