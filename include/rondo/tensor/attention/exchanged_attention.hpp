// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/operation.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/attention/detail/attention_checks.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/pack.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// Attention over a split sequence by all-to-all: tokens are exchanged for heads, every rank
/// attends with some heads over the whole sequence, and heads are exchanged for tokens again.
///
///     rondo::exchanged_attention attend{context, rondo::cut::even(tokens, n), heads, kernels};
///
/// Values, shapes and calls as of `ring_attention`, but lse is of the rank's heads over the whole
/// sequence: [tokens, split().query().width(rank)]. Saved besides the caller's values: nothing; the
/// backward pass exchanges query, key, value, out and d_out again.
/// With more ranks than key/value heads a head's keys go to every rank that reads them. `exact`
/// order as of `head_attention`.
///
/// Cost per rank, n ranks, Q elements of query, KV of keys and values together: forward
/// (2 Q + KV)/n * (n-1)/n, backward (4 Q + 2 KV)/n * (n-1)/n.
/// Source: Jacobs et al., DeepSpeed Ulysses (2023), arXiv:2309.14509.
template <class Team, class Kernels, class Order = any_order>
class exchanged_attention {
 public:
  exchanged_attention(Team ranks, cut tokens, attention_heads heads, Kernels kernels,
                      visibility seen = visibility::causal, Order order = {})
      : ranks_{ranks},
        tokens_{std::move(tokens)},
        heads_{heads},
        attend_{std::move(ranks), heads, std::move(kernels), seen, order} {
    detail::check_context("exchanged_attention", ranks_, tokens_, heads_);
  }

  [[nodiscard]] const cut& tokens() const noexcept { return tokens_; }
  [[nodiscard]] const head_split& split() const noexcept { return attend_.split(); }

  template <class Q, class K, class V, class Out, class W>
  void forward(const Q& query, const K& key, const V& value, const Out& out, matrix<W> lse,
               source_location where = source_location::current()) {
    using T = typename Q::element;
    detail::check_attention_types<Team, 0, Kernels, T, W, Q, K, V, Out>();
    const auto q = by_heads<T>(where, query, attend_.query_columns(), query_);
    const auto k = by_heads<T>(where, key, attend_.key_value_columns(), key_);
    const auto v = by_heads<T>(where, value, attend_.key_value_columns(), value_);
    const auto o = room<W>(attend_.query_columns(), out_);
    attend_.forward(q, k, v, o, lse);
    convert(ranks_, o, out, where);
  }

  template <class Q, class K, class V, class Out, class L, class DOut, class DQ, class DK, class DV>
  void backward(const Q& query, const K& key, const V& value, const Out& out, matrix<L> lse,
                const DOut& d_out, const DQ& d_query, const DK& d_key, const DV& d_value,
                source_location where = source_location::current()) {
    using T = typename Q::element;
    using W = std::remove_const_t<L>;
    detail::check_backward_types<Team, 0, Kernels, T, W, Q, K, V, Out, DQ, DK, DV, DOut>();
    const auto q = by_heads<T>(where, query, attend_.query_columns(), query_);
    const auto k = by_heads<T>(where, key, attend_.key_value_columns(), key_);
    const auto v = by_heads<T>(where, value, attend_.key_value_columns(), value_);
    const auto o = by_heads<W>(where, out, attend_.query_columns(), out_);
    const auto d_o = by_heads<W>(where, d_out, attend_.query_columns(), d_out_);
    const auto d_q = room<W>(attend_.query_columns(), d_query_);
    const auto d_k = room<W>(attend_.key_value_columns(), d_key_);
    const auto d_v = room<W>(attend_.key_value_columns(), d_value_);
    attend_.backward(q, k, v, o, lse, d_o, d_q, d_k, d_v, where);
    convert(ranks_, d_q, d_query, where);
    give_back(where, d_k, d_key);
    give_back(where, d_v, d_value);
  }

  /// What both passes will move for elements of type T, and keep besides the caller's values.
  template <class T>
  [[nodiscard]] layer_plan planned() const {
    using W = typename accumulator<T>::type;
    const auto exchange = [&](const cut& columns, std::size_t element_bytes) {
      return planned_collective{.what = schedule::collective::all_to_all,
                                .elements = tokens_.extent() * detail::total(columns.widths()),
                                .element_bytes = element_bytes,
                                .axis = Team::name(),
                                .ranks = ranks_.size()};
    };
    const auto queries = exchange(attend_.query_columns(), sizeof(T));
    const auto keys = exchange(attend_.key_value_columns(), sizeof(T));
    const auto wide = exchange(attend_.query_columns(), sizeof(W));
    const auto back =
        exchange(attend_.split().key_value().first_holders().scaled(heads_.width), sizeof(W));
    layer_plan made = attend_.template planned<T>(tokens_.extent());
    made.forward = {queries, keys, keys, wide};
    std::vector<planned_collective> backward{queries, keys, keys, wide, wide};
    backward.insert(backward.end(), made.backward.begin(), made.backward.end());
    backward.insert(backward.end(), {wide, back, back});
    made.backward = std::move(backward);
    const std::size_t q = attend_.query_columns().width(ranks_.rank()) * tokens_.extent();
    const std::size_t kv = attend_.key_value_columns().width(ranks_.rank()) * tokens_.extent();
    made.peak_bytes += (q + 2 * kv) * sizeof(T) + (3 * q + 2 * kv) * sizeof(W);
    return made;
  }

 private:
  using memory = detail::room<typename Team::memory_type>;

  template <class U>
  [[nodiscard]] sharded<U, 1, Team::axis> room(const cut& columns, memory& in) const {
    return {in.template get<U>(tokens_.extent(), columns.width(ranks_.rank())), columns};
  }

  /// Exchanges tokens for heads.
  template <class U, class Rows>
  [[nodiscard]] sharded<U, 1, Team::axis> by_heads(source_location where, const Rows& rows,
                                                   const cut& columns, memory& in) const {
    const auto all = room<U>(columns, in);
    convert(ranks_, rows, all, where);
    return all;
  }

  /// Exchanges heads for tokens; of those that several ranks hold, equal by now, the first's.
  template <class Heads, class Rows>
  void give_back(source_location where, const Heads& heads, const Rows& rows) const {
    const cut first = split().key_value().first_holders().scaled(heads_.width);
    const std::size_t shared = heads.values.columns - first.width(ranks_.rank());
    const part own{shared, first.width(ranks_.rank())};
    convert(ranks_, Heads{heads.values.columns_at(own), first}, rows, where);
  }

  Team ranks_;
  cut tokens_;
  attention_heads heads_;
  head_attention<Team, Kernels, Order> attend_;
  memory query_{ranks_.memory()};
  memory key_{ranks_.memory()};
  memory value_{ranks_.memory()};
  memory out_{ranks_.memory()};
  memory d_out_{ranks_.memory()};
  memory d_query_{ranks_.memory()};
  memory d_key_{ranks_.memory()};
  memory d_value_{ranks_.memory()};
};

template <class Team, class Kernels>
exchanged_attention(Team, cut, attention_heads, Kernels) -> exchanged_attention<Team, Kernels>;
template <class Team, class Kernels>
exchanged_attention(Team, cut, attention_heads, Kernels, visibility)
    -> exchanged_attention<Team, Kernels>;

}  // namespace rondo::inline v0_1
