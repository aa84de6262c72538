// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>

namespace rondo::inline v0_1::detail {

/// Attention of the queries here to keys that are met a run after another, in whatever order a form
/// of attention over a split sequence meets them: the user's kernels for each pair of runs that
/// `for_each_seen_pair` gives, and how their results become one.
template <class Kernels, class Memory>
class pair_attention {
 public:
  pair_attention(const attention_heads& heads, Kernels kernels, const Memory& memory)
      : heads_{heads}, kernels_{std::move(kernels)}, memory_{memory} {}

  /// Before the first pair of a forward pass: nothing has been seen.
  template <class W>
  void begin_forward(matrix<W> out, matrix<W> lse) {
    fill(memory_, out, W{0});
    fill(memory_, lse, -std::numeric_limits<W>::infinity());
    // The most that any pair takes, so that none grows it.
    static_cast<void>(out_.template get<W>(out.rows, out.columns));
    static_cast<void>(lse_.template get<W>(lse.rows, lse.columns));
  }
  /// Merges what these queries see of these keys into their rows of `out` and `lse`.
  template <class T, class W>
  void forward(attention_block where, const attention_forward<T, W>& all) {
    attention_forward<T, W> pair = all;
    pair.out = out_.template get<W>(all.out.rows, all.out.columns);
    pair.lse = lse_.template get<W>(all.lse.rows, all.lse.columns);
    kernels_.forward(heads_, where, pair);
    merge_attention(memory_, heads_.width, all.out, all.lse, pair.out, pair.lse);
  }

  /// Before the first pair of a backward pass. Returns rowsum(d_out * out) of every row and head.
  template <class W>
  [[nodiscard]] matrix<const W> begin_backward(std::type_identity_t<matrix<const W>> d_out,
                                               std::type_identity_t<matrix<const W>> out,
                                               matrix<W> d_query) {
    const matrix<W> delta = lse_.template get<W>(out.rows, heads_.query);
    attention_delta(memory_, heads_.width, d_out, out, delta);
    fill(memory_, d_query, W{0});
    return delta;
  }
  /// Adds the gradients of these queries, keys and values.
  template <class T, class W>
  void backward(attention_block where, const attention_backward<T, W>& all) {
    kernels_.backward(heads_, where, all);
  }

 private:
  attention_heads heads_;
  Kernels kernels_;
  Memory memory_;
  room<Memory> out_{memory_};
  room<Memory> lse_{memory_};
};

}  // namespace rondo::inline v0_1::detail
