// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/attention/heads.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/host_memory.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>

#include <cstddef>
#include <vector>

/// Layers run for what they ask of a communicator and of a kernel, whatever the values.
namespace both_passes {

using rondo::cut;
using rondo::matrix;

/// How an attention lies on its ranks.
struct attention_shape {
  std::size_t tokens;
  rondo::attention_heads heads;
  cut queries, keys;       ///< of tokens, or of columns where heads are split
  bool own_heads = false;  ///< lse is of the rank's heads over all tokens
};

/// Both passes of `attend` on rank `rank`; dimension 0 splits tokens, 1 heads. `between()` is
/// called after the first.
template <int Dimension, class Attention, class Between>
void of_attention(Attention& attend, const attention_shape& shape, int rank,
                  const Between& between) {
  constexpr bool rows_split = Dimension == 0;
  const auto q_width = shape.queries.width(rank);
  const auto k_width = shape.keys.width(rank);
  const std::size_t rows = rows_split ? q_width : shape.tokens;
  const std::size_t q_columns = rows_split ? shape.heads.query_columns() : q_width;
  const std::size_t k_columns = rows_split ? shape.heads.key_value_columns() : k_width;
  const rondo::head_split split{shape.heads, shape.queries.ranks()};
  const std::size_t logs_rows = shape.own_heads ? shape.tokens : rows;
  const std::size_t logs_columns = shape.own_heads ? split.query().width(rank) : shape.heads.query;
  std::vector<float> q(rows * q_columns, 0.5F), k(rows * k_columns, 0.25F), out(q);
  std::vector<float> d_q(q), d_k(k), d_v(k), logs(logs_rows * logs_columns);
  using shard = rondo::sharded<float, Dimension, "context">;
  const auto as_query = [&](std::vector<float>& of) {
    return shard{{of.data(), rows, q_columns}, shape.queries};
  };
  const auto as_key = [&](std::vector<float>& of) {
    return shard{{of.data(), rows, k_columns}, shape.keys};
  };
  const matrix<float> lse{logs.data(), logs_rows, logs_columns};
  attend.forward(as_query(q), as_key(k), as_key(k), as_query(out), lse);
  between();
  attend.backward(as_query(q), as_key(k), as_key(k), as_query(out), lse, as_query(q), as_query(d_q),
                  as_key(d_k), as_key(d_v));
}

/// An expert that gives back what it gets.
struct copying {
  void forward(std::size_t, matrix<const float> rows, matrix<float> out) const {
    rondo::detail::host_memory::copy<float>(rows, out);
  }
  void backward(std::size_t, matrix<const float>, matrix<const float> d_out,
                matrix<float> d_rows) const {
    rondo::detail::host_memory::copy<float>(d_out, d_rows);
  }
};

}  // namespace both_passes
