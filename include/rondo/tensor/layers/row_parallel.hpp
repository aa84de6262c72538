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

/// y = x w^T + bias with the inputs split: rank i holds columns i of x and of w.
///
///     rondo::row_parallel down{tensor, rondo::cut::even(4096, tensor.size()), kernels};
///     down.forward(x, {w, bias}, y);
///     down.backward(dy, x, {w, bias}, dx, {dw, dbias});
///
///     x   sharded<T, 1>  [tokens, inputs/n]  as `features` cuts the inputs
///     w   [outputs, inputs/n]
///     y   replicated<T>                      or sharded<T, 0>, rows: sequence parallelism
///     forward    all_reduce(y)               or reduce_scatter(y)
///     backward   nothing                     or all_gather(dy)
///
/// Cost, of E elements of y: that all_reduce moves 2 (n-1)/n E per rank, the others (n-1)/n E each.
/// The bias is added once, after the reduction: every rank gives the whole bias, and gets the whole
/// gradient of it without a collective. `y` may be `partial<T>` too, where the caller reduces: then
/// there is no bias.
/// Policies: exact{..} for the bits of one rank, or a codec for what is reduced and gathered.
/// Source: Shoeybi et al. 2019 (arXiv:1909.08053), Korthikanti et al. 2022 (arXiv:2205.05198).
template <class Team, class Kernels, class Order = any_order, class Wire = no_codec>
class row_parallel {
 public:
  row_parallel(Team ranks, cut features, Kernels kernels, Order order = {}, Wire codec = {})
      : split_{std::move(ranks), std::move(features), std::move(kernels), order, std::move(codec)} {
  }

  /// How the inputs are cut: what `x` and `dx` refer to.
  [[nodiscard]] const cut& features() const noexcept { return split_.features(); }

  template <class X, class Y>
  void forward(const X& x, const linear_weights<typename X::element>& with, const Y& y,
               source_location where = source_location::current()) {
    using T = typename X::element;
    static_assert(
        !is_partial<Y>,
        "rondo: row_parallel: a bias added to partial sums would count once per rank; pass "
        "the weight alone, and add the bias after the reduction");
    check_types<X, Y>();
    check("row_parallel: x", x, y, with.weight);
    split_.check_bias("row_parallel", with.bias, y.values.columns);
    const matrix<const T> in = x.values;
    split_.template reduce_behind<T>(where, y, in.rows, y.values.columns, products(in, with.weight))
        .wait();
    detail::add_bias(split_.kernels(), with.bias, y.values);
  }

  /// Without a bias; `y` may be the partial sum that this rank computes.
  template <class X, class Y>
  void forward(const X& x, matrix<const typename X::element> weight, const Y& y,
               source_location where = source_location::current()) {
    if constexpr (is_partial<Y>) {
      check_types<X, Y>();
      static_assert(std::is_same_v<typename Y::operation, op::sum>,
                    "rondo: row_parallel: its terms make a sum; a partial maximum does not take "
                    "them");
      static_assert(!detail::is_exact<Order>,
                    "rondo: row_parallel: exact mode reduces by itself, leaf by leaf; y is "
                    "replicated or a shard of the rows");
      check("row_parallel: x", x, y, weight);
      split_.kernels().product(x.values, weight, y.values);
    } else {
      forward(x, linear_weights<typename X::element>{weight, {}}, y, where);
    }
  }

  template <class DY, class X, class DX>
  void backward(const DY& dy, const X& x, const linear_weights<typename X::element>& with,
                const DX& dx,
                detail::gradients_in<typename X::element, Order, typename Team::memory_type>& to,
                source_location where = source_location::current()) {
    using T = typename X::element;
    static_assert(!is_partial<DY>,
                  "rondo: row_parallel: the gradient of a partial sum is replicated; reduce the "
                  "terms first");
    check_types<X, DY>();
    static_assert(std::is_same_v<DX, gradient_of<X>>,
                  "rondo: row_parallel: dx lies as x does: a shard of the features, sharded<T, 1>");
    check("row_parallel: x", x, dy, with.weight);
    split_.check("row_parallel: dx", dx, x.values.rows, with.weight.columns);
    split_.check_gradients("row_parallel: dw", "row_parallel: dbias", to, dy.values.columns,
                           split_.width());
    auto all = split_.whole_behind(where, dy);
    all.wait();
    split_.kernels().input_gradient(all.values, with.weight, dx.values);
    detail::weight_gradients<T>(split_.ranks().memory(), split_.kernels(), split_.order(),
                                all.values, x.values, to);
  }

 private:
  template <class X, class Y>
  static consteval void check_types() {
    static_assert(
        is_sharded<X, 1>,
        "rondo: row_parallel: x is a shard of the features, sharded<T, 1>; a whole x would "
        "be counted once per rank");
    static_assert(is_replicated<Y> || is_sharded<Y, 0> || is_partial<Y>,
                  "rondo: row_parallel: y is replicated, a shard of the rows, or the partial sum");
    static_assert(X::axis == Team::axis && Y::axis == Team::axis,
                  "rondo: row_parallel: x and y lie over another axis than the layer's ranks");
    static_assert(detail::check_kernels<Kernels, typename X::element>());
  }

  template <class X, class Y, class T>
  void check(const char* who, const X& x, const Y& y, matrix<const T> weight) const {
    split_.check(who, x, detail::rows_of(y), weight.columns);
    detail::check_count("row_parallel", "a column of the weight", weight.rows, y.values.columns,
                        split_.ranks().rank());
  }

  template <class T>
  auto products(matrix<const T> x, matrix<const T> weight) const {
    return [this, x, weight](part some, matrix<T> out) {
      split_.kernels().product(x.columns_at(some), weight.columns_at(some), out);
    };
  }

  detail::split_linear<Team, Kernels, Order, Wire> split_;
};

template <class Team, class Kernels>
row_parallel(Team, cut, Kernels) -> row_parallel<Team, Kernels>;

/// What a row_parallel does whose `y` is of type `Y`, with its inputs cut evenly.
template <class Y, class Order = any_order>
[[nodiscard]] layer_plan plan_row_parallel(const linear_shape& sizes, const mesh_shape& grid,
                                           Order order = {}) {
  const detail::planner<Y, Order> planned{grid, sizes.tokens, order};
  const cut features = planned.features(sizes.inputs);
  layer_plan made{.forward = planned.reduce(sizes.outputs, features),
                  .backward = planned.gather(sizes.outputs)};
  made.saved_bytes = sizes.tokens * features.width(0) * sizeof(typename Y::element);
  made.peak_bytes = made.saved_bytes + planned.gathered_bytes(sizes.outputs) +
                    planned.terms_bytes(sizes.outputs, features);
  return made;
}

}  // namespace rondo::inline v0_1
