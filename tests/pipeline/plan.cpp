// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/pipeline/building_block.hpp>
#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/fill_drain.hpp>
#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/pipeline/zero_bubble.hpp>

#include <algorithm>
#include <map>
#include <tuple>

namespace pipeline = rondo::pipeline;
using pipeline::shape;

namespace {

template <class Policy>
concept makes_plans = pipeline::schedule_policy<Policy>;
static_assert(makes_plans<pipeline::gpipe> && makes_plans<pipeline::breadth_first> &&
              makes_plans<pipeline::forward_only> && makes_plans<pipeline::one_f_one_b> &&
              makes_plans<pipeline::interleaved_one_f_one_b> &&
              makes_plans<pipeline::sequence_one_f_one_b> &&
              makes_plans<pipeline::zero_bubble_h1> && makes_plans<pipeline::zero_bubble_h2> &&
              makes_plans<pipeline::zero_bubble_v> && makes_plans<pipeline::v_half> &&
              makes_plans<pipeline::v_min> && makes_plans<pipeline::interleaved_zero_bubble> &&
              makes_plans<pipeline::dual_pipe> && makes_plans<pipeline::dual_pipe_v>);

/// Actions with F, B, I, W as signs, in compile-time reach: the letters of a row.
template <class Policy>
constexpr bool row_is(const Policy& policy, shape asked, int rank, std::string_view letters) {
  std::size_t at = 0;
  for (const pipeline::action& each : policy.row(asked, rank)) {
    const std::string_view letter = pipeline::letters_of(each.kind);
    if (at + 2 > letters.size() || letters[at] != letter[0] ||
        letters[at + 1] != static_cast<char>('0' + each.micro_batch)) {
      return false;
    }
    at += 2;
  }
  return at == letters.size();
}

static_assert(row_is(pipeline::gpipe{}, {2, 3}, 1, "F0F1F2B0B1B2"));
static_assert(row_is(pipeline::one_f_one_b{}, {4, 4}, 0, "F0F1F2F3B0B1B2B3"));
static_assert(row_is(pipeline::one_f_one_b{}, {4, 4}, 2, "F0F1B0F2B1F3B2B3"));
static_assert(row_is(pipeline::one_f_one_b{}, {4, 4}, 3, "F0B0F1B1F2B2F3B3"));
static_assert(row_is(pipeline::one_f_one_b{}, {8, 2}, 0, "F0F1B0B1"));
static_assert(row_is(pipeline::zero_bubble_h1{}, {2, 3}, 0, "F0F1I0W0F2I1W1I2W2"));
static_assert(row_is(pipeline::zero_bubble_h1{}, {2, 3}, 1, "F0I0F1I1W0F2I2W1W2"));
static_assert(row_is(pipeline::forward_only{}, {2, 3}, 1, "F0F1F2"));

/// Every stage's work is done once on its rank: F, and either B or both I and W after it.
void require_complete(const pipeline::plan& plan) {
  std::map<std::tuple<int, int, int>, std::string> done;
  for (int rank = 0; rank < plan.ranks(); ++rank) {
    for (const auto& each : plan.row_of(rank)) {
      REQUIRE(plan.placement.rank_of(each.stage) == rank);
      done[{each.stage, each.micro_batch, each.slice}] += pipeline::letters_of(each.kind);
    }
  }
  const int chains = plan.placement.chains();
  REQUIRE(static_cast<int>(done.size()) == plan.placement.stages() * plan.shape.units() / chains);
  for (const auto& [where, letters] : done) {
    REQUIRE((letters == "FB" || letters == "FIW"));
  }
}

template <class Policy>
void require_complete_for(const Policy& policy, std::initializer_list<shape> shapes) {
  for (const shape& each : shapes) {
    INFO(Policy::name << ' ' << each.stages << " x " << each.micro_batches);
    require_complete(policy(each));
  }
}

}  // namespace

TEST_CASE("every generator does every stage's work once, on its rank, forward first") {
  const auto any = {shape{1, 1}, shape{1, 5},  shape{2, 1}, shape{3, 7},
                    shape{4, 2}, shape{5, 11}, shape{8, 8}};
  require_complete_for(pipeline::gpipe{}, any);
  require_complete_for(pipeline::one_f_one_b{}, any);
  require_complete_for(pipeline::sequence_one_f_one_b{.slices = 3}, any);
  require_complete_for(pipeline::breadth_first{.chunks = 3}, any);
  require_complete_for(pipeline::zero_bubble_h1{}, any);
  require_complete_for(pipeline::zero_bubble_v{}, any);
  require_complete_for(pipeline::v_half{}, any);
  require_complete_for(pipeline::v_min{}, any);
  const auto deep = {shape{1, 2}, shape{2, 4}, shape{4, 9}, shape{5, 17}};
  require_complete_for(pipeline::zero_bubble_h2{}, deep);
  require_complete_for(pipeline::dual_pipe_v{}, deep);
  require_complete_for(pipeline::dual_pipe{}, {shape{2, 4}, shape{4, 10}, shape{6, 22}});
}

TEST_CASE("interleaving takes PyTorch's grid of chunks, micro-batches and ranks") {
  // The 23 points of its test of schedules; one of them is there twice.
  constexpr int grid[][3] = {{2, 2, 2},  {2, 4, 4},   {2, 8, 2},   {2, 8, 4},    {2, 8, 8},
                             {4, 4, 4},  {4, 8, 4},   {4, 8, 8},   {4, 16, 4},   {4, 32, 4},
                             {4, 64, 4}, {4, 16, 16}, {4, 32, 32}, {4, 128, 64}, {3, 2, 2},
                             {3, 8, 2},  {3, 12, 4},  {4, 6, 3},   {4, 10, 5},   {2, 3, 4},
                             {2, 4, 4},  {2, 10, 4},  {2, 15, 4}};
  static_assert(std::size(grid) == 23);
  for (const auto& [chunks, micro_batches, stages] : grid) {
    const shape asked{stages, micro_batches};
    require_complete_for(pipeline::interleaved_one_f_one_b{.chunks = chunks}, {asked});
    require_complete_for(pipeline::interleaved_zero_bubble{.chunks = chunks}, {asked});
  }
}

TEST_CASE("micro-batches that ranks do not divide form equal groups") {
  // The first group is what passes chunk 0 before chunk 1 begins.
  const auto group = [](shape asked) {
    int size = 0;
    for (const auto& each : pipeline::interleaved_one_f_one_b{}.row(asked, 0)) {
      if (each.stage != 0) {
        break;
      }
      ++size;
    }
    return size;
  };
  CHECK(group({4, 3}) == 3);
  CHECK(group({4, 10}) == 5);
  CHECK(group({4, 15}) == 5);
}

TEST_CASE("gradients are summed in micro-batch order on every stage, by every schedule") {
  const auto check = [](const pipeline::plan& plan) {
    std::map<int, std::vector<int>> order;
    for (const auto& row : plan.rows) {
      for (const auto& each : row) {
        if (each.kind == pipeline::kind::backward || each.kind == pipeline::kind::backward_weight) {
          order[each.stage].push_back(each.micro_batch);
        }
      }
    }
    for (const auto& [stage, taken] : order) {
      REQUIRE(std::is_sorted(taken.begin(), taken.end()));
    }
  };
  const shape asked{4, 16};
  check(pipeline::gpipe{}(asked));
  check(pipeline::breadth_first{}(asked));
  check(pipeline::interleaved_one_f_one_b{}(asked));
  check(pipeline::zero_bubble_h2{}(asked));
  check(pipeline::interleaved_zero_bubble{}(asked));
  check(pipeline::zero_bubble_v{}(asked));
  check(pipeline::v_half{}(asked));
  check(pipeline::v_min{}(asked));
  check(pipeline::dual_pipe{}(asked));
  check(pipeline::dual_pipe_v{}(asked));
}

TEST_CASE("stages lie on ranks as the placement says") {
  const auto ranks = [](const pipeline::placement& where) {
    std::string text;
    for (int stage = 0; stage < where.stages(); ++stage) {
      text += std::to_string(where.rank_of(stage));
    }
    return text;
  };
  CHECK(ranks(pipeline::looped(4, 2)) == "01230123");
  CHECK(ranks(pipeline::vee(2)) == "0110");
  CHECK(ranks(pipeline::vee(4, 3)) == "012332100123");
  CHECK(ranks(pipeline::vee(4, 4)) == "0123321001233210");
  const auto both = pipeline::mirrored(4);
  CHECK(ranks(both) == "01233210");
  CHECK(both.parts() == 4);
  CHECK((both.is_last(3) && both.is_first(4) && both.part_of(5) == 1));
  CHECK_THROWS_WITH(pipeline::placement({0, 2}, 2),
                    Catch::Matchers::ContainsSubstring("rank 2 is not in 0 .. 1"));
}

TEST_CASE("Megatron's grouped interleaving: 2 ranks, 5 micro-batches in groups of 3") {
  // Signed chunk numbers of rank 0, from 1, backwards negative (Megatron-Core, cuda_graphs).
  const std::vector<int> expected{1,  1, 1,  2, 2,  2,  -2, 1,  -2, 1,
                                  -2, 2, -1, 2, -1, -1, -2, -2, -1, -1};
  std::vector<int> order;
  std::vector<int> forwards;  // micro-batches
  for (const auto& each :
       pipeline::interleaved_one_f_one_b{.chunks = 2, .group = 3}.row({2, 5}, 0)) {
    const int chunk = each.stage / 2 + 1;
    order.push_back(each.kind == pipeline::kind::forward ? chunk : -chunk);
    if (each.kind == pipeline::kind::forward) {
      forwards.push_back(each.micro_batch);
    }
  }
  CHECK(forwards == std::vector<int>{0, 1, 2, 0, 1, 2, 3, 4, 3, 4});
  CHECK(order == expected);
}

TEST_CASE("nnscaler's interleaving: lengths of warm-up, steady state and cool-down") {
  const auto phases = [](int micro_batches, int rank) {
    std::string kinds;
    for (const auto& each : pipeline::interleaved_one_f_one_b{}.row({4, micro_batches}, rank)) {
      kinds += pipeline::letters_of(each.kind);
    }
    // The first F of a pair F B belongs to the steady state.
    const auto warm = kinds.find('B') - (kinds.find('B') == kinds.size() / 2 ? 0 : 1);
    return static_cast<int>(warm);
  };
  CHECK(phases(8, 0) == 10);
  CHECK(phases(8, 1) == 8);
  CHECK(phases(8, 2) == 6);
  CHECK(phases(8, 3) == 4);
  CHECK(phases(4, 0) == 8);
  CHECK(phases(4, 1) == 8);
  CHECK(phases(4, 2) == 6);
  CHECK(phases(4, 3) == 4);
}

TEST_CASE("Megatron's 1F1B: warm-ups, and a bubble of (p-1) / (v m)") {
  // Megatron-LM, core/pipeline_parallel/schedules.py; Narayanan et al. 2021, section 2.2.
  for (int rank = 0; rank < 4; ++rank) {
    const auto row = pipeline::one_f_one_b{}.row({4, 8}, rank);
    const auto backward = std::find_if(row.begin(), row.end(), [](const auto& each) {
      return each.kind != pipeline::kind::forward;
    });
    // The last forward before it is that of the first pair.
    CHECK(backward - row.begin() - 1 == 3 - rank);
  }
  const pipeline::costs even{.forward = 6, .backward_input = 6, .backward_weight = 6};
  const auto bubble = [&](const pipeline::plan& of, int chunks, int micro_batches) {
    const double busy = 18.0 * micro_batches * chunks;
    return (static_cast<double>(pipeline::simulate(of, even).makespan) - busy) / busy;
  };
  for (const int m : {4, 8, 16}) {
    CHECK(bubble(pipeline::one_f_one_b{}({4, m}), 1, m) == Approx(3.0 / m));
    CHECK(bubble(pipeline::interleaved_one_f_one_b{.chunks = 2}({4, m}), 2, m) ==
          Approx(3.0 / (2 * m)));
  }
}

TEST_CASE("a shape that a schedule cannot take is refused with what it needs") {
  const auto says = [](const std::string& part) {
    return Catch::Matchers::ContainsSubstring(part);
  };
  CHECK_THROWS_WITH(pipeline::zero_bubble_h2{}({8, 12}),
                    says("zero_bubble_h2 needs micro_batches >= 2 * stages; got stages 8, "
                         "micro_batches 12"));
  CHECK_THROWS_WITH(pipeline::dual_pipe{}({3, 12}), says("even stages"));
  CHECK_THROWS_WITH(pipeline::dual_pipe_v{}({4, 7}), says("micro_batches >= 2 * stages"));
  CHECK_THROWS_WITH(pipeline::interleaved_one_f_one_b{}({4, 9}), says("equal groups"));
  CHECK_THROWS_WITH((pipeline::interleaved_one_f_one_b{.chunks = 2, .group = 5}({4, 13})),
                    says("a last group of 0 or at least"));
  CHECK_THROWS_WITH(pipeline::one_f_one_b{}({4, 8, 2}), says("slices = 1"));
  CHECK_THROWS_WITH(pipeline::gpipe{}({0, 8}), says("1 <= stages"));
  CHECK_THROWS_WITH(pipeline::gpipe{}({4, 0}), says("1 <= micro_batches"));
  CHECK_THROWS_WITH(pipeline::breadth_first{.chunks = 0}({4, 4}), says("chunks >= 1"));
}
