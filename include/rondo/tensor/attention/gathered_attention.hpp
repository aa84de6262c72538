// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/operation.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/attention/detail/attention_checks.hpp>
#include <rondo/tensor/attention/detail/pair_attention.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/pack.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// Attention over a split sequence with the keys and values of all ranks gathered first: more
/// memory than `ring_attention`, and blocks are merged in the order of the sequence.
///
///     rondo::gathered_attention attend{context, rondo::zigzag(tokens, n), heads, kernels};
///
/// Values, shapes and calls as of `ring_attention`. The backward pass gathers again and
/// reduce-scatters the gradients of keys and values.
///
/// `exact` order: keys are met in leaves of `exact.tokens`, and the gradients' terms of each leaf
/// of queries are added by the tree over the leaves: the same bits for any number of ranks. The cut
/// gives every rank whole leaves: `zigzag(tokens, n, exact.tokens)`. It calls the kernels once for
/// each pair of leaves, and moves every node of a rank's leaves instead of one sum.
///
/// Cost per rank, n ranks, KV elements of keys and values together: forward (n-1)/n KV; backward
/// (n-1)/n KV and (n-1)/n KV of gradients. Source: Grattafiori et al., The Llama 3 Herd of Models
/// (2024), section 3.3.2, arXiv:2407.21783.
template <class Team, class Kernels, class Order = any_order>
class gathered_attention {
 public:
  gathered_attention(Team ranks, cut tokens, attention_heads heads, Kernels kernels,
                     visibility seen = visibility::causal, Order order = {})
      : ranks_{std::move(ranks)},
        tokens_{std::move(tokens)},
        heads_{heads},
        pairs_{heads, std::move(kernels), ranks_.memory()},
        seen_{seen},
        order_{order},
        tree_{exactly ? leaves() : cut::whole(0, 1)} {
    detail::check_context("gathered_attention", ranks_, tokens_, heads_);
  }

  [[nodiscard]] const cut& tokens() const noexcept { return tokens_; }

  template <class Q, class K, class V, class Out, class W>
  void forward(const Q& query, const K& key, const V& value, const Out& out, matrix<W> lse,
               source_location where = source_location::current()) {
    using T = typename Q::element;
    detail::check_attention_types<Team, 0, Kernels, T, W, Q, K, V, Out>();
    shapes().check(query, key, value, out, lse);
    const auto [keys, values] = gather<T>(where, key, value);
    const attention_forward<T, W> given{query.values, keys, values, out.values, lse};
    pairs_.begin_forward(out.values, lse);
    detail::for_each_seen_pair(seen_, tokens_.runs(ranks_.rank()), key_blocks(),
                               [&](part mine, part some, attention_block block) {
                                 pairs_.forward(block, given.at(mine, some));
                               });
  }

  template <class Q, class K, class V, class Out, class L, class DOut, class DQ, class DK, class DV>
  void backward(const Q& query, const K& key, const V& value, const Out& out, matrix<L> lse,
                const DOut& d_out, const DQ& d_query, const DK& d_key, const DV& d_value,
                source_location where = source_location::current()) {
    using T = typename Q::element;
    using W = std::remove_const_t<L>;
    detail::check_backward_types<Team, 0, Kernels, T, W, Q, K, V, Out, DQ, DK, DV, DOut>();
    shapes().check(query, key, value, out, lse);
    shapes().check_gradients(d_out, d_query, d_key, d_value);
    const auto [keys, values] = gather<T>(where, key, value);
    const auto memory = ranks_.memory();
    const matrix<const W> delta = pairs_.begin_backward(d_out.values, out.values, d_query.values);
    const std::size_t columns = 2 * heads_.key_value_columns();
    attention_backward<T, W> given{.query = query.values,
                                   .key = keys,
                                   .value = values,
                                   .d_out = d_out.values,
                                   .lse = lse,
                                   .delta = delta,
                                   .d_query = d_query.values,
                                   .d_key = {},
                                   .d_value = {}};
    const auto add_terms = [&](std::size_t local, part run, matrix<W> terms) {
      const part own[]{run};
      given.d_key = terms.columns_at(half(0));
      given.d_value = terms.columns_at(half(1));
      detail::for_each_seen_pair(seen_, own, key_blocks(),
                                 [&](part mine, part some, attention_block block) {
                                   mine.first += local;
                                   pairs_.backward(block, given.at(mine, some));
                                 });
    };
    const matrix<W> own = own_.template get<W>(tokens_.width(ranks_.rank()), columns);
    const sharded<W, 0, Team::axis> to{own, tokens_};
    if constexpr (exactly) {
      using leaf_sums = tree_sum<W, typename Team::memory_type::template array<W>>;
      auto& sums = kept_.template get<leaf_sums>();
      sums.restart(tokens_.extent() * columns);
      for (const auto& leaf : detail::leaves_of(tokens_, ranks_.rank(), order_.tokens)) {
        const matrix<W> terms{sums.room(ranks_.memory()).data(), tokens_.extent(), columns};
        detail::fill(memory, terms, W{0});
        add_terms(leaf.local.first, {leaf.number * order_.tokens, leaf.local.count}, terms);
        sums.put(leaf.number, memory);
      }
      tree_.reduce(ranks_, sums, to, where);
    } else {
      const matrix<W> terms = terms_.template get<W>(tokens_.extent(), columns);
      detail::fill(memory, terms, W{0});
      std::size_t local = 0;
      for (const part run : tokens_.runs(ranks_.rank())) {
        add_terms(local, run, terms);
        local += run.count;
      }
      convert(ranks_, partial<W, op::sum, Team::axis>{terms}, to, where);
    }
    memory.template copy<W>(own.columns_at(half(0)), d_key.values);
    memory.template copy<W>(own.columns_at(half(1)), d_value.values);
  }

  /// What both passes will move for elements of type T, and keep besides the caller's values.
  template <class T>
  [[nodiscard]] layer_plan planned() const {
    using W = typename accumulator<T>::type;
    const std::size_t all = 2 * tokens_.extent() * heads_.key_value_columns();
    const planned_collective gathers{.what = schedule::collective::all_gather,
                                     .elements = all,
                                     .element_bytes = sizeof(T),
                                     .axis = Team::name(),
                                     .ranks = ranks_.size()};
    layer_plan made{.forward = {gathers}, .backward = {gathers}};
    std::size_t sums = 1;
    if constexpr (exactly) {
      made.backward.push_back(
          tree_.planned(conversion::reduce_scatter, all, sizeof(W), Team::name()));
      sums = tree_.arrays();
    } else {
      made.backward.push_back({.what = schedule::collective::reduce_scatter,
                               .elements = all,
                               .element_bytes = sizeof(W),
                               .axis = Team::name(),
                               .ranks = ranks_.size()});
    }
    const std::size_t rows = tokens_.width(ranks_.rank());
    made.peak_bytes =
        all * (sizeof(T) + sums * sizeof(W)) +
        rows * (2 * heads_.key_value_columns() + heads_.query_columns() + heads_.query) * sizeof(W);
    return made;
  }

 private:
  static constexpr bool exactly = detail::is_exact<Order>;

  [[nodiscard]] cut leaves() const {
    if constexpr (exactly) {
      return detail::leaf_cut(tokens_, order_.tokens);
    } else {
      return {};
    }
  }
  /// The columns of the keys, or of the values, in a row of both.
  [[nodiscard]] part half(std::size_t which) const {
    return {which * heads_.key_value_columns(), heads_.key_value_columns()};
  }

  /// What the kernel meets in one call: the whole sequence, or a leaf.
  [[nodiscard]] std::vector<part> key_blocks() const {
    std::vector<part> all;
    std::size_t step = tokens_.extent();
    if constexpr (exactly) {
      step = order_.tokens;
    }
    for (std::size_t first = 0; first < tokens_.extent(); first += step) {
      all.push_back({first, (std::min)(step, tokens_.extent() - first)});
    }
    return all;
  }

  /// All ranks' keys and values, in the order of the sequence.
  template <class T, class K, class V>
  std::pair<matrix<const T>, matrix<const T>> gather(source_location where, const K& key,
                                                     const V& value) {
    const std::size_t columns = 2 * heads_.key_value_columns();
    const matrix<T> own = own_.template get<T>(key.values.rows, columns);
    ranks_.memory().template copy<T>(key.values, own.columns_at(half(0)));
    ranks_.memory().template copy<T>(value.values, own.columns_at(half(1)));
    const matrix<T> all = gathered_.template get<T>(tokens_.extent(), columns);
    convert(ranks_, sharded<T, 0, Team::axis>{own, tokens_}, replicated<T, Team::axis>{all}, where);
    return {all.columns_at(half(0)), all.columns_at(half(1))};
  }

  [[nodiscard]] detail::sequence_shapes shapes() const {
    return {"gathered_attention", tokens_, heads_, ranks_.rank()};
  }

  Team ranks_;
  cut tokens_;
  attention_heads heads_;
  detail::pair_attention<Kernels, typename Team::memory_type> pairs_;
  visibility seen_;
  Order order_;
  tree_exchange tree_;
  keepsakes kept_;  ///< the sum of leaves
  detail::room<typename Team::memory_type> own_{ranks_.memory()};
  detail::room<typename Team::memory_type> gathered_{ranks_.memory()};
  detail::room<typename Team::memory_type> terms_{ranks_.memory()};
};

template <class Team, class Kernels>
gathered_attention(Team, cut, attention_heads, Kernels) -> gathered_attention<Team, Kernels>;
template <class Team, class Kernels>
gathered_attention(Team, cut, attention_heads, Kernels, visibility)
    -> gathered_attention<Team, Kernels>;

}  // namespace rondo::inline v0_1
