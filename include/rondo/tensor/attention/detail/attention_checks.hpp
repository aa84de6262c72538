// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <type_traits>

/// What an attention over several ranks refuses.
namespace rondo::inline v0_1::detail {

template <class Team>
void check_context(const char* who, const Team& ranks, const cut& tokens,
                   const attention_heads& heads) {
  heads.check();
  if (tokens.ranks() != ranks.size()) {
    refuse(std::string{who} + ": tokens cut over " + std::to_string(tokens.ranks()) +
               " ranks on an axis of " + std::to_string(ranks.size()),
           ranks.rank());
  }
  check_disjoint(who, tokens, ranks.rank());
}

/// What an attention over a split sequence is given: shards of its tokens, by the columns of its
/// heads. Anything else is refused in the name of `who`.
class sequence_shapes {
 public:
  sequence_shapes(const char* who, const cut& tokens, const attention_heads& heads, int rank)
      : who_{who}, tokens_{tokens}, heads_{heads}, rank_{rank} {}

  /// As both passes are given it.
  template <class Q, class K, class V, class Out, class W>
  void check(const Q& query, const K& key, const V& value, const Out& out, matrix<W> lse) const {
    check_shard("query", query, heads_.query_columns());
    check_shard("key", key, heads_.key_value_columns());
    check_shard("value", value, heads_.key_value_columns());
    check_shape("out", out.values, heads_.query_columns());
    check_shape("lse", lse, heads_.query);
  }
  template <class DOut, class DQ, class DK, class DV>
  void check_gradients(const DOut& d_out, const DQ& d_query, const DK& d_key,
                       const DV& d_value) const {
    check_shape("d_out", d_out.values, heads_.query_columns());
    check_shape("d_query", d_query.values, heads_.query_columns());
    check_shape("d_key", d_key.values, heads_.key_value_columns());
    check_shape("d_value", d_value.values, heads_.key_value_columns());
  }

 private:
  template <class Shard>
  void check_shard(const char* what, const Shard& given, std::size_t columns) const {
    check_shape(what, given.values, columns);
    if (!(*given.division == tokens_)) {
      refuse(name_of(what) + ": cut otherwise than the tokens of this attention", rank_);
    }
  }
  template <class U>
  void check_shape(const char* what, matrix<U> given, std::size_t columns) const {
    const std::size_t rows = tokens_.width(rank_);
    if (given.rows != rows || given.columns != columns) {
      detail::check_shape(name_of(what).c_str(), given.rows, given.columns, rows, columns, rank_);
    }
  }
  [[nodiscard]] std::string name_of(const char* what) const {
    return std::string{who_} + ": " + what;
  }

  const char* who_;
  const cut& tokens_;
  const attention_heads& heads_;
  int rank_;
};

/// One line for values that an attention over a split sequence or split heads does not take.
template <class Team, int Dimension, class Kernels, class T, class W, class Q, class K, class V,
          class Out>
consteval void check_attention_types() {
  static_assert(is_sharded<Q, Dimension> && is_sharded<K, Dimension> && is_sharded<V, Dimension> &&
                    is_sharded<Out, Dimension>,
                "rondo: attention: query, key, value and out are shards of the dimension that is "
                "split: 0, rows, for context parallelism, 1, columns, for heads");
  static_assert(Q::axis == Team::axis && K::axis == Team::axis && V::axis == Team::axis &&
                    Out::axis == Team::axis,
                "rondo: attention: the values lie on another axis than these ranks");
  static_assert(std::is_same_v<typename K::element, T> && std::is_same_v<typename V::element, T>,
                "rondo: attention: query, key and value are of one type");
  static_assert(
      std::is_same_v<typename Out::element, W> && std::is_same_v<W, typename accumulator<T>::type>,
      "rondo: attention: out, lse and gradients are of the type in which values are "
      "folded: float for 16-bit floats");
  static_assert(attention_kernel<Kernels, T>,
                "rondo: attention: the kernels need forward and backward as attention_kernel says");
}

/// Likewise for the values of a backward pass, and for their gradients.
template <class Team, int Dimension, class Kernels, class T, class W, class Q, class K, class V,
          class Out, class DQ, class DK, class DV, class DOut>
consteval void check_backward_types() {
  check_attention_types<Team, Dimension, Kernels, T, W, Q, K, V, Out>();
  check_attention_types<Team, Dimension, Kernels, W, W, DQ, DK, DV, DOut>();
}

}  // namespace rondo::inline v0_1::detail
