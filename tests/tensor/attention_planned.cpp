// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Attention and experts make the collectives that they plan, as a communicator saw it that knows
// nothing of them.
#include "catch.hpp"
#include "tensor/attention.hpp"
#include "tensor/expect_planned.hpp"

#include <rondo/tensor/context.hpp>
#include <rondo/tensor/exchanged_attention.hpp>
#include <rondo/tensor/expert_parallel.hpp>
#include <rondo/tensor/gathered_attention.hpp>
#include <rondo/tensor/head_attention.hpp>
#include <rondo/tensor/ring_attention.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads.hpp>

#include <string>
#include <vector>

namespace {

using rondo::cut;
using rondo::matrix;

constexpr rondo::attention_heads heads{4, 2, 3};
constexpr std::size_t tokens = 16;
constexpr rondo::exact order{.features = 3, .tokens = 4};
constexpr attention::loops kernels;

/// Both passes of an attention; dimension 0 splits tokens, 1 heads.
template <int Dimension, class Attention>
void both_passes(Attention& attend, const cut& queries, const cut& keys, int rank,
                 std::size_t logs_rows, std::size_t logs_columns) {
  const std::size_t rows = Dimension == 0 ? queries.width(rank) : tokens;
  const std::size_t q_columns = Dimension == 0 ? heads.query_columns() : queries.width(rank);
  const std::size_t k_columns = Dimension == 0 ? heads.key_value_columns() : keys.width(rank);
  std::vector<float> q(rows * q_columns, 0.5F), k(rows * k_columns, 0.25F), out(q), lse;
  std::vector<float> d_q(q), d_k(k), d_v(k);
  lse.resize(logs_rows * logs_columns);
  using shard = rondo::sharded<float, Dimension, "context">;
  const shard query{{q.data(), rows, q_columns}, queries};
  const shard key{{k.data(), rows, k_columns}, keys};
  const shard result{{out.data(), rows, q_columns}, queries};
  const matrix<float> logs{lse.data(), logs_rows, logs_columns};
  attend.forward(query, key, key, result, logs);
  attend.backward(
      query, key, key, result, logs, query, shard{{d_q.data(), rows, q_columns}, queries},
      shard{{d_k.data(), rows, k_columns}, keys}, shard{{d_v.data(), rows, k_columns}, keys});
}

struct doubles {
  void forward(std::size_t, matrix<const float> rows, matrix<float> out) const {
    rondo::detail::copy<float>(rows, out);
  }
  void backward(std::size_t, matrix<const float>, matrix<const float> d_out,
                matrix<float> d_rows) const {
    rondo::detail::copy<float>(d_out, d_rows);
  }
};

}  // namespace

TEST_CASE("attention and experts: what ran is what was planned") {
  for (const int ranks : {1, 2, 3, 4}) {
    INFO(ranks << " ranks");
    rondo::threads::run(ranks, [&](auto& comm) {
      rondo::testing::recording seen{comm};
      const auto team = rondo::along<"context">(seen);
      const int r = comm.rank();
      const cut by = rondo::zigzag(tokens, ranks, order.tokens);
      const rondo::head_split split{heads, ranks};
      const std::size_t own = by.width(r);
      const std::size_t own_heads = split.query().width(r);
      const auto check = [&](const rondo::plan& plan) {
        expect_planned(comm, seen.made(), plan, "context");
        seen.forget();
      };

      rondo::ring_attention ring{team, by, heads, kernels};
      both_passes<0>(ring, by, by, r, own, heads.query);
      check(ring.template planned<float>());

      rondo::gathered_attention gathered{team, by, heads, kernels};
      both_passes<0>(gathered, by, by, r, own, heads.query);
      check(gathered.template planned<float>());

      rondo::gathered_attention exactly{team, by, heads, kernels, rondo::visibility::causal, order};
      both_passes<0>(exactly, by, by, r, own, heads.query);
      check(exactly.template planned<float>());

      rondo::exchanged_attention exchanged{team, by, heads, kernels};
      both_passes<0>(exchanged, by, by, r, tokens, own_heads);
      check(exchanged.template planned<float>());

      rondo::head_attention attend{team, heads, kernels};
      both_passes<1>(attend, attend.query_columns(), attend.key_value_columns(), r, tokens,
                     own_heads);
      check(attend.template planned<float>(tokens));

      rondo::expert_parallel experts{team, by, 5, 0, doubles{}};
      rondo::expert_pass<float> pass;
      std::vector<float> x(own * 3, 1.0F), gate(own * 2, 0.5F);
      std::vector<int> expert(own * 2);
      for (std::size_t i = 0; i < expert.size(); ++i) {
        expert[i] = static_cast<int>((i * 7 + static_cast<std::size_t>(r)) % 5);
      }
      const rondo::sharded<float, 0, "context"> rows{{x.data(), own, 3}, by};
      experts.forward(pass, rows,
                      rondo::routing<float>{{expert.data(), own, 2}, {gate.data(), own, 2}}, rows);
      experts.backward(pass, rows, rows, matrix<float>{gate.data(), own, 2});
      check(experts.template planned<float>(3, 2));
    });
  }
}
