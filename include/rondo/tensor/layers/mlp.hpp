// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/layers/activation.hpp>
#include <rondo/tensor/layers/column_parallel.hpp>
#include <rondo/tensor/layers/detail/linear_plan.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/layers/linear.hpp>
#include <rondo/tensor/layers/row_parallel.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/wire.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// A rank's part of the weights: `up` is [parts d_ff/n, d_model], `down` [d_model, d_ff/n].
template <class T>
struct mlp_weights {
  linear_weights<T> up{};
  linear_weights<T> down{};
};

template <class T>
struct mlp_gradients {
  linear_gradients<T> up{};
  linear_gradients<T> down{};
};

template <class T, class Memory = std::vector<T>>
struct exact_mlp_gradients {
  exact_linear_gradients<T, Memory> up{};
  exact_linear_gradients<T, Memory> down{};
};

/// What the forward pass keeps for the backward pass of the same micro-batch, which refuses what is
/// of another size. On GPUs: `mlp_saved<T, cuda::buffer<T>>`.
template <class T, class Memory = std::vector<T>>
struct mlp_saved {
  Memory hidden{};
  Memory active{};
};

/// y = f(x up^T + b) down^T + c with d_ff split: column-parallel, activation, row-parallel. One
/// collective forward, one backward (two each with sequence parallelism, of half the volume).
///
///     const auto features = rondo::cut::even(d_ff, tensor.size());
///     rondo::mlp block{tensor, features, kernels, rondo::gated{silu}};
///     block.forward(x, weights, saved, y);
///     block.backward(dy, x, weights, saved, dx, gradients);
///
///     x, y          both replicated<T>, or both sharded<T, 0>
///     gated{f}      rank i holds [gate_i; up_i] of the fused weight: `hidden()` is that cut
///     exact{..}     the bits of one rank, whatever the mesh
///
/// Cost: as column_parallel's backward and row_parallel's forward pass, 4 (n-1)/n elements of x in
/// all where it is replicated. Source: Shoeybi et al. 2019 (arXiv:1909.08053), section 3.
template <class Team, class Kernels, class Activation, class Order = any_order,
          class Wire = no_codec>
class mlp {
 public:
  mlp(Team ranks, const cut& features, Kernels kernels, Activation activation, Order order = {},
      Wire codec = {})
      : activation_{std::move(activation)},
        ranks_{ranks},
        up_{ranks, fused(features), kernels, order, codec},
        down_{ranks, features, kernels, order, codec} {}

  /// How d_ff is cut.
  [[nodiscard]] const cut& features() const noexcept { return down_.features(); }
  /// How the rows of the up weight are cut.
  [[nodiscard]] const cut& hidden() const noexcept { return up_.features(); }

  template <class X, class Y, class Memory, class T = typename X::element>
  void forward(const X& x, const mlp_weights<typename X::element>& with,
               mlp_saved<T, Memory>& saved, const Y& y,
               source_location where = source_location::current()) {
    check_types<X, Y, Memory>();
    const std::size_t tokens = detail::rows_of(x);
    const auto before = sized(saved.hidden, tokens, hidden());
    const auto after = sized(saved.active, tokens, features());
    up_.forward(x, with.up, shard<T>{before, hidden()}, where);
    activation_.forward(matrix<const T>{before}, after);
    down_.forward(shard<T>{after, features()}, with.down, y, where);
  }

  template <class DY, class X, class DX, class Gradients, class Memory,
            class T = typename X::element>
  void backward(const DY& dy, const X& x, const mlp_weights<typename X::element>& with,
                mlp_saved<T, Memory>& saved, const DX& dx, Gradients&& to,
                source_location where = source_location::current()) {
    check_types<X, DY, Memory>();
    const std::size_t tokens = detail::rows_of(x);
    const auto before = kept("mlp: saved.hidden", saved.hidden, tokens, hidden());
    const auto after = kept("mlp: saved.active", saved.active, tokens, features());
    const auto dafter = between<T>(ranks_.passage().inner, tokens, features());
    const auto dbefore = between<T>(ranks_.passage().outer, tokens, hidden());
    down_.backward(dy, shard<T>{after, features()}, with.down, shard<T>{dafter, features()},
                   to.down, where);
    activation_.backward(matrix<const T>{before}, matrix<const T>{dafter}, dbefore);
    up_.backward(shard<T>{dbefore, hidden()}, x, with.up, dx, to.up, where);
  }

 private:
  template <class T>
  using shard = sharded<T, 1, Team::axis>;

  template <class X, class Y, class Memory>
  static consteval void check_types() {
    static_assert(is_replicated<X> == is_replicated<Y> && is_sharded<X, 0> == is_sharded<Y, 0>,
                  "rondo: mlp: all_reduce and sequence parallelism do not mix; x and y are both "
                  "replicated, or both a shard of the rows");
    static_assert(activation_kernels<Activation, typename X::element>,
                  "rondo: mlp: the activation needs parts, forward(hidden, active) and "
                  "backward(hidden, dactive, dhidden); see pointwise and gated");
    static_assert(!Team::on_device || !std::is_same_v<Memory, std::vector<typename X::element>>,
                  "rondo: mlp: on GPUs, what is saved is in their memory: mlp_saved<T, "
                  "cuda::buffer<T>>");
    static_assert(!Team::on_device || !runs_on_host<Activation>,
                  "rondo: mlp: pointwise and gated run on the host; on GPUs, bring an activation "
                  "of your own that launches kernels");
  }

  static cut fused(const cut& features) {
    const std::vector<cut> parts(static_cast<std::size_t>(Activation::parts), features);
    return cut::fused(parts);
  }
  template <class Memory>
  auto sized(Memory& memory, std::size_t tokens, const cut& by) const {
    memory.resize(tokens * by.width(ranks_.rank()));
    return matrix{memory.data(), tokens, by.width(ranks_.rank())};
  }
  /// What the forward pass sized so.
  template <class Memory>
  auto kept(const char* what, Memory& memory, std::size_t tokens, const cut& by) const {
    if (memory.size() != tokens * by.width(ranks_.rank())) {
      refuse(std::string{what} + ": got " + std::to_string(memory.size()) +
                 " elements, expected the " + std::to_string(tokens * by.width(ranks_.rank())) +
                 " that the forward pass of the same " + std::to_string(tokens) + " tokens leaves",
             ranks_.rank());
    }
    return matrix{memory.data(), tokens, by.width(ranks_.rank())};
  }
  template <class T, class Room>
  matrix<T> between(Room& in, std::size_t tokens, const cut& by) const {
    return in.template get<T>(tokens, by.width(ranks_.rank()));
  }

  Activation activation_;
  Team ranks_;
  column_parallel<Team, Kernels, Order, Wire> up_;
  row_parallel<Team, Kernels, Order, Wire> down_;
};

template <class Team, class Kernels, class Activation>
mlp(Team, cut, Kernels, Activation) -> mlp<Team, Kernels, Activation>;

/// The size of an MLP on one micro-batch; `parts` as the activation's.
struct mlp_shape {
  std::size_t tokens = 0;
  std::size_t d_model = 0;
  std::size_t d_ff = 0;
  int parts = 1;
};

/// What an mlp does whose `x` and `y` are of type `X`, with d_ff cut evenly.
template <class X, class Order = any_order>
[[nodiscard]] layer_plan plan_mlp(const mlp_shape& sizes, const mesh_shape& grid,
                                  Order order = {}) {
  const detail::planner<X, Order> planned{grid, sizes.tokens, order};
  const cut features = planned.features(sizes.d_ff);
  const cut hidden = cut::fused(std::vector<cut>(static_cast<std::size_t>(sizes.parts), features));
  layer_plan made{.forward = planned.gather(sizes.d_model),
                  .backward = planned.gather(sizes.d_model)};
  for (auto& one : planned.reduce(sizes.d_model, features)) {
    made.forward.push_back(std::move(one));
  }
  for (auto& one : planned.gather(sizes.d_model)) {
    made.backward.push_back(std::move(one));
  }
  for (auto& one : planned.reduce(sizes.d_model, hidden)) {
    made.backward.push_back(std::move(one));
  }
  constexpr std::size_t bytes = sizeof(typename X::element);
  const std::size_t between = sizes.tokens * (features.width(0) + hidden.width(0)) * bytes;
  made.saved_bytes = planned.rows_held() * sizes.d_model * bytes + between;
  made.peak_bytes = made.saved_bytes + between + planned.gathered_bytes(sizes.d_model) +
                    (std::max)(planned.terms_bytes(sizes.d_model, features),
                               planned.terms_bytes(sizes.d_model, hidden));
  return made;
}

}  // namespace rondo::inline v0_1
