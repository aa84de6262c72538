// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/tensor/detail/table_rows.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/layers/detail/linear_plan.hpp>
#include <rondo/tensor/layers/detail/split_linear.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/wire.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// The gradient of a table in exact mode: sums over tokens by the tree of leaves of `exact.tokens`.
/// On GPUs: `exact_table_gradient<T, cuda::buffer<T>>`.
template <class T, class Memory = std::vector<T>>
struct exact_table_gradient {
  tree_sum<T, Memory> table;
  std::size_t first_token = 0;

  exact_table_gradient() = default;
  exact_table_gradient(std::size_t rows, std::size_t columns) : table{rows * columns} {}

  /// Begins a step: no leaf has been put, and the next tokens are those from `token` on.
  void restart(std::size_t token = 0) {
    table.restart(table.elements());
    first_token = token;
  }
};

/// A vocabulary made longer, so that each of `ranks` ranks gets as many words and a multiple of
/// `granule`. What is added counts for nothing in `vocabulary_cross_entropy`: tell it how many
/// words there are. Any cut fits without it; some products are fastest for such sizes.
/// Errors: no rank, or a granule of 0.
/// Source: Shoeybi et al. 2019 (arXiv:1909.08053), section 4.1; granule as in Megatron-LM.
[[nodiscard]] constexpr std::size_t padded_vocabulary(std::size_t words, int ranks,
                                                      std::size_t granule = 128) {
  if (ranks < 1 || granule == 0) {
    refuse("padded_vocabulary: for " + std::to_string(ranks) + " ranks by granules of " +
           std::to_string(granule) + "; expected at least 1 of both");
  }
  const std::size_t unit = granule * static_cast<std::size_t>(ranks);
  return (words + unit - 1) / unit * unit;
}

/// The rows of a table that tokens name, with the table's rows split: rank i holds those that
/// `vocabulary` gives it.
///
///     rondo::vocabulary_embedding words{tensor, rondo::cut::even(50257, tensor.size())};
///     words.forward(tokens, table, y);
///     words.backward(dy, tokens, dtable);
///
///     tokens  all of them, on every rank
///     table   [vocabulary/n, features]
///     y       replicated<T>        or sharded<T, 0>, rows: sequence parallelism
///     forward    all_reduce(y)     or reduce_scatter(y)
///     backward   nothing           or all_gather(dy)
///
/// One rank holds a token's row, all others add zeros, so the forward pass has the same bits in any
/// order (a zero comes out positive). The backward pass adds rows in the order of the tokens.
/// Cost, of E elements of y: the all_reduce moves 2 (n-1)/n E per rank, the others (n-1)/n E each.
/// Errors: a token outside the vocabulary. On GPUs the host does not look at tokens: such a token
/// gets a row of NaN on every rank, and no gradient.
template <class Team, class Order = any_order, class Wire = no_codec>
class vocabulary_embedding {
 public:
  vocabulary_embedding(Team ranks, cut vocabulary, Order order = {}, Wire codec = {})
      : split_{std::move(ranks), std::move(vocabulary), {}, {}, std::move(codec)}, order_{order} {
    static_assert(detail::check_wire<Order, Wire>());
    detail::check_disjoint("vocabulary_embedding", split_.features(), split_.ranks().rank());
    std::size_t row = 0;
    for (const part run : split_.features().runs(split_.ranks().rank())) {
      held_.push_back({run, row});
      row += run.count;
    }
  }

  /// How the table's rows are cut.
  [[nodiscard]] const cut& vocabulary() const noexcept { return split_.features(); }

  template <class Token, class T, class Y>
  void forward(std::span<const Token> tokens, matrix<const T> table, const Y& y,
               source_location where = source_location::current()) {
    check_types<Y>();
    check(tokens.size(), table.rows, table.columns, y);
    if constexpr (!Team::on_device) {
      check_tokens(tokens);
    }
    split_
        .template reduce_behind<T>(where, y, tokens.size(), table.columns,
                                   [&](part, matrix<T> out) {
                                     detail::look_up(split_.ranks().memory(), tokens,
                                                     vocabulary().extent(), held(), table, out);
                                   })
        .wait();
  }

  /// dtable += the rows of dy whose tokens this rank holds.
  template <class DY, class Token>
  void backward(const DY& dy, std::span<const Token> tokens, matrix<typename DY::element> dtable,
                source_location where = source_location::current()) {
    static_assert(!detail::is_exact<Order>,
                  "rondo: vocabulary_embedding: exact mode adds into an exact_table_gradient");
    check_types<DY>();
    check(tokens.size(), dtable.rows, dtable.columns, dy);
    auto all = split_.whole_behind(where, dy);
    all.wait();
    add(tokens, all.values, dtable);
  }

  /// The same by leaves of tokens.
  template <class DY, class Token, class Memory>
  void backward(const DY& dy, std::span<const Token> tokens,
                exact_table_gradient<typename DY::element, Memory>& to,
                source_location where = source_location::current()) {
    using T = typename DY::element;
    static_assert(detail::is_exact<Order>,
                  "rondo: vocabulary_embedding: an exact_table_gradient needs exact mode; give the "
                  "layer exact{features, tokens}");
    check_types<DY>();
    const std::size_t rows = split_.width();
    const std::size_t columns = dy.values.columns;
    check(tokens.size(), rows, columns, dy);
    detail::check_count("vocabulary_embedding", "the table's gradient", to.table.elements(),
                        rows * columns, split_.ranks().rank());
    detail::check_first_token(order_, to.first_token);
    auto all = split_.whole_behind(where, dy);
    all.wait();
    for (std::size_t first = 0; first < tokens.size(); first += order_.tokens) {
      const matrix<T> terms{to.table.room(split_.ranks().memory()).data(), rows, columns};
      detail::fill(split_.ranks().memory(), terms, T{});
      const part some{first, (std::min)(order_.tokens, tokens.size() - first)};
      add(tokens.subspan(some.first, some.count), all.values.rows_at(some), terms);
      to.table.put((to.first_token + first) / order_.tokens, split_.ranks().memory());
    }
  }

 private:
  struct no_kernels {};

  template <class Y>
  static consteval void check_types() {
    static_assert(is_replicated<Y> || is_sharded<Y, 0>,
                  "rondo: vocabulary_embedding: y is replicated, or a shard of the rows");
    static_assert(Y::axis == Team::axis,
                  "rondo: vocabulary_embedding: y lies over another axis than the table");
  }

  template <class Y>
  void check(std::size_t tokens, std::size_t rows, std::size_t columns, const Y& y) const {
    const int rank = split_.ranks().rank();
    detail::check_count("vocabulary_embedding", "the table's rows", rows, split_.width(), rank);
    detail::check_shape("vocabulary_embedding: y", detail::rows_of(y), y.values.columns, tokens,
                        columns, rank);
  }

  template <class Token>
  void check_tokens(std::span<const Token> tokens) const {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (std::cmp_less(tokens[i], 0) || std::cmp_greater_equal(tokens[i], vocabulary().extent())) {
        refuse("vocabulary_embedding: token " + std::to_string(tokens[i]) + " at position " +
                   std::to_string(i) + " of a vocabulary of " +
                   std::to_string(vocabulary().extent()),
               split_.ranks().rank());
      }
    }
  }

  [[nodiscard]] std::span<const detail::held_words> held() const { return held_; }

  template <class Token, class T>
  void add(std::span<const Token> tokens, matrix<const T> dy, matrix<T> dtable) const {
    const auto& ranks = split_.ranks();
    detail::add_rows_of(ranks.memory(), tokens, held(), dy, dtable, [&] {
      return ranks.passage().terms.template get<std::uint32_t>(2, tokens.size());
    });
  }

  detail::split_linear<Team, no_kernels, any_order, Wire> split_;
  Order order_;
  std::vector<detail::held_words> held_;
};

template <class Team>
vocabulary_embedding(Team, cut) -> vocabulary_embedding<Team>;

/// What a vocabulary_embedding does whose `y`, [tokens, features], is of type `Y`.
template <class Y>
[[nodiscard]] layer_plan plan_vocabulary_embedding(std::size_t tokens, std::size_t features,
                                                   const mesh_shape& grid) {
  const detail::planner<Y, any_order> planned{grid, tokens, {}};
  const cut any = cut::whole(0, planned.ranks());
  layer_plan made{.forward = planned.reduce(features, any), .backward = planned.gather(features)};
  made.peak_bytes = planned.gathered_bytes(features) + planned.terms_bytes(features, any);
  return made;
}

}  // namespace rondo::inline v0_1
