// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_to_all.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/attention/detail/attention_checks.hpp>
#include <rondo/tensor/attention/heads.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/detail/pack.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// Attention with its heads over the ranks of an axis, between a column-parallel [query; key;
/// value] projection and a row-parallel output projection.
///
///     rondo::head_attention attend{tensor, rondo::attention_heads{32, 8, 128}, kernels};
///     attend.forward(query, key, value, out, lse);
///     attend.backward(query, key, value, out, lse, d_out, d_query, d_key, d_value);
///
///     query, out  sharded<T or W, 1>  [tokens, own columns of query_columns()]
///     key, value  sharded<T, 1>       [tokens, own columns of key_value_columns()]
///     lse         matrix<W>           [tokens, own query heads]
///     gradients   sharded<W, 1>       as their values; they are written, not added to
///
/// W is what T is folded in, float for 16-bit floats. The tokens are those of the whole sequence.
/// The forward pass moves nothing. The backward pass moves something only where ranks share
/// key/value heads: each sends its terms of those heads' gradients to the others that hold them,
/// and all add the terms in the order of the ranks, so that they have the same bits.
///
/// `exact` order: the terms are those of single query heads, added in the order of the heads: the
/// same bits for any number of ranks. It calls the kernel's backward pass once per query head.
/// Cost: a shared head held by h ranks: each sends 2 * tokens * width elements to h-1 others (for
/// each of its query heads of that group, in exact order).
template <class Team, class Kernels, class Order = any_order>
class head_attention {
 public:
  head_attention(Team ranks, attention_heads heads, Kernels kernels,
                 visibility seen = visibility::causal, Order = {})
      : ranks_{std::move(ranks)},
        kernels_{std::move(kernels)},
        split_{heads, ranks_.size()},
        query_columns_{split_.query_columns()},
        key_value_columns_{split_.key_value_columns()},
        seen_{seen} {
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      terms_.push_back(terms_of_rank(rank));
    }
    for (int peer = 0; peer < ranks_.size(); ++peer) {
      gives_.push_back(shared(ranks_.rank(), peer));
      gets_.push_back(shared(peer, ranks_.rank()));
    }
  }

  [[nodiscard]] const head_split& split() const noexcept { return split_; }
  [[nodiscard]] const cut& query_columns() const noexcept { return query_columns_; }
  [[nodiscard]] const cut& key_value_columns() const noexcept { return key_value_columns_; }

  template <class Q, class K, class V, class Out, class W>
  void forward(const Q& query, const K& key, const V& value, const Out& out, matrix<W> lse) const {
    using T = typename Q::element;
    detail::check_attention_types<Team, 1, Kernels, T, W, Q, K, V, Out>();
    check(query, key, value);
    check_like("head_attention: out", out.values, query.values);
    check_logs(lse, query.values.rows);
    for_each(false, [&](attention_heads heads, part queries, part q, part kv) {
      kernels_.forward(heads, all_tokens(),
                       attention_forward<T, W>{.query = query.values.columns_at(q),
                                               .key = key.values.columns_at(kv),
                                               .value = value.values.columns_at(kv),
                                               .out = out.values.columns_at(q),
                                               .lse = lse.columns_at(queries)});
    });
  }

  /// Every rank of the axis calls it.
  template <class Q, class K, class V, class Out, class L, class DOut, class DQ, class DK, class DV>
  void backward(const Q& query, const K& key, const V& value, const Out& out, matrix<L> lse,
                const DOut& d_out, const DQ& d_query, const DK& d_key, const DV& d_value,
                source_location where = source_location::current()) {
    using T = typename Q::element;
    using W = std::remove_const_t<L>;
    detail::check_backward_types<Team, 1, Kernels, T, W, Q, K, V, Out, DQ, DK, DV, DOut>();
    check(query, key, value);
    check_like("head_attention: out", out.values, query.values);
    check_like("head_attention: d_out", d_out.values, query.values);
    check_logs(lse, query.values.rows);
    check_like("head_attention: d_query", d_query.values, query.values);
    check_like("head_attention: d_key", d_key.values, key.values);
    check_like("head_attention: d_value", d_value.values, value.values);
    const std::size_t rows = query.values.rows;
    const std::size_t heads_here = split_.query().width(ranks_.rank());
    const auto memory = ranks_.memory();
    const matrix<W> delta = delta_.template get<W>(rows, heads_here);
    const matrix<const W> d_result = d_out.values;
    detail::attention_delta(memory, width(), d_result, out.values, delta);
    detail::fill(memory, d_query.values, W{0});
    const auto& mine = terms_[static_cast<std::size_t>(ranks_.rank())];
    const matrix<W> terms = own_.template get<W>(2 * rows, mine.size() * width());
    detail::fill(memory, terms, W{0});
    W* const own = terms.data;
    const auto [d_k, d_v] = halves(own, rows, mine.size());
    std::size_t next = 0;
    for_each(exactly,
             [&, d_k = d_k, d_v = d_v](attention_heads heads, part queries, part q, part kv) {
               const part at{exactly ? next++ * width() : kv.first, kv.count};
               kernels_.backward(heads, all_tokens(),
                                 attention_backward<T, W>{.query = query.values.columns_at(q),
                                                          .key = key.values.columns_at(kv),
                                                          .value = value.values.columns_at(kv),
                                                          .d_out = d_result.columns_at(q),
                                                          .lse = lse.columns_at(queries),
                                                          .delta = delta.columns_at(queries),
                                                          .d_query = d_query.values.columns_at(q),
                                                          .d_key = d_k.columns_at(at),
                                                          .d_value = d_v.columns_at(at)});
             });
    const W* const arrived = split_.disjoint() ? nullptr : exchange(where, rows, own);
    fold(rows, own, arrived, d_key.values, d_value.values);
  }

  /// What both passes will move for elements of type T, and keep besides the caller's values.
  template <class T>
  [[nodiscard]] layer_plan planned(std::size_t tokens) const {
    using W = typename accumulator<T>::type;
    layer_plan made;
    std::size_t moved = 0;
    for (int from = 0; from < ranks_.size(); ++from) {
      for (int to = 0; to < ranks_.size(); ++to) {
        moved += shared(from, to).size();
      }
    }
    const std::size_t term_elements = 2 * tokens * width();
    if (!split_.disjoint()) {
      made.backward.push_back({.what = schedule::collective::all_to_all,
                               .elements = moved * term_elements,
                               .element_bytes = sizeof(W),
                               .axis = Team::name(),
                               .ranks = ranks_.size(),
                               .all_leave = true});
    }
    std::size_t terms = terms_[static_cast<std::size_t>(ranks_.rank())].size();
    for (std::size_t peer = 0; peer < gives_.size(); ++peer) {
      terms += gives_[peer].size() + gets_[peer].size();
    }
    made.peak_bytes = terms * term_elements * sizeof(W);
    return made;
  }

 private:
  static constexpr bool exactly = detail::is_exact<Order>;

  /// A term of the gradient of one key/value head: terms are added in the order of `number`.
  struct term {
    std::size_t head;    ///< over all ranks
    std::size_t number;  ///< the query head, or the rank
  };

  [[nodiscard]] std::size_t width() const { return split_.heads().width; }
  [[nodiscard]] attention_block all_tokens() const { return {0, 0, seen_ == visibility::causal}; }

  template <class Act>
  void for_each(bool each_query_head, const Act& act) const {
    detail::for_each_group(split_, ranks_.rank(), each_query_head,
                           [&](attention_heads heads, part queries, part keys) {
                             act(heads, queries, detail::columns_of(queries, width()),
                                 detail::columns_of(keys, width()));
                           });
  }

  /// The terms that `rank` computes, in the order in which they lie.
  [[nodiscard]] std::vector<term> terms_of_rank(int rank) const {
    std::vector<term> all;
    const auto& heads = exactly ? split_.query() : split_.key_value();
    for (const part own : heads.runs(rank)) {
      for (std::size_t head = own.first; head < own.first + own.count; ++head) {
        all.push_back(exactly ? term{head / split_.heads().group(), head}
                              : term{head, static_cast<std::size_t>(rank)});
      }
    }
    return all;
  }

  /// Which of the terms of `from` belong to heads that `to`, another rank, holds too.
  [[nodiscard]] std::vector<std::size_t> shared(int from, int to) const {
    std::vector<std::size_t> which;
    const auto& all = terms_[static_cast<std::size_t>(from)];
    for (std::size_t i = 0; from != to && i < all.size(); ++i) {
      for (const part held : split_.key_value().runs(to)) {
        if (all[i].head >= held.first && all[i].head < held.first + held.count) {
          which.push_back(i);
        }
      }
    }
    return which;
  }

  /// `count` terms: of the keys, and of the values.
  template <class U>
  [[nodiscard]] std::pair<matrix<U>, matrix<U>> halves(U* at, std::size_t rows,
                                                       std::size_t count) const {
    const std::size_t columns = count * width();
    return {{at, rows, columns}, {at + rows * columns, rows, columns}};
  }

  /// Gives each peer this rank's terms of the heads that it holds too; returns where theirs are.
  template <class W>
  const W* exchange(source_location where, std::size_t rows, const W* own) {
    const std::size_t block = 2 * rows * width();
    const auto [d_k, d_v] =
        halves(own, rows, terms_[static_cast<std::size_t>(ranks_.rank())].size());
    sent_.clear();
    received_.clear();
    std::size_t leaving = 0;
    std::size_t arriving = 0;
    for (std::size_t peer = 0; peer < gives_.size(); ++peer) {
      sent_.push_back(gives_[peer].size() * block);
      received_.push_back(gets_[peer].size() * block);
      leaving += sent_.back();
      arriving += received_.back();
    }
    const std::span<W> packed = packed_.template get<W>(leaving);
    W* next = packed.data();
    const part all{0, rows};
    for (const auto& gives : gives_) {
      for (const std::size_t one : gives) {
        const part columns{one * width(), width()};
        next = detail::pack(ranks_.memory(), d_k, {&all, 1}, {&columns, 1}, next);
        next = detail::pack(ranks_.memory(), d_v, {&all, 1}, {&columns, 1}, next);
      }
    }
    std::span<W> in = arrived_.template get<W>(arriving);
    detail::all_to_all_call::make(where, ranks_.comm(), packed, in, counts{sent_, received_});
    return in.data();
  }

  /// Adds up every own head's terms in their order.
  template <class W>
  void fold(std::size_t rows, const W* own, const W* arrived, matrix<W> d_key, matrix<W> d_value) {
    struct source {
      term of;
      matrix<const W> key;
      matrix<const W> value;
    };
    std::vector<source> all;
    for (std::size_t peer = 0; peer < terms_.size(); ++peer) {
      const auto& theirs = terms_[peer];
      if (static_cast<int>(peer) == ranks_.rank()) {
        const auto [d_k, d_v] = halves(own, rows, theirs.size());
        for (std::size_t i = 0; i < theirs.size(); ++i) {
          const part at{i * width(), width()};
          all.push_back({theirs[i], d_k.columns_at(at), d_v.columns_at(at)});
        }
      }
      for (const std::size_t i : gets_[peer]) {
        const auto [k, v] = halves(arrived, rows, 1);
        all.push_back({theirs[i], k, v});
        arrived += 2 * rows * width();
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const source& a, const source& b) { return a.of.number < b.of.number; });
    const auto memory = ranks_.memory();
    std::size_t local = 0;
    for (const part held : split_.key_value().runs(ranks_.rank())) {
      for (std::size_t head = held.first; head < held.first + held.count; ++head, ++local) {
        const part at{local * width(), width()};
        bool first = true;
        for (const source& one : all) {
          if (one.of.head == head) {
            const auto put = [&](matrix<const W> from, matrix<W> to) {
              first ? memory.copy(from, to) : detail::add(memory, from, to);
            };
            put(one.key, d_key.columns_at(at));
            put(one.value, d_value.columns_at(at));
            first = false;
          }
        }
      }
    }
  }

  template <class Q, class K, class V>
  void check(const Q& query, const K& key, const V& value) const {
    const auto fits = [&](const char* what, const auto& given, const cut& expected) {
      detail::check_shard(what, given, ranks_.rank(), ranks_.size());
      detail::check_shape(what, given.values.rows, given.values.columns, query.values.rows,
                          expected.width(ranks_.rank()), ranks_.rank());
    };
    fits("head_attention: query", query, query_columns_);
    fits("head_attention: key", key, key_value_columns_);
    fits("head_attention: value", value, key_value_columns_);
  }
  template <class U, class V>
  void check_like(const char* what, const matrix<U>& given, const matrix<V>& expected) const {
    detail::check_shape(what, given.rows, given.columns, expected.rows, expected.columns,
                        ranks_.rank());
  }
  template <class W>
  void check_logs(const matrix<W>& lse, std::size_t rows) const {
    detail::check_shape("head_attention: lse", lse.rows, lse.columns, rows,
                        split_.query().width(ranks_.rank()), ranks_.rank());
  }

  Team ranks_;
  Kernels kernels_;
  head_split split_;
  cut query_columns_;
  cut key_value_columns_;
  visibility seen_;
  std::vector<std::vector<term>> terms_;         ///< of every rank
  std::vector<std::vector<std::size_t>> gives_;  ///< own terms that each peer wants
  std::vector<std::vector<std::size_t>> gets_;   ///< terms of each peer that are wanted here
  detail::room<typename Team::memory_type> delta_{ranks_.memory()};
  detail::room<typename Team::memory_type> own_{ranks_.memory()};
  detail::room<typename Team::memory_type> packed_{ranks_.memory()};
  detail::room<typename Team::memory_type> arrived_{ranks_.memory()};
  std::vector<std::size_t> sent_;
  std::vector<std::size_t> received_;
};

template <class Team, class Kernels>
head_attention(Team, attention_heads, Kernels) -> head_attention<Team, Kernels>;
template <class Team, class Kernels>
head_attention(Team, attention_heads, Kernels, visibility) -> head_attention<Team, Kernels>;

}  // namespace rondo::inline v0_1
