// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "gpu_layers.cuh"

#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/tensor/experts/auxiliary_loss.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>

#include "alike.hpp"
#include "tensor/attention_case.hpp"
#include "tensor/experts_case.hpp"
#include "tensor/tree_case.hpp"
#include "tensor/vocabulary_case.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

/// Attention, experts, exact sums, an embedding and a cross entropy whose ranks are GPUs, with
/// plain kernels, against plain loops in double.
namespace gpu_sequence {

using gpu_layers::device_matrix;
using gpu_layers::each;
using loops::owned;
using rondo::attention_block;
using rondo::attention_heads;
using rondo::cut;
using rondo::matrix;
using rondo::testing::expect;

/// What a block's kernels share: a score, and which keys are hidden.
struct scores {
  attention_heads heads;
  attention_block block;
  matrix<const float> q, k;

  [[nodiscard]] __device__ std::size_t group() const { return heads.query / heads.key_value; }
  [[nodiscard]] __device__ bool hides(std::size_t row, std::size_t key) const {
    return block.causal && block.first_key + key > block.first_query + row;
  }
  [[nodiscard]] __device__ float scale() const { return rsqrtf(static_cast<float>(heads.width)); }
  [[nodiscard]] __device__ float score(std::size_t row, std::size_t key, std::size_t head) const {
    float sum = 0;
    for (std::size_t i = 0; i < heads.width; ++i) {
      sum += q(row, head * heads.width + i) * k(key, head / group() * heads.width + i);
    }
    return sum * scale();
  }
};

/// out and lse of one row and head.
struct attend_forward {
  scores of;
  matrix<const float> v;
  matrix<float> out, lse;
  __device__ void operator()(std::size_t row, std::size_t head) const {
    const std::size_t width = of.heads.width;
    float most = -INFINITY;
    for (std::size_t key = 0; key < of.k.rows; ++key) {
      most = of.hides(row, key) ? most : fmaxf(most, of.score(row, key, head));
    }
    float sum = 0;
    for (std::size_t i = 0; i < width; ++i) {
      out(row, head * width + i) = 0;
    }
    for (std::size_t key = 0; key < of.k.rows; ++key) {
      if (!of.hides(row, key)) {
        const float p = expf(of.score(row, key, head) - most);
        sum += p;
        for (std::size_t i = 0; i < width; ++i) {
          out(row, head * width + i) += p * v(key, head / of.group() * width + i);
        }
      }
    }
    for (std::size_t i = 0; sum > 0 && i < width; ++i) {
      out(row, head * width + i) /= sum;
    }
    lse(row, head) = sum > 0 ? most + logf(sum) : -INFINITY;
  }
};

/// What the two kernels of a backward pass share: the gradient of one score.
struct score_gradients {
  scores of;
  matrix<const float> v, d_out, lse, delta;
  [[nodiscard]] __device__ float p(std::size_t row, std::size_t key, std::size_t head) const {
    const bool seen = !of.hides(row, key) && lse(row, head) != -INFINITY;
    return seen ? expf(of.score(row, key, head) - lse(row, head)) : 0.0f;
  }
  [[nodiscard]] __device__ float d_score(std::size_t row, std::size_t key, std::size_t head) const {
    const std::size_t width = of.heads.width;
    float d_p = 0;
    for (std::size_t i = 0; i < width; ++i) {
      d_p += d_out(row, head * width + i) * v(key, head / of.group() * width + i);
    }
    return p(row, key, head) * (d_p - delta(row, head)) * of.scale();
  }
};
struct attend_backward_query {
  score_gradients by;
  matrix<float> d_q;
  __device__ void operator()(std::size_t row, std::size_t column) const {
    const std::size_t width = by.of.heads.width;
    const std::size_t head = column / width;
    const std::size_t reads = head / by.of.group() * width + column % width;
    for (std::size_t key = 0; key < by.of.k.rows; ++key) {
      d_q(row, column) += by.d_score(row, key, head) * by.of.k(key, reads);
    }
  }
};
struct attend_backward_key {
  score_gradients by;
  matrix<float> d_k, d_v;
  __device__ void operator()(std::size_t key, std::size_t column) const {
    const std::size_t width = by.of.heads.width;
    const std::size_t first = column / width * by.of.group();
    for (std::size_t head = first; head < first + by.of.group(); ++head) {
      const std::size_t at = head * width + column % width;
      for (std::size_t row = 0; row < by.of.q.rows; ++row) {
        d_k(key, column) += by.d_score(row, key, head) * by.of.q(row, at);
        d_v(key, column) += by.p(row, key, head) * by.d_out(row, at);
      }
    }
  }
};

struct kernels_on {
  cudaStream_t stream;
  void forward(attention_heads heads, attention_block block,
               const rondo::attention_forward<float>& given) const {
    const auto& [q, k, v, out, lse] = given;
    each(q.rows, heads.query, attend_forward{{heads, block, q, k}, v, out, lse}, stream);
  }
  void backward(attention_heads heads, attention_block block,
                const rondo::attention_backward<float>& given) const {
    const auto& [q, k, v, d_out, lse, delta, d_q, d_k, d_v] = given;
    const score_gradients by{{heads, block, q, k}, v, d_out, lse, delta};
    each(q.rows, heads.query_columns(), attend_backward_query{by, d_q}, stream);
    each(k.rows, heads.key_value_columns(), attend_backward_key{by, d_k, d_v}, stream);
  }
};

constexpr std::size_t tokens = 19;
constexpr attention_heads heads{4, 2, 3};

/// This rank's part of a whole matrix of the sequence.
template <int Dimension, class T>
owned<T> part(const std::vector<T>& whole, std::size_t columns, const cut& by, int rank) {
  owned<T> made(Dimension == 0 ? by.width(rank) : tokens,
                Dimension == 0 ? columns : by.width(rank));
  made.memory = attention_case::part_of(whole, columns, by, Dimension, rank);
  return made;
}

/// Both passes of what `make(team)` makes, twice: the second with the memory of the first.
template <int Dimension, class Comm, class Make>
void check_attention(Comm& nccl, cudaStream_t stream, const cut& queries, const cut& keys,
                     bool own_heads, const Make& make) {
  const auto given = attention::drawn(tokens, heads, 5);
  const auto right = attention::oracle(given, tokens, heads, rondo::visibility::causal);
  const int rank = nccl.rank();
  const std::size_t a = heads.query_columns();
  const std::size_t g = heads.key_value_columns();
  device_matrix q{part<Dimension>(given.query, a, queries, rank)};
  device_matrix k{part<Dimension>(given.key, g, keys, rank)};
  device_matrix v{part<Dimension>(given.value, g, keys, rank)};
  device_matrix d_o{part<Dimension>(given.d_out, a, queries, rank)};
  const owned<float> as_query(q.view().rows, q.view().columns, 7);
  const owned<float> as_key(k.view().rows, k.view().columns, 7);
  device_matrix o{as_query}, d_q{as_query}, d_k{as_key}, d_v{as_key};
  device_matrix lse{owned<float>(
      own_heads ? tokens : q.view().rows,
      own_heads ? rondo::head_split{heads, nccl.size()}.query().width(rank) : heads.query)};
  const auto placed = [](device_matrix& at, const cut& by) {
    return attention_case::shard<Dimension, float>{at.view(), by};
  };
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};
  auto attend = make(rondo::along<"context">(ranks));
  for (int time = 0; time < 2; ++time) {
    attend.forward(placed(q, queries), placed(k, keys), placed(v, keys), placed(o, queries),
                   lse.view());
    attend.backward(placed(q, queries), placed(k, keys), placed(v, keys), placed(o, queries),
                    lse.view(), placed(d_o, queries), placed(d_q, queries), placed(d_k, keys),
                    placed(d_v, keys));
  }
  const auto near = [&](device_matrix& got, const std::vector<double>& whole, std::size_t columns,
                        const cut& by, const char* what) {
    const auto expected = attention_case::part_of(whole, columns, by, Dimension, rank);
    expect(attention_case::error(got.on_host().memory, expected) < 2e-5, what);
  };
  near(o, right.out, a, queries, "out");
  near(d_q, right.d_query, a, queries, "the query's gradient");
  near(d_k, right.d_key, g, keys, "the key's gradient");
  near(d_v, right.d_value, g, keys, "the value's gradient");
}

/// The table's rows and gradient, with all tokens on every rank.
template <class Comm>
void check_embedding(Comm& nccl, cudaStream_t stream) {
  using namespace vocabulary_case;
  const auto right = oracle();
  const cut vocabulary = cut::even(words, nccl.size());
  const auto mine = held(vocabulary, nccl.rank());
  const alike::array<int> given{vocabulary_case::tokens};
  const std::span<const int> named{given.span().data(), given.span().size()};
  device_matrix table{numbers<float>(1, mine, all(features))};
  device_matrix dy{numbers<float>(2, all(named.size()), all(features))};
  device_matrix y{owned<float>(named.size(), features)};
  device_matrix dtable{owned<float>(mine.size(), features)};
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};
  rondo::vocabulary_embedding layer{rondo::along<"tensor">(ranks), vocabulary};
  layer.forward(named, matrix<const float>{table.view()}, rondo::replicated<float>{y.view()});
  layer.backward(rondo::replicated<float>{dy.view()}, named, dtable.view());
  expect(y.on_host() == right.y, "rows of the table");
  const auto gradient = dtable.on_host();
  for (std::size_t i = 0; i < mine.size(); ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      expect(std::abs(gradient(i, j) - right.dtable(mine[i], j)) < 1e-6, "the table's gradient");
    }
  }
}

template <class Comm>
void check_cross_entropy(Comm& nccl, cudaStream_t stream) {
  using namespace vocabulary_case;
  const cross_entropy_options with{0.1, words};
  const auto& targets = vocabulary_case::tokens;
  const auto z = logits_of(targets.size());
  const auto right = score_oracle(z, targets, with);
  const cut vocabulary = cut::even(padded, nccl.size());
  const auto mine = held(vocabulary, nccl.rank());
  owned<float> here(z.rows, mine.size());
  std::vector<float> weights;
  for (std::size_t i = 0; i < z.rows; ++i) {
    for (std::size_t j = 0; j < mine.size(); ++j) {
      here(i, j) = static_cast<float>(z(i, mine[j]));
    }
    weights.push_back(static_cast<float>(1 + i));
  }
  const alike::array<int> given{targets};
  const std::span<const int> wanted{given.span().data(), given.span().size()};
  device_matrix logits{here}, dz{here};
  device_matrix losses{owned<float>(1, z.rows)};
  owned<float> row(1, z.rows);
  row.memory = weights;
  device_matrix dlosses{row};
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};
  rondo::vocabulary_cross_entropy loss{rondo::along<"tensor">(ranks), vocabulary, with};
  rondo::cross_entropy_saved<rondo::cuda::buffer<double>> saved;
  const rondo::sharded<float, 1> placed{logits.view(), vocabulary};
  loss.forward(placed, wanted, losses.values(), saved);
  loss.backward(placed, wanted, std::span<const float>{dlosses.values()}, saved,
                rondo::sharded<float, 1>{dz.view(), vocabulary});
  const auto got = losses.on_host();
  const auto gradient = dz.on_host();
  for (std::size_t i = 0; i < z.rows; ++i) {
    expect(std::abs(got(0, i) - right.losses[i]) < 1e-5, "a loss");
    for (std::size_t j = 0; j < mine.size(); ++j) {
      expect(std::abs(gradient(i, j) - right.dz(i, mine[j])) < 1e-5, "a logit's gradient");
    }
  }
}

/// Expert e scales feature i by weight(e, i) and squares.
struct square_rows {
  matrix<const float> rows;
  const float* weight;
  matrix<float> out;
  __device__ void operator()(std::size_t r, std::size_t i) const {
    out(r, i) = weight[i] * rows(r, i) * rows(r, i);
  }
};
struct square_slopes {
  matrix<const float> rows, d_out;
  const float* weight;
  matrix<float> d_rows;
  __device__ void operator()(std::size_t r, std::size_t i) const {
    d_rows(r, i) = 2 * weight[i] * rows(r, i) * d_out(r, i);
  }
};
struct add_square_gradients {
  matrix<const float> rows, d_out;
  float* d_weight;
  __device__ void operator()(std::size_t, std::size_t i) const {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      d_weight[i] += d_out(r, i) * rows(r, i) * rows(r, i);
    }
  }
};

// begin: experts
struct squares {  // enqueue on the layers' stream, as other kernels do
  cudaStream_t stream;
  matrix<const float> weight;  // [experts, features]
  matrix<float> d_weight;
  void forward(std::size_t expert, matrix<const float> rows, matrix<float> out) const {
    each(rows.rows, rows.columns, square_rows{rows, weight.row(expert).data(), out}, stream);
  }
  void backward(std::size_t expert, matrix<const float> rows, matrix<const float> d_out,
                matrix<float> d_rows) const {
    each(rows.rows, rows.columns, square_slopes{rows, d_out, weight.row(expert).data(), d_rows},
         stream);
    each(1, rows.columns, add_square_gradients{rows, d_out, d_weight.row(expert).data()}, stream);
  }
};
// end: experts

/// Both passes, twice, against the definition in double.
inline void check_experts(rondo::nccl::communicator& nccl, cudaStream_t stream) {
  constexpr std::size_t width = 40, choices = 2, number = 6, capacity = 30, batch = 150;
  const auto given = experts_case::drawn(batch, width, number, choices);
  const auto right = experts_case::oracle(given, capacity);
  const cut by = rondo::zigzag(batch, nccl.size());
  const int rank = nccl.rank();
  const std::size_t own = by.width(rank);
  const auto part = [&](const std::vector<float>& all, std::size_t columns) {
    owned<float> made(own, columns);
    made.memory = experts_case::own_rows(all, columns, by, rank);
    return made;
  };
  owned<float> weights(number, width);
  weights.memory = given.weight;
  device_matrix w{weights}, dw{owned<float>(number, width)};
  device_matrix x{part(given.x, width)}, dy{part(given.dy, width)}, gate{part(given.gate, choices)};
  device_matrix y{owned<float>(own, width)}, dx{owned<float>(own, width)};
  device_matrix d_gate{owned<float>(own, choices)};
  const alike::array<int> expert{experts_case::own_rows(given.expert, choices, by, rank)};
  const auto rows = [&](device_matrix& of) { return experts_case::rows_of<float>{of.view(), by}; };
  // begin: expert_parallel
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};
  rondo::expert_parallel experts{rondo::along<"expert">(ranks), by, number, capacity,
                                 squares{stream, w.view(), dw.view()}};
  rondo::expert_pass<float, rondo::cuda::buffer<float>> pass;
  const rondo::routing<float> chosen{{expert.span().data(), own, choices}, gate.view()};
  experts.forward(pass, rows(x), chosen, rows(y));  // the host waits once, for the counts
  experts.backward(pass, rows(dy), rows(dx), d_gate.view());
  // end: expert_parallel
  experts.forward(pass, rows(x), chosen, rows(y));
  const auto near = [&](device_matrix& got, const std::vector<float>& all, std::size_t columns,
                        const char* what) {
    expect(experts_case::error(got.on_host().memory,
                               experts_case::own_rows(all, columns, by, rank)) < 1e-5,
           what);
  };
  near(y, right.y, width, "what experts made of tokens");
  near(dx, right.dx, width, "the tokens' gradient");
  near(d_gate, right.d_gate, choices, "the weights' gradient");
  const auto gradient = dw.on_host();
  for (const rondo::part some : experts.experts().runs(rank)) {
    for (std::size_t i = some.first * width; i < (some.first + some.count) * width; ++i) {
      expect(std::abs(gradient.memory[i] - right.d_weight[i]) < 1e-4f, "an expert's gradient");
    }
  }
  if (nccl.size() == 1) {
    expect(pass.dropped() == right.dropped, "how many choices were dropped");
  }
}

/// A router's loss and its gradient, twice: the second time without new memory.
inline void check_auxiliary_loss(rondo::nccl::communicator& nccl, cudaStream_t stream) {
  constexpr std::size_t choices = 2, number = 6, batch = 150;
  const auto given = experts_case::drawn(batch, 1, number, choices);
  const cut by = rondo::zigzag(batch, nccl.size());
  const std::size_t own = by.width(nccl.rank());
  std::vector<double> fallen(number), mass(number);
  for (const int e : given.expert) {
    fallen[static_cast<std::size_t>(e)] += 1;
  }
  for (std::size_t i = 0; i < given.probability.size(); ++i) {
    mass[i % number] += given.probability[i];
  }
  const double factor = 0.01 * number / (choices * double{batch} * batch);
  double right = 0;
  for (std::size_t e = 0; e < number; ++e) {
    right += factor * fallen[e] * mass[e];
  }
  owned<float> rows(own, number);
  rows.memory = experts_case::own_rows(given.probability, number, by, nccl.rank());
  device_matrix probability{rows}, d_probability{owned<float>(own, number)};
  device_matrix loss{owned<float>(1, 1)};
  const alike::array<int> expert{experts_case::own_rows(given.expert, choices, by, nccl.rank())};
  // begin: auxiliary_loss
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};
  const auto team = rondo::along<"expert">(ranks);
  rondo::auxiliary_loss(team, by, probability.view(), {expert.span().data(), own, choices}, 0.01F,
                        d_probability.view(), loss.view());  // loss: [1, 1] of the device
  // end: auxiliary_loss
  rondo::auxiliary_loss(team, by, probability.view(), {expert.span().data(), own, choices}, 0.01F,
                        d_probability.view(), loss.view());
  expect(std::abs(loss.on_host().memory[0] - right) < 1e-6 * right, "the auxiliary loss");
  const auto gradient = d_probability.on_host();
  for (std::size_t i = 0; i < gradient.memory.size(); ++i) {
    expect(std::abs(gradient.memory[i] - factor * fallen[i % number]) < 1e-8, "its gradient");
  }
}

/// Sums of leaves that the host has made, added by kernels: the tree's bits.
inline void check_exact_sums(rondo::nccl::communicator& nccl, cudaStream_t stream) {
  constexpr std::size_t number = 53, rows = 9, columns = 41;
  const cut leaves = rondo::zigzag(number, nccl.size());
  owned<float> right(rows, columns), terms(1, rows * columns);
  right.memory = tree_case::oracle<float>(number, rows * columns);
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};
  const auto team = rondo::along<"tensor">(ranks);
  device_matrix sums{owned<float>(rows, columns)};
  rondo::tree_sum<float, rondo::cuda::buffer<float>> of_rank;
  of_rank.restart(rows * columns, sums.view().data);
  for (const std::size_t leaf : loops::held(leaves, nccl.rank())) {
    for (std::size_t i = 0; i < rows * columns; ++i) {
      terms.memory[i] = tree_case::term<float>(leaf, i);
    }
    device_matrix from{terms};
    team.memory().copy(matrix<const float>{from.view()},
                       matrix<float>{of_rank.room(team.memory()).data(), 1, rows * columns});
    of_rank.put(leaf, team.memory());
    rondo::cuda::require(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  }
  rondo::tree_exchange{leaves}.reduce(team, of_rank, rondo::replicated<float>{sums.view()});
  expect(sums.on_host() == right, "the bits of the tree");
}

inline void check(rondo::nccl::communicator& nccl) {
  cudaStream_t stream = nullptr;
  rondo::cuda::require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a stream");
  const kernels_on kernels{stream};
  const cut by = rondo::zigzag(tokens, nccl.size());
  check_attention<0>(nccl, stream, by, by, false, [&](auto team) {
    return rondo::ring_attention{team, by, heads, kernels};
  });
  check_attention<0>(nccl, stream, by, by, false, [&](auto team) {
    return rondo::gathered_attention{team, by, heads, kernels};
  });
  check_attention<0>(nccl, stream, by, by, true, [&](auto team) {
    return rondo::exchanged_attention{team, by, heads, kernels};
  });
  const rondo::head_split split{heads, nccl.size()};
  check_attention<1>(nccl, stream, split.query_columns(), split.key_value_columns(), true,
                     [&](auto team) {
                       return rondo::head_attention{team, heads, kernels};
                     });
  check_experts(nccl, stream);
  check_auxiliary_loss(nccl, stream);
  check_exact_sums(nccl, stream);
  check_embedding(nccl, stream);
  check_cross_entropy(nccl, stream);
  rondo::cuda::require(cudaStreamDestroy(stream), "cudaStreamDestroy");
}

}  // namespace gpu_sequence
