// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What papers and other libraries print of the ways to split layers, attention, experts, losses and
// gradients: blocks, elements and places, each computed here from the source's own formula.
#include "catch.hpp"
#include "tensor/both_passes.hpp"
#include "tensor/loops.hpp"

#include <rondo/collective/all_reduce.hpp>
#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/tensor/layers/mlp.hpp>
#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>
#include <rondo/tensor/reshard/reshard_plan.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <vector>

namespace {

using rondo::attention_heads;
using rondo::cut;
using rondo::matrix;
using rondo::part;
using rondo::planned_collective;
using rondo::testing::expect;
using what = rondo::schedule::collective;
using collectives = std::vector<planned_collective>;

constexpr std::size_t tokens = 16;
constexpr rondo::detail::host_memory host;

/// First query, queries, first key, keys, masked.
using block = std::tuple<std::size_t, std::size_t, std::size_t, std::size_t, bool>;

/// A kernel that computes nothing and notes what it was given.
struct noting {
  std::vector<block>* forwards;
  std::vector<block>* backwards;

  template <class T, class W>
  void forward(attention_heads, rondo::attention_block at,
               const rondo::attention_forward<T, W>& of) const {
    forwards->push_back({at.first_query, of.query.rows, at.first_key, of.key.rows, at.causal});
    rondo::detail::fill(host, of.out, W{0});
    rondo::detail::fill(host, of.lse, W{0});
  }
  template <class T, class W>
  void backward(attention_heads, rondo::attention_block at,
                const rondo::attention_backward<T, W>& of) const {
    backwards->push_back({at.first_query, of.query.rows, at.first_key, of.key.rows, at.causal});
  }
};

/// What one rank's kernel and communicator saw of one pass.
struct seen {
  std::vector<block> blocks;
  std::vector<rondo::testing::recorded> made;

  [[nodiscard]] std::size_t sent() const {
    std::size_t elements = 0;
    for (const auto& one : made) {
      elements += one.elements;
    }
    return elements;
  }
};

/// Both passes, by rank, of the attention that `make(team, kernel)` makes; dimension 0 splits
/// tokens, 1 heads. `own_heads`: lse is of the rank's heads over all tokens.
template <int Dimension, class Make>
std::array<std::vector<seen>, 2> noted_passes(int ranks, attention_heads heads, const cut& queries,
                                              const cut& keys, bool own_heads, const Make& make) {
  std::array<std::vector<seen>, 2> all;
  all.fill(std::vector<seen>(static_cast<std::size_t>(ranks)));
  rondo::threads::run(ranks, [&](auto& comm) {
    rondo::testing::recording noted{comm};
    const auto rank = static_cast<std::size_t>(comm.rank());
    auto attend =
        make(rondo::along<"context">(noted), noting{&all[0][rank].blocks, &all[1][rank].blocks});
    both_passes::of_attention<Dimension>(attend, {tokens, heads, queries, keys, own_heads},
                                         comm.rank(), [&] {
                                           all[0][rank].made = noted.made();
                                           noted.forget();
                                         });
    all[1][rank].made = noted.made();
  });
  return all;
}

}  // namespace

TEST_CASE("published: the collectives of Megatron-LM's layers") {
  // Shoeybi et al. 2019, section 3: f is nothing forward and an all-reduce backward, g the reverse.
  // Korthikanti et al. 2022, section 4.2.2: with sequence parallelism an all-gather and a
  // reduce-scatter, and the input of a column-parallel layer is gathered again, not kept.
  using whole = rondo::replicated<float>;
  using rows = rondo::sharded<float, 0>;
  constexpr std::size_t h = 12;
  const rondo::mesh_shape grid{{"tensor", 4}};
  const planned_collective reduce{what::all_reduce, tokens * h, 4, "tensor", 4};
  const planned_collective gather{what::all_gather, tokens * h, 4, "tensor", 4};
  const planned_collective scatter{what::reduce_scatter, tokens * h, 4, "tensor", 4};
  const auto check = [](const rondo::layer_plan& made, const collectives& forward,
                        const collectives& backward) {
    CHECK(made.forward == forward);
    CHECK(made.backward == backward);
  };
  check(rondo::plan_column_parallel<whole>({tokens, h, 20}, grid), {}, {reduce});
  check(rondo::plan_row_parallel<whole>({tokens, 20, h}, grid), {reduce}, {});
  check(rondo::plan_mlp<whole>({tokens, h, 20}, grid), {reduce}, {reduce});
  check(rondo::plan_vocabulary_embedding<whole>(tokens, h, grid), {reduce}, {});
  check(rondo::plan_column_parallel<rows>({tokens, h, 20}, grid), {gather}, {gather, scatter});
  check(rondo::plan_row_parallel<rows>({tokens, 20, h}, grid), {scatter}, {gather});
  check(rondo::plan_mlp<rows>({tokens, h, 20}, grid), {gather, scatter}, {gather, gather, scatter});
  check(rondo::plan_vocabulary_embedding<rows>(tokens, h, grid), {scatter}, {gather});
}

TEST_CASE("published: the steps of a zigzag ring") {
  // zhuzilin/ring-flash-attention, zigzag_ring_flash_attn.py: of 2c chunks rank r holds r and
  // 2c-1-r. Step 0: its own, causal. Step j <= r: all queries, the first half of the keys of rank
  // r-j. Step j > r: the second half of the queries, all keys of rank r-j+c. No mask in either.
  constexpr std::size_t c = 4;
  constexpr std::size_t chunk = tokens / (2 * c);
  constexpr attention_heads heads{4, 2, 3};
  const cut by = rondo::zigzag(tokens, c);
  const auto [forward, backward] =
      noted_passes<0>(c, heads, by, by, false, [&](auto team, noting kernel) {
        return rondo::ring_attention{team, by, heads, kernel};
      });
  for (std::size_t r = 0; r < c; ++r) {
    INFO("rank " << r);
    const std::size_t late = 2 * c - 1 - r;
    const auto held = by.runs(static_cast<int>(r));
    CHECK(std::vector<part>(held.begin(), held.end()) ==
          std::vector<part>{{r * chunk, chunk}, {late * chunk, chunk}});
    const auto pair = [&](std::size_t query, std::size_t key, bool masked) {
      return block{query * chunk, chunk, key * chunk, chunk, masked};
    };
    std::vector<std::vector<block>> steps{
        {pair(r, r, true), pair(late, r, false), pair(late, late, true)}};
    for (std::size_t j = 1; j < c; ++j) {
      const std::size_t source = (r + c - j) % c;
      steps.push_back(
          j <= r ? std::vector{pair(r, source, false), pair(late, source, false)}
                 : std::vector{pair(late, source, false), pair(late, 2 * c - 1 - source, false)});
    }
    for (const auto* pass : {&forward[r], &backward[r]}) {
      std::size_t next = 0;
      for (auto& step : steps) {
        REQUIRE(pass->blocks.size() >= next + step.size());
        const auto* first = pass->blocks.data() + next;
        std::vector<block> got(first, first + step.size());
        next += step.size();
        std::sort(got.begin(), got.end());
        std::sort(step.begin(), step.end());
        CHECK(got == step);
      }
      CHECK(pass->blocks.size() == next);
    }
    // Sent, with g key/value heads of width n: forward (c-1) 2 (s/c) g n elements; backward the
    // keys and values as often again, and their gradients c times, the last time home.
    const std::size_t hop = 2 * (tokens / c) * 2 * 3;
    CHECK(forward[r].made.size() == c - 1);
    CHECK(forward[r].sent() == (c - 1) * hop);
    CHECK(backward[r].made.size() == c - 1 + c);
    CHECK(backward[r].sent() == (c - 1 + c) * hop);
  }
  rondo::threads::run(static_cast<int>(c), [&](auto& comm) {
    auto along = rondo::along<"sequence">(comm);
    const auto planned = rondo::ring_attention{along, by, heads, noting{nullptr, nullptr}}
                             .template planned<double>();
    rondo::testing::expect(
        planned.sent_elements("sequence") == (3.0 * c - 2) * 2 * tokens / c * 2 * 3,
        "what the plan says leaves a rank");
  });
}

TEST_CASE("published: Ulysses sends 4 N h / P elements where Megatron-LM sends 4 N h") {
  // Jacobs et al. 2023, section 3.2: three exchanges before attention and one after it, of N h
  // elements; Megatron-LM's sequence parallelism gathers twice and reduces twice as many.
  constexpr std::size_t p = 4;
  constexpr attention_heads heads{4, 4, 3};
  constexpr std::size_t h = 12;
  const cut by = cut::even(tokens, p);
  const auto passes = noted_passes<0>(p, heads, by, by, true, [&](auto team, noting kernel) {
    return rondo::exchanged_attention{team, by, heads, kernel};
  });
  for (const seen& rank : passes[0]) {
    CHECK(rank.made.size() == 4);
    CHECK(rank.sent() == 4 * tokens * h / p);
  }
  using rows = rondo::sharded<float, 0>;
  const rondo::mesh_shape grid{{"tensor", static_cast<int>(p)}};
  const auto layer = rondo::plan_column_parallel<rows>({tokens, h, 3 * h}, grid) +
                     rondo::plan_row_parallel<rows>({tokens, h, h}, grid) +
                     rondo::plan_mlp<rows>({tokens, h, 4 * h}, grid);
  const planned_collective gather{what::all_gather, tokens * h, 4, "tensor", 4};
  const planned_collective scatter{what::reduce_scatter, tokens * h, 4, "tensor", 4};
  CHECK(layer.forward == collectives{gather, scatter, gather, scatter});
}

TEST_CASE("published: heads come back for tokens as [S/P, b, P n, d]") {
  // DeepSpeed's sequence/layer.py returned [b, P S, n/P, d], as many elements (its pull request
  // 8317). Here element (s, b, n, d) of a batch of two says where it belongs.
  constexpr int p = 2;
  constexpr std::size_t s = 6, b = 2, n = 4, d = 3;
  const auto element = [](std::size_t row, std::size_t column) {
    return static_cast<float>(row * b * n * d + column);
  };
  const cut heads = cut::even(n, p).scaled(d);
  const std::array each_sequence{heads, heads};
  const cut columns = cut::fused(each_sequence);
  const cut rows = cut::even(s, p);
  rondo::threads::run(p, [&](auto& comm) {
    const auto team = rondo::along<"tensor">(comm);
    const auto mine = loops::held(columns, comm.rank());
    loops::owned<float> given(s, b * n / p * d), back(s / p, b * n * d);
    for (std::size_t i = 0; i < s; ++i) {
      for (std::size_t j = 0; j < mine.size(); ++j) {
        given(i, j) = element(i, mine[j]);
      }
    }
    rondo::convert(team, rondo::sharded<float, 1>{given.view(), columns},
                   rondo::sharded<float, 0>{back.view(), rows});
    const auto first = static_cast<std::size_t>(comm.rank()) * s / p;
    for (std::size_t i = 0; i < s / p; ++i) {
      for (std::size_t j = 0; j < b * n * d; ++j) {
        expect(back(i, j) == element(first + i, j), "the element's place");
      }
    }
  });
}

TEST_CASE("published: heads of Megatron-LM and DeepSpeed on their ranks") {
  const auto widths = [](const cut& by) { return by.widths(); };
  using counts = std::vector<std::size_t>;
  // DeepSpeed, sequence/layer.py: 7 heads on 4 ranks.
  CHECK(widths(rondo::head_split{{7, 7, 1}, 4}.query()) == counts{2, 2, 2, 1});
  // Megatron-LM, t <= g: a/t query and g/t key/value heads a rank.
  CHECK(widths(rondo::head_split{{32, 8, 1}, 4}.query()) == counts(4, 8));
  CHECK(widths(rondo::head_split{{32, 8, 1}, 4}.key_value()) == counts(4, 2));

  // The forward pass moves nothing, where Megatron-LM with t > g gathers [s, b, (a + 2g) n]. Each
  // of the t/g ranks that share a head sends the others its terms of two gradients [s, n].
  constexpr std::size_t width = 3;
  const auto moved = [&](attention_heads heads, int ranks) {
    const rondo::head_split split{heads, ranks};
    const auto passes =
        noted_passes<1>(ranks, heads, split.query_columns(), split.key_value_columns(), true,
                        [&](auto team, noting kernel) {
                          return rondo::head_attention{team, heads, kernel};
                        });
    counts sent;
    for (std::size_t rank = 0; rank < passes[0].size(); ++rank) {
      CHECK(passes[0][rank].made.empty());
      sent.push_back(passes[1][rank].sent());
    }
    return sent;
  };
  CHECK(moved({8, 2, width}, 2) == counts(2, 0));
  CHECK(moved({8, 2, width}, 4) == counts(4, (4 / 2 - 1) * 2 * tokens * width));
  CHECK(moved({8, 2, width}, 8) == counts(8, (8 / 2 - 1) * 2 * tokens * width));
  for (const int ranks : {2, 4, 8}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      auto along = rondo::along<"tensor">(comm);
      const rondo::head_attention layer{along, attention_heads{8, 2, width},
                                        noting{nullptr, nullptr}};
      rondo::testing::expect(layer.template planned<double>(tokens).sent_elements("tensor") ==
                                 (ranks / 2.0 - 1) * 2 * tokens * width,
                             "what the plan says leaves a rank");
    });
  }
}

TEST_CASE("published: a cross entropy reduces [tokens] maxima and k [tokens] sums, once each") {
  // Shoeybi et al. 2019, section 3, reduces b s values instead of b s v logits. The target's logit
  // goes with the sum (k = 2), and with smoothing the logits' sum (k = 3). Backward: nothing.
  const rondo::mesh_shape grid{{"tensor", 8}};
  for (const std::size_t k : {2U, 3U}) {
    const rondo::cross_entropy_options with{.smoothing = k == 3 ? 0.1 : 0.0};
    const auto made = rondo::plan_vocabulary_cross_entropy(32, grid, with);
    CHECK(made.forward == collectives{{what::all_reduce, 32, 8, "tensor", 8},
                                      {what::all_reduce, k * 32, 8, "tensor", 8}});
    CHECK(made.backward.empty());
  }
}

TEST_CASE("published: experts' tokens travel four times, and a rank without any takes part") {
  // DeepEP's README: the backward pass of dispatch is combine, that of combine is dispatch. So
  // what goes out in one comes back in the other: T k rows each, and counts before the first.
  constexpr int ranks = 3;
  constexpr std::size_t width = 2, choices = 2;
  std::array<std::array<std::size_t, 4>, ranks> sent{};
  rondo::threads::run(ranks, [&](auto& comm) {
    rondo::testing::recording noted{comm};
    const std::size_t given[] = {4, 0, 1};
    const cut by = cut::widths(given);
    const auto own = by.width(comm.rank());
    rondo::expert_parallel experts{rondo::along<"expert">(noted), by, 6, 0, both_passes::copying{}};
    std::vector<float> x(own * width), y(x), gate(own * choices, 0.5F);
    std::vector<int> expert(own * choices);
    for (std::size_t i = 0; i < expert.size(); ++i) {
      expert[i] = static_cast<int>(i % 2 == 0 ? 0 : 5);  // ranks 0 and 2
    }
    using shard = rondo::sharded<float, 0, "expert">;
    const shard in{{x.data(), own, width}, by}, out{{y.data(), own, width}, by};
    rondo::expert_pass<float> pass;
    experts.forward(
        pass, in, rondo::routing<float>{{expert.data(), own, choices}, {gate.data(), own, choices}},
        out);
    experts.backward(pass, in, out, matrix<float>{gate.data(), own, choices});
    const auto& made = noted.made();
    expect(made.size() == 5 && made[0].collective == "all_gather", "counts first");
    for (std::size_t i = 0; i < 4; ++i) {
      expect(made[i + 1].collective == "all_to_all", "then tokens");
      sent[static_cast<std::size_t>(comm.rank())][i] = made[i + 1].elements;
    }
  });
  // Five tokens choose an expert of rank 0 and one of rank 2.
  using elements = std::array<std::size_t, 4>;
  CHECK(sent[0] == elements{4 * 2 * width, 5 * width, 4 * 2 * width, 5 * width});
  CHECK(sent[1] == elements{0, 0, 0, 0});
  CHECK(sent[2] == elements{1 * 2 * width, 5 * width, 1 * 2 * width, 5 * width});
}

TEST_CASE("published: gradients scaled before, within or after the sum") {
  // Megatron-LM, core/distributed, scales before (gradient_scaling_factor), within
  // (average_in_collective) or, by the number of tokens, after it. Division by a power of two is
  // exact, so all three have the same bits; by another number they have not.
  constexpr std::size_t count = 1000;
  for (const int d : {2, 3, 4, 5, 6, 7, 8}) {
    rondo::threads::run(d, [&](auto& comm) {
      const auto rank = static_cast<std::size_t>(comm.rank());
      const auto scale = 1.0F / static_cast<float>(d);
      std::vector<float> before(count), within(count), after(count);
      for (std::size_t i = 0; i < count; ++i) {
        within[i] = after[i] = static_cast<float>(loops::number(3, rank, i));
        before[i] = within[i] * scale;
      }
      rondo::all_reduce(comm, before, rondo::one_shot{});
      rondo::all_reduce(comm, within, rondo::op::average{}, rondo::one_shot{});
      rondo::all_reduce(comm, after, rondo::one_shot{});
      for (float& value : after) {
        value *= scale;
      }
      const bool exact = (d & (d - 1)) == 0;
      const std::size_t bytes = count * sizeof(float);
      expect((std::memcmp(before.data(), within.data(), bytes) == 0) == exact, "before, within");
      expect((std::memcmp(after.data(), within.data(), bytes) == 0) == exact, "after, within");
    });
  }
}

TEST_CASE("published: from d shards to d', the intersections that change owners travel") {
  // Rajbhandari et al. 2020 (ZeRO), section 5: rank i of d holds [i N/d, (i+1) N/d). So rank j of
  // d' takes [i N/d, (i+1) N/d) and [j N/d', (j+1) N/d') from rank i.
  constexpr std::size_t n = 840;  // divisible by 1 .. 8
  const auto sharding = [](std::size_t d) {
    const int ranks = static_cast<int>(d);
    return std::vector{rondo::tensor_sharding{
        "w", 4, rondo::mesh_shape{{"data", ranks}}, {{"n", cut::even(n, ranks), {"data"}}}}};
  };
  using move = std::tuple<int, int, std::size_t, std::size_t>;  // from, to, first, count
  for (std::size_t d = 1; d <= 8; ++d) {
    for (std::size_t e = 1; e <= 8; ++e) {
      std::vector<move> expected, got;
      std::size_t travels = 0;
      for (std::size_t j = 0; j < e; ++j) {
        for (std::size_t i = 0; i < d; ++i) {
          const std::size_t first = std::max(i * n / d, j * n / e);
          const std::size_t end = std::min((i + 1) * n / d, (j + 1) * n / e);
          if (first < end) {
            expected.push_back({static_cast<int>(i), static_cast<int>(j), first, end - first});
            travels += i == j ? 0 : (end - first) * 4;
          }
        }
      }
      const rondo::reshard_plan moves{sharding(d), sharding(e)};
      for (const auto& one : moves.moves()) {
        REQUIRE(moves.runs(one, 0).size() == 1);
        const part run = moves.runs(one, 0)[0];
        got.push_back({one.from, one.to, run.first, run.count});
      }
      std::sort(got.begin(), got.end());
      std::sort(expected.begin(), expected.end());
      INFO(d << " -> " << e);
      CHECK(got == expected);
      CHECK(moves.moved_bytes() == travels);
    }
  }
}
