// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../tensor/kernels.hpp"
#include "../tensor/sizes.hpp"

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/device/all_reduce.hpp>
#include <rondo/device/window.hpp>
#include <rondo/tensor/matrix.hpp>

#include <cmath>
#include <cstddef>

/// A step of training the network of ../tensor/gpt.hpp over ranks of data x tensor, in one kernel:
/// both passes and the optimizer. A sum over ranks is one call: its prologue is the product before
/// it, its epilogue what comes next, so partial products and gradients of weights are never stored.
/// Threads of a CPU run the same source (tests/device/hybrid.cpp).
namespace hybrid {

using namespace tensor_example;  // kernels and sizes of the trainer
using index = std::size_t;
using rondo::device::packets;

/// This rank's shard of a weight, with Adam's two moments.
struct learned {
  matrix<float> value, mean, square;
};

/// A rank's part of the network. Rows are the tokens of this rank's sequences.
struct rank_part {
  learned table, qkv, out, up, down, output;
  index first_word;                              ///< of the table and of the output
  const int *tokens, *targets;                   ///< [steps, rows]
  float* loss;                                   ///< [steps], of the whole batch
  matrix<float> x0, h1, x1, h2, x2, h3, dh, dx;  ///< [rows, d_model], the same on all tensor ranks
  matrix<float> fused, d_fused;                  ///< [rows, this rank's columns of q, k and v]
  matrix<float> q, k, v, d_q, d_k, d_v;          ///< those columns
  matrix<float> heads, d_heads, lse, delta;      ///< this rank's heads
  matrix<float> both, d_both, inner;             ///< [rows, gate and up], [rows, d_ff of this rank]
  matrix<float> z, dz;                           ///< [rows, this rank's words]
  matrix<float> log_sum, losses;                 ///< [rows, 1]
};

template <class Term>
RONDO_HOST_DEVICE float sum_of(index terms, const Term& term) {
  float sum = 0;
  for (index i = 0; i < terms; ++i) {
    sum += term(i);
  }
  return sum;
}

/// An element of x w^T, of y w, and of y^T x.
RONDO_HOST_DEVICE inline float product(matrix<const float> x, index i, matrix<const float> w,
                                       index j) {
  return sum_of(x.columns, [&](index k) { return x(i, k) * w(j, k); });
}
RONDO_HOST_DEVICE inline float back(matrix<const float> y, index i, matrix<const float> w,
                                    index k) {
  return sum_of(y.columns, [&](index j) { return y(i, j) * w(j, k); });
}
RONDO_HOST_DEVICE inline float gradient(matrix<const float> y, index j, matrix<const float> x,
                                        index k) {
  return sum_of(y.rows, [&](index i) { return y(i, j) * x(i, k); });
}

/// The logits of some words, as far as a token's loss goes, and those of both of two sets of words.
struct words_seen {
  float most, sum;      ///< the largest; the sum of exp(z - most)
  float target, total;  ///< the target's, if it is one of them; the sum
};
struct unite {
  RONDO_HOST_DEVICE words_seen operator()(const words_seen& a, const words_seen& b) const {
    const float most = std::fmax(a.most, b.most);
    return {most, a.sum * std::exp(a.most - most) + b.sum * std::exp(b.most - most),
            a.target + b.target, a.total + b.total};
  }
};

/// One step, as one thread of a rank makes it.
template <class Block, class Rank>
class training_step {
 public:
  /// `rank.sync()` waits for all threads of this rank. `tensor`: the ranks that share this rank's
  /// tokens, `data`: those that share its weights.
  RONDO_HOST_DEVICE training_step(Block block, Rank rank, const rondo::device::window& tensor,
                                  const rondo::device::window& data, const rank_part& part,
                                  int step)
      : block_{block}, rank_{rank}, tensor_{tensor}, data_{data}, my_{part}, step_{step} {}

  RONDO_HOST_DEVICE void operator()() const {
    forward();
    loss();
    backward();
  }

 private:
  RONDO_HOST_DEVICE void forward() const {
    // A word's row is on one tensor rank; the others add 0.
    sum(
        tensor_, rows_, d, packets{},
        [&](index i, index j) {
          const index word = token(my_.tokens, i) - my_.first_word;
          return word < my_.table.value.rows ? my_.table.value(word, j) : 0.0f;
        },
        [&](index i, index j, float word) {
          my_.x0(i, j) = word + place_in_sequence(i % sizes::length, j, d);
        });

    each(rows_, [&](index i) { normalise_row(my_.x0, my_.h1, i); });
    each(rows_, my_.fused.columns, [&](index i, index j) {
      my_.fused(i, j) = product(my_.h1, i, my_.qkv.value, j);
      my_.d_fused(i, j) = 0;  // attention adds to it
    });
    each(rows_, my_.lse.columns, [&](index i, index head) {
      const auto of = sequence_of(i);
      attention_in(of).forward(i - of.first, head, my_.heads.rows_at(of), my_.lse.rows_at(of));
    });
    row_parallel(my_.heads, my_.out, my_.x0, my_.x1);

    each(rows_, [&](index i) { normalise_row(my_.x1, my_.h2, i); });
    each(rows_, width_, [&](index i, index j) {
      my_.both(i, j) = product(my_.h2, i, my_.up.value, j);
      my_.both(i, width_ + j) = product(my_.h2, i, my_.up.value, width_ + j);
      my_.inner(i, j) = silu::value(my_.both(i, j)) * my_.both(i, width_ + j);
    });
    row_parallel(my_.inner, my_.down, my_.x1, my_.x2);

    each(rows_, [&](index i) { normalise_row(my_.x2, my_.h3, i); });
    each(rows_, my_.z.columns,
         [&](index i, index j) { my_.z(i, j) = product(my_.h3, i, my_.output.value, j); });
  }

  /// Over a vocabulary that is split, the loss is one all-reduce of a type of its own.
  RONDO_HOST_DEVICE void loss() const {
    rondo::device::all_reduce(
        block_, tensor_, rows_, unite{}, packets{},
        [&](index i) {
          words_seen seen{-INFINITY, 0, 0, 0};
          for (index j = 0; j < my_.z.columns && my_.first_word + j < sizes::words; ++j) {
            const float z = my_.z(i, j);
            seen = unite{}(seen, {z, 1, my_.first_word + j == token(my_.targets, i) ? z : 0, z});
          }
          return seen;
        },
        [&](index i, const words_seen& seen) {
          my_.log_sum(i, 0) = seen.most + std::log(seen.sum);
          my_.losses(i, 0) =
              my_.log_sum(i, 0) - (1 - smoothing) * seen.target - smoothing / words * seen.total;
        });
    rank_.sync();
    sum(
        data_, 1, 1, packets{},
        [&](index, index) {
          float sum = 0;
          for (index i = 0; i < rows_; ++i) {
            sum += my_.losses(i, 0);
          }
          return sum / tokens_of_batch;
        },
        [&](index, index, float mean) { my_.loss[step_] = mean; });
  }

  /// A weight learns as soon as nothing needs its old value.
  RONDO_HOST_DEVICE void backward() const {
    each(rows_, my_.z.columns, [&](index i, index j) {
      const index word = my_.first_word + j;
      const float target = word == token(my_.targets, i) ? 1 - smoothing : 0;
      const float share = std::exp(my_.z(i, j) - my_.log_sum(i, 0));
      my_.dz(i, j) =
          word < sizes::words ? (share - target - smoothing / words) / tokens_of_batch : 0;
    });
    column_parallel_back(my_.dz, my_.output);
    learn(my_.output, my_.dz, my_.h3);
    each(rows_, [&](index i) {
      for (index j = 0; j < d; ++j) {
        my_.dx(i, j) = 0;
      }
      normalise_row_back(my_.x2, my_.dh, my_.dx, i);
    });

    each(rows_, width_, [&](index i, index j) {
      const float d_inner = back(my_.dx, i, my_.down.value, j);
      my_.d_both(i, j) = d_inner * my_.both(i, width_ + j) * silu::slope(my_.both(i, j));
      my_.d_both(i, width_ + j) = d_inner * silu::value(my_.both(i, j));
    });
    learn(my_.down, my_.dx, my_.inner);
    column_parallel_back(my_.d_both, my_.up);
    learn(my_.up, my_.d_both, my_.h2);
    each(rows_, [&](index i) { normalise_row_back(my_.x1, my_.dh, my_.dx, i); });

    each(rows_, my_.heads.columns,
         [&](index i, index j) { my_.d_heads(i, j) = back(my_.dx, i, my_.out.value, j); });
    learn(my_.out, my_.dx, my_.heads);
    each(rows_, my_.lse.columns, [&](index i, index head) {
      my_.delta(i, head) = 0;
      for (index j = head * sizes::heads.width; j < (head + 1) * sizes::heads.width; ++j) {
        my_.delta(i, head) += my_.heads(i, j) * my_.d_heads(i, j);
      }
    });
    each(rows_, my_.lse.columns, [&](index i, index head) {
      const auto of = sequence_of(i);
      const auto block = attention_in(of);
      const auto d_out = my_.d_heads.rows_at(of);
      const auto lse = my_.lse.rows_at(of);
      const auto delta = my_.delta.rows_at(of);
      block.of_query(i - of.first, head, d_out, lse, delta, my_.d_q.rows_at(of));
      if (head < block.heads.key_value) {
        block.of_key(i - of.first, head, d_out, lse, delta, my_.d_k.rows_at(of),
                     my_.d_v.rows_at(of));
      }
    });
    column_parallel_back(my_.d_fused, my_.qkv);
    learn(my_.qkv, my_.d_fused, my_.h1);
    each(rows_, [&](index i) { normalise_row_back(my_.x0, my_.dh, my_.dx, i); });

    learn(my_.table, [&](index word, index j) {
      float sum = 0;
      for (index i = 0; i < rows_; ++i) {
        sum += token(my_.tokens, i) == my_.first_word + word ? my_.dx(i, j) : 0;
      }
      return sum;
    });
  }

  // begin: sum
  /// then(row, column, the sum over all ranks of `over` of term(row, column)). If a rank does not
  /// come, this call and all later ones return, and the host is told who.
  template <class Algorithm, class Term, class Then>
  RONDO_HOST_DEVICE void sum(const rondo::device::window& over, index rows, index columns,
                             Algorithm by, const Term& term, const Then& then) const {
    rondo::device::all_reduce(
        block_, over, rows * columns, by, [&](index i) { return term(i / columns, i % columns); },
        [&](index i, float sum) { then(i / columns, i % columns, sum); });
    rank_.sync();
  }

  /// y = before + x w^T: each rank has a term of the product.
  RONDO_HOST_DEVICE void row_parallel(matrix<const float> x, const learned& w,
                                      matrix<const float> before, matrix<float> y) const {
    sum(
        tensor_, rows_, d, packets{}, [&](index i, index j) { return product(x, i, w.value, j); },
        [&](index i, index j, float sum) { y(i, j) = before(i, j) + sum; });
  }

  /// dh = dy w: each rank has a term of it.
  RONDO_HOST_DEVICE void column_parallel_back(matrix<const float> dy, const learned& w) const {
    sum(
        tensor_, rows_, d, packets{}, [&](index i, index j) { return back(dy, i, w.value, j); },
        [&](index i, index j, float sum) { my_.dh(i, j) = sum; });
  }

  /// w learns from dy^T x of all data ranks: Adam takes the sum from a register.
  RONDO_HOST_DEVICE void learn(const learned& w, matrix<const float> dy,
                               matrix<const float> x) const {
    learn(w, [&](index i, index j) { return gradient(dy, i, x, j); });
  }
  template <class Gradient>
  RONDO_HOST_DEVICE void learn(const learned& w, const Gradient& gradient) const {
    const float rate = adam_rate(step_);
    sum(data_, w.value.rows, w.value.columns, rondo::two_shot{}, gradient,
        [&](index i, index j, float whole) {
          adam(rate, whole, w.mean(i, j), w.square(i, j), w.value(i, j));
        });
  }
  // end: sum

  /// act(row, column) for every element, or act(row), each by one thread of this rank.
  template <class Act>
  RONDO_HOST_DEVICE void each(index rows, index columns, const Act& act) const {
    const index threads = index{tensor_.slot_count()} * block_.size();
    const index first = index{tensor_.slot()} * block_.size() + block_.thread_rank();
    for (index i = first; i < rows * columns; i += threads) {
      act(i / columns, i % columns);
    }
    rank_.sync();
  }
  template <class Act>
  RONDO_HOST_DEVICE void each(index rows, const Act& act) const {
    each(rows, 1, [&](index row, index) { act(row); });
  }

  RONDO_HOST_DEVICE index token(const int* of, index row) const {
    return static_cast<index>(of[static_cast<index>(step_) * rows_ + row]);
  }
  RONDO_HOST_DEVICE static rondo::part sequence_of(index row) {
    return {row / sizes::length * sizes::length, sizes::length};
  }
  RONDO_HOST_DEVICE attention_of_block attention_in(rondo::part rows) const {
    constexpr index width = sizes::heads.width;
    return {{my_.q.columns / width, my_.k.columns / width, width},
            {.causal = true},
            my_.q.rows_at(rows),
            my_.k.rows_at(rows),
            my_.v.rows_at(rows)};
  }

  static constexpr index d = sizes::d_model;
  static constexpr auto words = static_cast<float>(sizes::words);
  static constexpr auto smoothing =
      static_cast<float>(sizes::smoothing * sizes::words / (sizes::words - 1));
  static constexpr auto tokens_of_batch = static_cast<float>(sizes::batch * sizes::length);

  Block block_;
  Rank rank_;
  const rondo::device::window& tensor_;
  const rondo::device::window& data_;
  const rank_part& my_;
  int step_;
  index rows_ = my_.x0.rows;
  index width_ = my_.inner.columns;  ///< this rank's part of d_ff
};

}  // namespace hybrid
