// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "pipeline/published.hpp"

#include <rondo/pipeline/building_block.hpp>
#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/fill_drain.hpp>
#include <rondo/pipeline/formula.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/pipeline/search.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/pipeline/zero_bubble.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace pipeline = rondo::pipeline;
namespace formula = pipeline::formula;
using pipeline::costs;
using pipeline::shape;
using pipeline::ticks;

namespace {

static_assert(pipeline::simulate(pipeline::gpipe{}({4, 8}), costs{}).makespan == 33);
static_assert(pipeline::simulate(pipeline::one_f_one_b{}({4, 8}), costs{}).makespan == 33);
static_assert(pipeline::simulate(pipeline::interleaved_one_f_one_b{}({4, 8}), costs{}).makespan ==
              57);
static_assert(pipeline::simulate(pipeline::zero_bubble_h1{}({4, 8}), costs{}).makespan == 27);
static_assert(pipeline::simulate(pipeline::zero_bubble_h2{}({4, 8}), costs{}).span == 24);
static_assert(pipeline::simulate(pipeline::zero_bubble_v{}({4, 8}), costs{}).span == 48);
static_assert(
    pipeline::simulate(pipeline::dual_pipe_v{}({2, 4}), costs{.overlapped = 3}).makespan == 26);

struct golden {
  ticks makespan;
  ticks span;
};

template <class Policy>
pipeline::forecast played(const Policy& policy, shape asked, const costs& of = {}) {
  return pipeline::simulate(policy(asked), of);
}

template <class Policy>
void expect(const Policy& policy, shape asked, golden times, const costs& of = {}) {
  INFO(Policy::name << ' ' << asked.stages << " x " << asked.micro_batches);
  const auto forecast = played(policy, asked, of);
  CHECK(forecast.makespan == times.makespan);
  CHECK(forecast.span == times.span);
}

std::vector<int> counting(int from, int step, int count) {
  std::vector<int> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(from + step * i);
  }
  return values;
}

ticks rounded(double rate) { return std::llround(rate * 10000); }

}  // namespace

TEST_CASE("golden times where F = I = W = 1") {
  expect(pipeline::gpipe{}, {4, 8}, {33, 33});
  expect(pipeline::one_f_one_b{}, {4, 8}, {33, 33});
  expect(pipeline::interleaved_one_f_one_b{.chunks = 2}, {4, 8}, {57, 57});
  expect(pipeline::interleaved_one_f_one_b{.chunks = 3}, {4, 8}, {81, 81});
  expect(pipeline::breadth_first{.chunks = 2}, {4, 8}, {57, 57});
  expect(pipeline::zero_bubble_h1{}, {4, 8}, {27, 27});
  expect(pipeline::zero_bubble_h2{}, {4, 8}, {27, 24});
  expect(pipeline::zero_bubble_v{}, {4, 8}, {51, 48});
  expect(pipeline::interleaved_zero_bubble{}, {4, 8}, {51, 51});
  expect(pipeline::v_half{}, {4, 8}, {53, 53});
  expect(pipeline::v_min{}, {4, 8}, {59, 59});
  expect(pipeline::gpipe{}, {8, 24}, {93, 93});
  expect(pipeline::one_f_one_b{}, {8, 24}, {93, 93});
  expect(pipeline::interleaved_one_f_one_b{.chunks = 2}, {8, 24}, {165, 165});
  expect(pipeline::interleaved_one_f_one_b{.chunks = 3}, {8, 24}, {237, 237});
  expect(pipeline::zero_bubble_h1{}, {8, 24}, {79, 79});
  expect(pipeline::zero_bubble_h2{}, {8, 24}, {79, 72});
  expect(pipeline::zero_bubble_v{}, {8, 24}, {151, 144});
  expect(pipeline::interleaved_zero_bubble{}, {8, 24}, {151, 151});
  expect(pipeline::v_half{}, {8, 24}, {161, 161});
  expect(pipeline::v_min{}, {8, 24}, {171, 171});
}

TEST_CASE("golden peaks of held activations, in chunks") {
  const shape s{8, 24};
  CHECK(played(pipeline::gpipe{}, s).peak_activations == counting(24, 0, 8));
  CHECK(played(pipeline::one_f_one_b{}, s).peak_activations == counting(8, -1, 8));
  CHECK(played(pipeline::interleaved_one_f_one_b{}, s).peak_activations == counting(23, -2, 8));
  CHECK(played(pipeline::breadth_first{}, s).peak_activations == counting(48, 0, 8));
  CHECK(played(pipeline::zero_bubble_h1{}, s).peak_activations == counting(8, -1, 8));
  CHECK(played(pipeline::zero_bubble_h2{}, s).peak_activations == counting(15, -2, 8));
  CHECK(played(pipeline::zero_bubble_v{}, s).peak_activations == counting(16, 0, 8));
  CHECK(played(pipeline::interleaved_zero_bubble{}, s).peak_activations == counting(16, -1, 8));
  CHECK(played(pipeline::forward_only{}, s).peak_activations == counting(1, 0, 8));
  CHECK(played(pipeline::sequence_one_f_one_b{}, s).peak_activations == counting(9, -1, 8));
  for (int p = 2; p <= 16; ++p) {
    const costs keeping{.retained = 1};  // held until the weight gradient
    const auto most = [&](const auto& policy) {
      const auto forecast = played(policy, {p, 4 * p}, keeping);
      return *std::max_element(forecast.peak_memory.begin(), forecast.peak_memory.end());
    };
    CHECK(most(pipeline::v_half{}) == 2 * ((p + 2) / 2));
    CHECK(most(pipeline::v_min{}) == 2 * ((p + 4) / 3));
  }
}

TEST_CASE("ZB-H1 keeps up to p-1 weight gradients for later, on the last rank") {
  costs weights_only{};
  weights_only.retained = 1;
  const auto all = played(pipeline::zero_bubble_h1{}, {8, 24}, weights_only).peak_memory;
  CHECK(all == std::vector<std::int64_t>(8, 8));
}

TEST_CASE("DualPipe and DualPipeV: makespan, idle time and peak where FB = 3") {
  costs unit{};
  unit.overlapped = 3;
  const auto expect_dual = [&](const auto& policy, shape s, ticks makespan, ticks idle, int peak) {
    const auto forecast = played(policy, s, unit);
    INFO(s.stages << " x " << s.micro_batches);
    CHECK(forecast.makespan == makespan);
    for (const ticks busy : forecast.busy) {
      CHECK(makespan - busy == idle);
    }
    CHECK(forecast.peak_activations == counting(peak, 0, s.stages));
  };
  expect_dual(pipeline::dual_pipe{}, {2, 4}, 12, 0, 3);
  expect_dual(pipeline::dual_pipe{}, {4, 8}, 26, 2, 5);
  expect_dual(pipeline::dual_pipe{}, {4, 10}, 32, 2, 5);
  expect_dual(pipeline::dual_pipe{}, {8, 16}, 54, 6, 9);
  expect_dual(pipeline::dual_pipe{}, {8, 20}, 66, 6, 9);
  expect_dual(pipeline::dual_pipe{}, {16, 32}, 110, 14, 17);
  expect_dual(pipeline::dual_pipe_v{}, {2, 4}, 26, 2, 5);
  expect_dual(pipeline::dual_pipe_v{}, {4, 8}, 54, 6, 9);
  expect_dual(pipeline::dual_pipe_v{}, {4, 10}, 66, 6, 9);
  expect_dual(pipeline::dual_pipe_v{}, {8, 16}, 110, 14, 17);
  expect_dual(pipeline::dual_pipe_v{}, {8, 20}, 134, 14, 17);
  expect_dual(pipeline::dual_pipe_v{}, {16, 32}, 222, 30, 33);
}

TEST_CASE("DualPipe's closed forms hold where F = I >= W, and not beyond") {
  const auto middle_idle = [](const auto& policy, shape s, const costs& of) {
    const auto forecast = played(policy, s, of);
    return forecast.makespan - *std::min_element(forecast.busy.begin(), forecast.busy.end());
  };
  for (const ticks weight : {4, 7, 10}) {
    const costs of{
        .forward = 10, .backward_input = 10, .backward_weight = weight, .overlapped = 18 + weight};
    for (const shape s : {shape{4, 8}, shape{8, 20}}) {
      CHECK(middle_idle(pipeline::dual_pipe{}, s, of) == formula::dual_pipe_idle(s, of));
      CHECK(middle_idle(pipeline::dual_pipe_v{}, s, of) == formula::dual_pipe_v_idle(s, of));
    }
  }
  CHECK(middle_idle(pipeline::dual_pipe{}, {8, 20}, {10, 12, 8}) == 72);
  CHECK(formula::dual_pipe_idle({8, 20}, {10, 12, 8}) == 78);
  CHECK(middle_idle(pipeline::dual_pipe{}, {8, 20}, {10, 10, 12}) == 60);
  CHECK(formula::dual_pipe_idle({8, 20}, {10, 10, 12}) == 54);
}

TEST_CASE("sliced sequences and whole interleaving: published times") {
  const costs slice{.backward = 2};
  expect(pipeline::sequence_one_f_one_b{}, {4, 8}, {57, 57}, slice);
  expect(pipeline::sequence_one_f_one_b{}, {8, 16}, {117, 117}, slice);
  CHECK(played(pipeline::sequence_one_f_one_b{}, {4, 8}).peak_activations[0] == 5);
  CHECK(played(pipeline::sequence_one_f_one_b{}, {8, 16}).peak_activations[0] == 9);
  const costs one{.backward = 1};
  expect(pipeline::interleaved_one_f_one_b{}, {4, 8}, {38, 38}, one);
  expect(pipeline::interleaved_one_f_one_b{}, {4, 4}, {22, 22}, one);
  expect(pipeline::interleaved_one_f_one_b{}, {4, 8}, {57, 57}, slice);
  expect(pipeline::interleaved_one_f_one_b{}, {4, 4}, {33, 33}, slice);
}

TEST_CASE("Chimera with 4 ranks and 4 micro-batches: 16 slots, each rank busy in 12") {
  // Two pipelines in opposite directions; stages 4 .. 7 are the way from rank 3 to rank 0.
  const auto chimera = pipeline::from_csv(
      "0F0,0F1,7F2,7B2,7F3,7B3,0B0,0B1\n"
      "1F0,6F2,1F1,6F3,6B2,1B0,6B3,1B1\n"
      "5F2,2F0,5F3,2F1,2B0,5B2,2B1,5B3\n"
      "4F2,4F3,3F0,3B0,3F1,3B1,4B2,4B3\n",
      pipeline::mirrored(4));
  const auto forecast = pipeline::simulate(chimera, costs{.backward = 2});
  CHECK(forecast.makespan == 16);
  CHECK(forecast.busy == std::vector<ticks>(4, 12));
}

TEST_CASE("the published zero-bubble table, to the tick where the tick is known") {
  for (std::size_t i = 0; i < std::size(published::zero_bubble_table); ++i) {
    const auto& row = published::zero_bubble_table[i];
    const shape s{row.stages, row.micro_batches};
    INFO("row " << i);
    const auto plain = played(pipeline::one_f_one_b{}, s, row.costs);
    const auto h1 = played(pipeline::zero_bubble_h1{}, s, row.costs);
    const auto h2 = played(pipeline::zero_bubble_h2{}, s, row.costs);
    CHECK(plain.makespan == formula::one_f_one_b(s, row.costs));
    CHECK(h1.makespan == formula::zero_bubble_h1(s, row.costs));
    CHECK(h2.span == formula::zero_bubble_h2_span(s, row.costs));
    CHECK(rounded(plain.bubble()) == rounded(row.one_f_one_b));
    CHECK(rounded(h1.bubble()) == rounded(row.h1));
    CHECK(rounded(h2.span_bubble()) == rounded(row.h2));
    if (i < std::size(published::zero_bubble_exact)) {
      const auto& exact = published::zero_bubble_exact[i];
      CHECK(plain.makespan == exact.one_f_one_b);
      CHECK(h1.makespan == exact.h1);
      CHECK(h2.span == exact.h2_span);
      CHECK(rounded(h2.bubble()) == rounded(exact.h2_barrier));
      // Chunk costs need not be whole: count in parts of a tick.
      costs parts = row.costs;
      parts.hop *= exact.chunks;
      const auto looped = played(pipeline::interleaved_one_f_one_b{exact.chunks}, s, parts);
      CHECK(rounded(looped.bubble()) == rounded(exact.interleaved));
    }
  }
  for (const auto& row : published::zero_bubble_v_table) {
    const shape s{row.stages, row.micro_batches};
    costs stage = row.chunk;
    stage.forward *= 2;
    stage.backward_input *= 2;
    stage.backward_weight *= 2;
    const auto plain = played(pipeline::one_f_one_b{}, s, stage);
    const auto h1 = played(pipeline::zero_bubble_h1{}, s, stage);
    const auto h2 = played(pipeline::zero_bubble_h2{}, s, stage);
    CHECK(plain.makespan == row.one_f_one_b);
    CHECK(h1.makespan == row.h1);
    CHECK(h2.span == row.h2_span);
    CHECK(rounded(plain.bubble()) == rounded(row.one_f_one_b_rate));
    CHECK(rounded(h1.bubble()) == rounded(row.h1_rate));
    CHECK(rounded(h2.span_bubble()) == rounded(row.h2_rate));
  }
}

TEST_CASE("closed forms hold for all costs that they name") {
  for (const costs of : {costs{1, 1, 1, 0}, costs{3, 4, 2, 0}, costs{10, 12, 8, 0}}) {
    for (const shape s : {shape{2, 4}, shape{4, 8}, shape{5, 15}, shape{8, 32}}) {
      CHECK(played(pipeline::gpipe{}, s, of).makespan == formula::gpipe(s, of));
      CHECK(played(pipeline::one_f_one_b{}, s, of).makespan == formula::one_f_one_b(s, of));
      CHECK(played(pipeline::interleaved_one_f_one_b{3}, s, of).makespan ==
            formula::interleaved(s, 3, of));
      CHECK(played(pipeline::breadth_first{3}, s, of).makespan == formula::interleaved(s, 3, of));
      CHECK(formula::one_f_one_b(s, of) == formula::whole_backward_bound(s, 1, of));
    }
  }
  const costs hops{100, 100, 90, 7};
  CHECK(played(pipeline::gpipe{}, {4, 8}, hops).makespan == formula::gpipe({4, 8}, hops));
}

TEST_CASE("a zero-bubble V is free of gaps only where F = I = W") {
  // The static order of PyTorch at other costs.
  const auto uneven = played(pipeline::zero_bubble_v{}, {8, 24}, {10, 12, 8});
  CHECK(uneven.span - 24 * 2 * 30 == 56);
  const auto even = played(pipeline::zero_bubble_v{}, {8, 24}, {10, 10, 10});
  CHECK(even.span == 24 * 2 * 30);
  CHECK(even.makespan == 24 * 2 * 30 + 7 * 10);
}

namespace {

/// One slow stage: no schedule helps, only another placement does.
struct uneven {
  int slow;
  [[nodiscard]] ticks time(const pipeline::action& what) const {
    const ticks base = what.kind == pipeline::kind::forward ? 100 : 200;
    return what.stage == slow ? base * 14 / 10 : base;
  }
  [[nodiscard]] static ticks hop_time(const pipeline::action&, int, int) { return 0; }
};

/// Micro-batches of different lengths, links of different speed.
struct ragged {
  [[nodiscard]] static ticks time(const pipeline::action& what) { return 10 + what.micro_batch; }
  [[nodiscard]] static ticks hop_time(const pipeline::action& what, int from, int to) {
    return what.micro_batch + 3 * (from + to);
  }
};

/// Measured times that went wrong.
struct measured {
  double seconds;
  double hop;
  [[nodiscard]] double time(const pipeline::action& what) const {
    return what.kind == pipeline::kind::backward ? seconds : 1;
  }
  [[nodiscard]] double hop_time(const pipeline::action&, int, int) const { return hop; }
};

}  // namespace

TEST_CASE("uneven stages need nothing special") {
  for (const int m : {32, 64}) {
    const auto even = pipeline::simulate(pipeline::one_f_one_b{}({8, m}), uneven{-1});
    const auto slow = pipeline::simulate(pipeline::one_f_one_b{}({8, m}), uneven{7});
    CHECK(even.makespan == 300 * (m + 7));
    CHECK(slow.makespan == 420 * m + 300 * 7);
  }
}

TEST_CASE("micro-batches and links of different length: each action starts when it first can") {
  const auto forecast = pipeline::simulate(pipeline::one_f_one_b{}({2, 2}), ragged{});
  // rank 0: F0 0-10, F1 10-21, B0 waits for rank 1;  rank 1: F0 13-23, B0 23-33, F1 33-44, B1 44-55
  const auto& mine = forecast.timeline;
  CHECK(mine[0][0] == pipeline::interval{0, 10});
  CHECK(mine[0][1] == pipeline::interval{10, 21});
  CHECK(mine[1][0] == pipeline::interval{13, 23});
  CHECK(mine[1][1] == pipeline::interval{23, 33});
  CHECK(mine[1][2] == pipeline::interval{33, 44});
  CHECK(mine[0][2] == pipeline::interval{36, 46});
  CHECK(mine[0][3] == pipeline::interval{59, 70});
  CHECK(forecast.makespan == 70);
}

TEST_CASE("costs that are negative, no number or out of all measure are refused by all who ask") {
  const auto says = [](const std::string& part) {
    return Catch::Matchers::ContainsSubstring(part);
  };
  const auto plan = pipeline::one_f_one_b{}({2, 2});
  const auto halves = pipeline::zero_bubble_h1{}({2, 2});
  const auto refused = [&](const auto& model, const std::string& got) {
    const auto words = says("is " + got + "; a model gives numbers from 0 to 17592186044416");
    CHECK_THROWS_WITH(pipeline::simulate(plan, model), words);
    CHECK_THROWS_WITH(pipeline::search({2, 2}, model), words);
    CHECK_THROWS_WITH(pipeline::prove(plan, pipeline::channel::rendezvous, model), words);
  };
  constexpr double most = static_cast<double>(pipeline::most_ticks);
  refused(measured{-3, 0}, "-3.000000");
  refused(measured{std::nan(""), 0}, "nan");
  refused(measured{HUGE_VAL, 0}, "inf");
  refused(measured{2 * most, 0}, "35184372088832.000000");
  refused(measured{1, -1}, "-1.000000");
  refused(costs{.forward = -1}, "-1");
  refused(costs{.backward_weight = pipeline::most_ticks + 1}, "17592186044417");
  refused(costs{.backward_input = std::numeric_limits<ticks>::max()}, "9223372036854775807");
  refused(costs{.backward = -2}, "-2");
  refused(costs{.hop = -1}, "-1");
  CHECK_THROWS_WITH(pipeline::simulate(plan, costs{.forward = -1}), says("the time of 0F0 is"));
  CHECK_THROWS_WITH(pipeline::simulate(plan, costs{.hop = -1}), says("the hop of 0F0 is"));
  CHECK_THROWS_WITH(pipeline::simulate(plan, costs{.activation = -1}),
                    says("the activation of 0F0 is -1;"));
  CHECK_THROWS_WITH(pipeline::simulate(halves, costs{.retained = -1}),
                    says("the retained part of 1I0 is -1;"));
  // A part that is more than the whole would grow the memory where nobody looks for its peak.
  CHECK_THROWS_WITH(pipeline::simulate(halves, costs{.retained = 5}),
                    says("the retained part of 1I0 is 5, but its activation 1;"));
  CHECK_THROWS_WITH(pipeline::search({2, 2}, costs{.activation = 2, .retained = 3}),
                    says("is 3, but its activation 2;"));
  CHECK(pipeline::simulate(plan, measured{most, most}).makespan > pipeline::most_ticks);
}

TEST_CASE("a plan that cannot be played is refused with the rank and the action") {
  const auto says = [](const char* part) { return Catch::Matchers::ContainsSubstring(part); };
  const auto play = [](const char* text) {
    return pipeline::simulate(pipeline::from_csv(text), costs{});
  };
  CHECK_THROWS_WITH(play("0F0,0B0,0B0\n"), says("rank 0: 0B0 comes twice"));
  CHECK_THROWS_WITH(play("0B0,0F0\n"), says("0B0 comes before its forward"));
  CHECK_THROWS_WITH(play("0F0,0W0,0I0\n"), says("0W0 comes before its I"));
  CHECK_THROWS_WITH(play("0F0,0B0,0F1,0B1\n1F1,1B1,1F0,1B0\n"),
                    says("cannot end: rank 0 waits for ever before 0B0"));
}
