// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tensor/attention.hpp"

#include <rondo/collective/barrier.hpp>
#include <rondo/tensor/attention/heads.hpp>
#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

/// An attention on ranks that hold parts of the tokens or of the heads.
namespace attention_case {

using rondo::attention_heads;
using rondo::cut;
using rondo::matrix;

template <int Dimension, class T>
using shard = rondo::sharded<T, Dimension, "context">;

/// A rank's part of a whole matrix, and back.
template <class T>
std::vector<T> part_of(const std::vector<T>& whole, std::size_t columns, const cut& by,
                       int dimension, int rank) {
  std::vector<T> held;
  const std::size_t rows = columns == 0 ? 0 : whole.size() / columns;
  const std::size_t width = by.width(rank);
  for (std::size_t r = 0; r < (dimension == 0 ? width : rows); ++r) {
    for (std::size_t c = 0; c < (dimension == 0 ? columns : width); ++c) {
      held.push_back(dimension == 0 ? whole[by.global(rank, r) * columns + c]
                                    : whole[r * columns + by.global(rank, c)]);
    }
  }
  return held;
}
template <class T>
void put_back(const std::vector<T>& held, std::vector<T>& whole, std::size_t columns, const cut& by,
              int dimension, int rank) {
  const std::size_t width = by.width(rank);
  for (std::size_t i = 0; i < held.size(); ++i) {
    const std::size_t across = dimension == 0 ? columns : width;
    const std::size_t r = i / across;
    const std::size_t c = i % across;
    whole[dimension == 0 ? by.global(rank, r) * columns + c : r * columns + by.global(rank, c)] =
        held[i];
  }
}

/// What is split, and how: dimension 0 cuts tokens, 1 heads.
struct split_sequence {
  const attention::sequence<float>& given;
  std::size_t tokens;
  attention_heads heads;
  const cut& queries;
  const cut& keys;
  bool whole_lse = false;  ///< lse is of the rank's heads over all tokens
};

/// Runs both passes of what `make(team)` makes on the calling rank, `times` times, and puts its
/// part of the results into `to`. Between them goes the forward pass of another micro-batch, so
/// that nothing is left over from the first. `comm` is what the attention sees, `peers` the same
/// ranks.
template <int Dimension, class Comm, class Peers, class Make>
void run_on(Comm& comm, Peers& peers, const split_sequence& of, const Make& make, int times,
            attention::sequence<float>& to) {
  const auto team = rondo::along<"context">(comm);
  const int r = peers.rank();
  const std::size_t a = of.heads.query_columns();
  const std::size_t g = of.heads.key_value_columns();
  auto attend = make(team);
  auto q = part_of(of.given.query, a, of.queries, Dimension, r);
  auto k = part_of(of.given.key, g, of.keys, Dimension, r);
  auto v = part_of(of.given.value, g, of.keys, Dimension, r);
  auto d_o = part_of(of.given.d_out, a, of.queries, Dimension, r);
  std::vector<float> o(q.size()), d_q(q.size(), 7), d_k(k.size(), 7), d_v(v.size(), 7);
  std::vector<float> other_o(o);
  const std::size_t rows = Dimension == 0 ? of.queries.width(r) : of.tokens;
  const std::size_t q_columns = Dimension == 0 ? a : of.queries.width(r);
  const std::size_t k_columns = Dimension == 0 ? g : of.keys.width(r);
  const std::size_t logs_rows = of.whole_lse ? of.tokens : rows;
  const std::size_t logs_columns = of.whole_lse || Dimension == 1
                                       ? rondo::head_split{of.heads, peers.size()}.query().width(r)
                                       : of.heads.query;
  std::vector<float> logs(logs_rows * logs_columns), other_logs(logs);
  const auto view = [&](std::vector<float>& values, std::size_t columns, const cut& by) {
    return shard<Dimension, float>{{values.data(), rows, columns}, by};
  };
  const matrix<float> lse{logs.data(), logs_rows, logs_columns};
  const matrix<float> other_lse{other_logs.data(), logs_rows, logs_columns};
  for (int time = 0; time < times; ++time) {
    attend.forward(view(q, q_columns, of.queries), view(k, k_columns, of.keys),
                   view(v, k_columns, of.keys), view(o, q_columns, of.queries), lse);
    attend.forward(view(d_o, q_columns, of.queries), view(v, k_columns, of.keys),
                   view(k, k_columns, of.keys), view(other_o, q_columns, of.queries), other_lse);
    attend.backward(view(q, q_columns, of.queries), view(k, k_columns, of.keys),
                    view(v, k_columns, of.keys), view(o, q_columns, of.queries), lse,
                    view(d_o, q_columns, of.queries), view(d_q, q_columns, of.queries),
                    view(d_k, k_columns, of.keys), view(d_v, k_columns, of.keys));
  }
  for (int turn = 0; turn < peers.size(); ++turn) {  // several ranks may hold one head
    rondo::barrier(peers);
    if (turn == r) {
      put_back(o, to.out, a, of.queries, Dimension, r);
      put_back(d_q, to.d_query, a, of.queries, Dimension, r);
      put_back(d_k, to.d_key, g, of.keys, Dimension, r);
      put_back(d_v, to.d_value, g, of.keys, Dimension, r);
    }
  }
}

/// Room for the results of a whole sequence.
inline attention::sequence<float> blank(const attention::sequence<float>& given) {
  attention::sequence<float> made;
  made.out.assign(given.query.size(), 0);
  made.d_query = made.out;
  made.d_key.assign(given.key.size(), 0);
  made.d_value = made.d_key;
  return made;
}

inline double error(const std::vector<float>& got, const std::vector<double>& expected) {
  double worst = got.size() == expected.size() ? 0 : 1e9;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double off = std::abs(got[i] - expected[i]);
    worst = off <= 1e9 ? std::max(worst, off) : 1e9;  // NaN too
  }
  return worst;
}

/// Each value against double precision.
inline bool near(const attention::sequence<float>& got, const attention::sequence<double>& right) {
  return error(got.out, right.out) < 4e-6 && error(got.d_query, right.d_query) < 8e-6 &&
         error(got.d_key, right.d_key) < 2e-5 && error(got.d_value, right.d_value) < 2e-5;
}

}  // namespace attention_case
