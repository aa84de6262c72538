// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>

/// The caller's attention kernel, block by block, and how results of blocks are merged.
namespace rondo::inline v0_1 {

/// Heads of an attention block. Head h reads key/value head h * key_value_heads / heads: equal
/// numbers are multi-head attention, fewer are grouped, one is multi-query.
///
/// A batch of b sequences whose tokens lie [position, sequence, feature] is one block of b times as
/// many heads.
struct attention_heads {
  std::size_t query = 1;
  std::size_t key_value = 1;
  std::size_t width = 1;  ///< columns of a head

  /// Query heads that read one key/value head.
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t group() const { return query / key_value; }
  [[nodiscard]] constexpr std::size_t query_columns() const { return query * width; }
  [[nodiscard]] constexpr std::size_t key_value_columns() const { return key_value * width; }
  friend constexpr bool operator==(const attention_heads&, const attention_heads&) = default;

  /// Errors: no head, or query heads that are not a multiple of the key/value heads.
  void check() const {
    if (key_value == 0 || query == 0 || width == 0 || query % key_value != 0) {
      std::string fits;
      if (key_value != 0 && query % key_value != 0) {
        fits = ", as do " + std::to_string((group() + 1) * key_value) + " over " +
               std::to_string(key_value) + "; padding adds whole groups, see padded_heads";
      }
      refuse("attention: " + std::to_string(query) + " query heads over " +
             std::to_string(key_value) + " key/value heads of width " + std::to_string(width) +
             "; each key/value head serves equally many query heads" + fits);
    }
  }
};

/// Which keys a query sees: those up to its own position, or all.
enum class visibility { causal, all };

/// Where a block lies in the sequence: its row r is token `first_query + r`, its key k is token
/// `first_key + k`. Where `causal`, a key behind its query is hidden; else all are seen.
struct attention_block {
  std::size_t first_query = 0;
  std::size_t first_key = 0;
  bool causal = false;

  [[nodiscard]] RONDO_HOST_DEVICE constexpr bool hides(std::size_t row, std::size_t key) const {
    return causal && first_key + key > first_query + row;
  }
};

/// What a forward pass reads and writes. Matrices are row-major with a stride. W is the type in
/// which T is folded.
template <class T, class W = typename accumulator<T>::type>
struct attention_forward {
  matrix<const T> query;  ///< [rows, heads.query_columns()]
  matrix<const T> key;    ///< [keys, heads.key_value_columns()]
  matrix<const T> value;  ///< as key
  matrix<W> out;          ///< as query
  matrix<W> lse;          ///< [rows, heads.query]

  /// Of some rows and some keys.
  [[nodiscard]] attention_forward at(part rows, part keys) const {
    return {query.rows_at(rows), key.rows_at(keys), value.rows_at(keys), out.rows_at(rows),
            lse.rows_at(rows)};
  }
};

/// What a backward pass reads, and adds to.
template <class T, class W = typename accumulator<T>::type>
struct attention_backward {
  matrix<const T> query, key, value;  ///< as forward
  matrix<const W> d_out;              ///< as query
  matrix<const W> lse;                ///< [rows, heads.query], of the whole sequence
  matrix<const W> delta;              ///< [rows, heads.query]: rowsum(d_out * out), as lse
  matrix<W> d_query;                  ///< as query
  matrix<W> d_key, d_value;           ///< as key

  /// Of some rows and some keys.
  [[nodiscard]] attention_backward at(part rows, part keys) const {
    return {query.rows_at(rows),   key.rows_at(keys),   value.rows_at(keys),
            d_out.rows_at(rows),   lse.rows_at(rows),   delta.rows_at(rows),
            d_query.rows_at(rows), d_key.rows_at(keys), d_value.rows_at(keys)};
  }
};

/// The two passes of an attention block, the caller's own kernels.
///
///  - `forward` writes out = softmax(query key^T / sqrt(width)) value and, for every row and head,
///    lse = ln(sum(exp(scores))). Where a row sees no key: out = 0, lse = -infinity.
///  - `backward` adds to the gradients. With P = exp(scores - lse), which is 0 where lse is
///    -infinity: d_value += P^T d_out; d_scores = P * (d_out value^T - delta);
///    d_query += d_scores key / sqrt(width); d_key += d_scores^T query / sqrt(width).
///
/// Source: Dao et al., FlashAttention-2 (2023), arXiv:2307.08691, algorithms 1 and 2.
template <class Kernel, class T, class W = typename accumulator<T>::type>
concept attention_kernel = requires(const Kernel& kernel, attention_heads heads,
                                    attention_block block, const attention_forward<T, W>& there,
                                    const attention_backward<T, W>& back) {
  kernel.forward(heads, block, there);
  kernel.backward(heads, block, back);
};

namespace detail {

/// By what two blocks' results are weighted, from their lse: with m the larger one, e^(a-m) and
/// e^(b-m).
template <class W>
struct merge_weights {
  static constexpr W nothing = -std::numeric_limits<W>::infinity();
  W most, keeps, adds;
  RONDO_HOST_DEVICE merge_weights(W a, W b)
      : most{a < b ? b : a},
        keeps{a == nothing ? W{0} : std::exp(a - most)},
        adds{std::exp(b - most)} {}
  [[nodiscard]] RONDO_HOST_DEVICE W sum() const { return keeps + adds; }
};

template <class W>
struct merge_logs {
  matrix<W> lse;
  matrix<const W> block_lse;
  RONDO_HOST_DEVICE void operator()(std::size_t row, std::size_t head) const {
    const W b = block_lse(row, head);
    if (b != merge_weights<W>::nothing) {
      const merge_weights<W> by{lse(row, head), b};
      lse(row, head) = by.most + std::log(by.sum());
    }
  }
};

/// One of `Lanes` that share a head's columns.
template <class W, std::size_t Lanes>
struct merge_values {
  std::size_t width;
  matrix<W> out, lse;
  matrix<const W> block_out, block_lse;
  RONDO_HOST_DEVICE void operator()(std::size_t row, std::size_t head_and_lane) const {
    const std::size_t head = head_and_lane / Lanes;
    const W b = block_lse(row, head);
    if (b == merge_weights<W>::nothing) {
      return;
    }
    const merge_weights<W> by{lse(row, head), b};
    const W sum = by.sum();
    W* o = &out(row, head * width);
    const W* with = &block_out(row, head * width);
    for (std::size_t i = head_and_lane % Lanes; i < width; i += Lanes) {
      o[i] = (by.keeps * o[i] + by.adds * with[i]) / sum;
    }
    if constexpr (Lanes == 1) {
      lse(row, head) = by.most + std::log(sum);
    }
  }
};

/// Merges a block's result into what other blocks gave, in place. Shapes as above.
/// With m the larger lse: o = (e^(a-m) o_a + e^(b-m) o_b) / (e^(a-m) + e^(b-m)), lse = m + ln(...).
/// What has seen no key changes nothing; two of them stay so.
template <class Memory, class W>
void merge_attention(const Memory& memory, std::size_t width, matrix<W> out, matrix<W> lse,
                     std::type_identity_t<matrix<const W>> block_out,
                     std::type_identity_t<matrix<const W>> block_lse) {
  constexpr std::size_t lanes = Memory::lanes;
  memory.each(lse.rows, lse.columns * lanes,
              merge_values<W, lanes>{width, out, lse, block_out, block_lse});
  if constexpr (lanes > 1) {  // all of them read the lse first
    memory.each(lse.rows, lse.columns, merge_logs<W>{lse, block_lse});
  }
}

template <class W>
struct row_products {
  std::size_t width;
  matrix<const W> d_out, out;
  matrix<W> delta;
  RONDO_HOST_DEVICE void operator()(std::size_t row, std::size_t head) const {
    W sum{};
    for (std::size_t i = head * width; i < (head + 1) * width; ++i) {
      sum += d_out(row, i) * out(row, i);
    }
    delta(row, head) = sum;
  }
};

/// delta = rowsum(d_out * out) for every row and head.
template <class Memory, class W>
void attention_delta(const Memory& memory, std::size_t width,
                     std::type_identity_t<matrix<const W>> d_out,
                     std::type_identity_t<matrix<const W>> out, matrix<W> delta) {
  memory.each(delta.rows, delta.columns, row_products<W>{width, d_out, out, delta});
}

/// Calls `act(my rows, their rows, block)` for each pair of runs of which some query sees some key;
/// rows are local, one behind the other.
template <class Queries, class Keys, class Act>
void for_each_seen_pair(visibility seen, const Queries& queries, const Keys& keys, const Act& act) {
  std::size_t row = 0;
  for (const part mine : queries) {
    std::size_t key = 0;
    for (const part theirs : keys) {
      const bool hidden = seen == visibility::causal && theirs.first >= mine.first + mine.count;
      if (!hidden && mine.count > 0 && theirs.count > 0) {
        const bool all = seen == visibility::all || theirs.first + theirs.count <= mine.first + 1;
        act(part{row, mine.count}, part{key, theirs.count},
            attention_block{mine.first, theirs.first, !all});
      }
      key += theirs.count;
    }
    row += mine.count;
  }
}

}  // namespace detail
}  // namespace rondo::inline v0_1
