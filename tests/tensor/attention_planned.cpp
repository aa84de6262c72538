// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Attention and experts make the collectives that they plan, as a communicator saw it that knows
// nothing of them.
#include "catch.hpp"
#include "tensor/attention.hpp"
#include "tensor/both_passes.hpp"
#include "tensor/expect_planned.hpp"

#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <string>
#include <vector>

namespace {

using rondo::cut;
using rondo::matrix;

constexpr rondo::attention_heads heads{4, 2, 3};
constexpr std::size_t tokens = 16;
constexpr rondo::exact order{.features = 3, .tokens = 4};
constexpr attention::loops kernels;

}  // namespace

TEST_CASE("attention and experts: what ran is what was planned") {
  for (const int ranks : {1, 2, 3, 4}) {
    INFO(ranks << " ranks");
    rondo::threads::run(ranks, [&](auto& comm) {
      rondo::testing::recording seen{comm};
      const auto team = rondo::along<"context">(seen);
      const int r = comm.rank();
      const cut by = rondo::zigzag(tokens, ranks, order.tokens);
      const std::size_t own = by.width(r);
      const auto check = [&](const rondo::layer_plan& plan) {
        expect_planned(comm, seen.made(), plan, "context");
        seen.forget();
      };

      const auto run = [&](auto& attend) {
        both_passes::of_attention<0>(attend, {tokens, heads, by, by}, r, [] {});
      };

      rondo::ring_attention ring{team, by, heads, kernels};
      run(ring);
      check(ring.template planned<float>());

      rondo::exchanged_attention exchanged{team, by, heads, kernels};
      both_passes::of_attention<0>(exchanged, {tokens, heads, by, by, true}, r, [] {});
      check(exchanged.template planned<float>());

      rondo::head_attention attend{team, heads, kernels};
      both_passes::of_attention<1>(
          attend, {tokens, heads, attend.query_columns(), attend.key_value_columns(), true}, r,
          [] {});
      check(attend.template planned<float>(tokens));

      rondo::expert_parallel experts{team, by, 5, 0, both_passes::copying{}};
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

TEST_CASE("gathered attention: what ran is what was planned, for every shape") {
  for (int ranks = 1; ranks <= 8; ++ranks) {
    std::vector<std::size_t> uneven(static_cast<std::size_t>(ranks), 0);
    uneven.front() = 4;  // whole leaves, and ranks without a token
    uneven.back() += tokens - 4;
    for (const cut& by : {cut::even(tokens, ranks, order.tokens), cut::widths(uneven),
                          rondo::zigzag(tokens, ranks, order.tokens), cut::even(tokens, ranks),
                          rondo::zigzag(tokens, ranks)}) {
      bool whole_leaves = true;
      for (int rank = 0; rank < ranks; ++rank) {
        for (const rondo::part run : by.runs(rank)) {
          whole_leaves = whole_leaves && run.first % order.tokens + run.count % order.tokens == 0;
        }
      }
      for (const auto visible : {rondo::visibility::causal, rondo::visibility::all}) {
        INFO(ranks << " ranks");
        rondo::threads::run(ranks, [&](auto& comm) {
          rondo::testing::recording seen{comm};
          const auto team = rondo::along<"context">(seen);
          const auto check = [&](auto attend) {
            both_passes::of_attention<0>(attend, {tokens, heads, by, by}, comm.rank(), [] {});
            expect_planned(comm, seen.made(), attend.template planned<float>(), "context");
            seen.forget();
          };
          check(rondo::gathered_attention{team, by, heads, kernels, visible});
          if (whole_leaves) {
            check(rondo::gathered_attention{team, by, heads, kernels, visible, order});
          }
        });
      }
    }
  }
}
