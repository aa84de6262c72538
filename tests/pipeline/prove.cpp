// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "pipeline/explorer.hpp"

#include <rondo/pipeline/building_block.hpp>
#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/fill_drain.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/pipeline/zero_bubble.hpp>

#include <random>

namespace pipeline = rondo::pipeline;
using pipeline::channel;
using pipeline::plan;
using pipeline::shape;

namespace {

constexpr channel all_channels[] = {channel::mailbox, channel::rendezvous, channel::stream_per_rank,
                                    channel::stream_per_peer, channel::stream_per_direction};

std::vector<plan> plans_of(shape asked) {
  return {pipeline::gpipe{}(asked),
          pipeline::one_f_one_b{}(asked),
          pipeline::interleaved_one_f_one_b{}(asked),
          pipeline::breadth_first{}(asked),
          pipeline::zero_bubble_h1{}(asked),
          pipeline::zero_bubble_h2{}(asked),
          pipeline::interleaved_zero_bubble{}(asked),
          pipeline::zero_bubble_v{}(asked),
          pipeline::v_half{}(asked),
          pipeline::v_min{}(asked),
          pipeline::dual_pipe{}(asked),
          pipeline::dual_pipe_v{}(asked),
          pipeline::sequence_one_f_one_b{}(asked),
          pipeline::forward_only{}(asked)};
}

bool hangs(const plan& lowered, channel carried) {
  return pipeline::find_hang(lowered, carried).has_value();
}

/// A random small plan with messages, often with a few of them moved to the wrong place.
plan random_plan(std::mt19937& random) {
  const auto pick = [&](int from, int to) {
    return std::uniform_int_distribution{from, to}(random);
  };
  const auto made = [&]() -> plan {
    switch (pick(0, 5)) {
      case 0:
        return pipeline::one_f_one_b{}({pick(2, 4), pick(1, 2)});
      case 1:
        return pipeline::gpipe{}({pick(2, 4), pick(1, 2)});
      case 2:
        return pipeline::zero_bubble_h1{}({pick(2, 3), pick(1, 3)});
      case 3:
        return pipeline::interleaved_one_f_one_b{}({2, pick(1, 2)});
      case 4:
        return pipeline::zero_bubble_v{}({2, pick(1, 3)});
      default:
        return pipeline::zero_bubble_v{}({3, 1});
    }
  }();
  plan lowered =
      lower(made, pick(0, 1) == 0 ? pipeline::lowering::at_use : pipeline::lowering::paired);
  for (int swaps = pick(0, 4); swaps > 0; --swaps) {
    auto& row = lowered.rows[static_cast<std::size_t>(pick(0, lowered.ranks() - 1))];
    const auto i = static_cast<std::size_t>(pick(0, static_cast<int>(row.size()) - 2));
    const bool related =
        row[i].stage == row[i + 1].stage && row[i].micro_batch == row[i + 1].micro_batch;
    const bool messages = is_message(row[i].kind) && is_message(row[i + 1].kind);
    if (messages || (!related && (is_message(row[i].kind) || is_message(row[i + 1].kind)))) {
      std::swap(row[i], row[i + 1]);  // no action passes what its own rank must do before it
    }
  }
  return lowered;
}

}  // namespace

TEST_CASE("every schedule is proved for every channel") {
  for (const shape asked : {shape{2, 4}, shape{4, 8}, shape{4, 12}, shape{6, 12}}) {
    for (const plan& each : plans_of(asked)) {
      for (const channel carried : all_channels) {
        CHECK_NOTHROW(pipeline::prove(each, carried));
      }
    }
  }
}

TEST_CASE("messages placed at their use: which schedules hang on which channel") {
  // Measured independently for GPipe, 1F1B, interleaved, breadth first, H1, H2, V, interleaved ZB
  // and DualPipeV: mailboxes always work; rendezvous and one stream per rank only for GPipe;
  // streams per peer and direction for all but the two on a V.
  const shape asked{4, 8};
  const std::pair<plan, bool> cases[] = {
      {pipeline::one_f_one_b{}(asked), false},
      {pipeline::interleaved_one_f_one_b{}(asked), false},
      {pipeline::breadth_first{}(asked), false},
      {pipeline::zero_bubble_h1{}(asked), false},
      {pipeline::zero_bubble_h2{}(asked), false},
      {pipeline::interleaved_zero_bubble{}(asked), false},
      {pipeline::zero_bubble_v{}(asked), true},
      {pipeline::dual_pipe_v{}(asked), true},
  };
  for (const auto& [each, is_vee] : cases) {
    const plan naive = lower(each, pipeline::lowering::at_use);
    CHECK_FALSE(hangs(naive, channel::mailbox));
    CHECK(hangs(naive, channel::rendezvous));
    CHECK(hangs(naive, channel::stream_per_rank));
    CHECK(hangs(naive, channel::stream_per_direction) == is_vee);
  }
  const plan gpipe = lower(pipeline::gpipe{}(asked), pipeline::lowering::at_use);
  for (const channel carried : all_channels) {
    CHECK_FALSE(hangs(gpipe, carried));
  }
}

TEST_CASE("two plans that hang with blocking sends, from pytorch#172668") {
  const plan first = pipeline::from_csv("0SEND_F1,2RECV_F0,2F0\n1SEND_F0,1RECV_F1,1F1\n");
  const auto why = pipeline::find_hang(first, channel::rendezvous);
  REQUIRE(why.has_value());
  CHECK(*why ==
        "wait cycle: rank 0 at 0SEND_F1 waits for rank 1 to reach 1RECV_F1; "
        "rank 1 at 1SEND_F0 waits for rank 0 to reach 2RECV_F0");
  CHECK_FALSE(hangs(first, channel::mailbox));

  const plan second = pipeline::from_csv(
      "2SEND_F1,0F2,0SEND_F2,2RECV_B0,2B0\n3RECV_F1,3SEND_B0,3F1,3B1,1RECV_F2,3SEND_B1,1F2\n");
  CHECK(hangs(second, channel::rendezvous));
}

TEST_CASE("a message without its other half never comes") {
  const plan lonely = pipeline::from_csv("0F0,0SEND_F0\n1F0\n");
  for (const channel carried : {channel::rendezvous, channel::stream_per_peer}) {
    const auto why = pipeline::find_hang(lonely, carried);
    REQUIRE(why.has_value());
    CHECK_THAT(*why, Catch::Matchers::ContainsSubstring("1RECV_F0, which never comes"));
  }
}

TEST_CASE("prove refuses with the cycle, the channel, or what is missing") {
  const auto says = [](const char* part) { return Catch::Matchers::ContainsSubstring(part); };
  const plan naive = lower(pipeline::one_f_one_b{}({2, 2}), pipeline::lowering::at_use);
  CHECK_THROWS_WITH(pipeline::prove(naive, channel::rendezvous),
                    says("the plan hangs on rendezvous: wait cycle: rank 0 at 0SEND_F1"));
  const auto prove_text = [](const char* text) {
    return pipeline::prove(pipeline::from_csv(text), channel::rendezvous);
  };
  CHECK_THROWS_WITH(prove_text("0F0,0B0\n1F0\n"), says("wait"));
  CHECK_THROWS_WITH(prove_text("0F0,0F0,0B0\n1F0,1B0\n"), says("0F0 comes twice"));
  CHECK_THROWS_WITH(prove_text("0F0,0I0\n1F0,1I0,1W0\n"), says("0F0 needs F and either B or"));
  CHECK_NOTHROW(prove_text("0UNSHARD,0F0,0B0,0REDUCE_GRAD\n1F0,1B0,1RESHARD\n"));
  plan elsewhere = pipeline::one_f_one_b{}({2, 2});
  elsewhere.rows[1].push_back(pipeline::make_action(pipeline::kind::reduce_gradient, 0, 0));
  CHECK_THROWS_WITH(pipeline::prove(elsewhere, channel::mailbox),
                    says("rank 1: 0REDUCE_GRAD is on a rank without its stage"));
  CHECK_THROWS_WITH(prove_text("0F0,0W0,0I0\n"), says("0W0 comes before its I"));
  CHECK_THROWS_WITH(prove_text("0F0,0SEND_F0,0RECV_B0,0B0\n1F0,1B0,1SEND_B0\n"),
                    says("1F0 comes before it is received"));
  CHECK_THROWS_WITH(prove_text("0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0\n"),
                    says("1SEND_B0 has only one of its halves"));
}

TEST_CASE("the prover agrees with every interleaving of 100 000 random small plans") {
  std::mt19937 random{20261121};
  int unsafe = 0;
  for (int round = 0; round < 100'000; ++round) {
    const plan each = random_plan(random);
    const channel carried = all_channels[round % 5];
    const bool truth = explorer::exploration{each, carried}.can_hang();
    unsafe += truth;
    if (hangs(each, carried) != truth) {
      FAIL("disagree on " << name_of(carried) << ", truth " << truth << ":\n" << to_csv(each));
    }
  }
  CHECK(unsafe > 10'000);  // the plans are no easy ones
  CHECK(unsafe < 90'000);
}

TEST_CASE("only a forward and a backward of another micro-batch run at the same time") {
  const auto says = [](const char* text) { return Catch::Matchers::ContainsSubstring(text); };
  const auto prove = [](const char* text) {
    return pipeline::prove(pipeline::from_csv(text), channel::mailbox);
  };
  CHECK_NOTHROW(prove("0F0,(0F1;0B0)OVERLAP_F_B,0B1\n"));
  CHECK_THROWS_WITH(prove("(0F0;0B0)OVERLAP_F_B,0F1,0B1\n"),
                    says("0F0 can run at the same time as a backward of another"));
  auto halves = pipeline::zero_bubble_h1{}({1, 2});  // F0 I0 W0 ..
  halves.rows[0][1].with_next = true;
  CHECK_THROWS_WITH(pipeline::prove(halves, channel::mailbox),
                    says("0I0 can run at the same time"));
}

TEST_CASE("plans made by hand whose parts do not fit each other are refused, not indexed by") {
  const auto says = [](const char* text) { return Catch::Matchers::ContainsSubstring(text); };
  CHECK_THROWS_WITH(pipeline::check(pipeline::plan{}), says("no stages"));
  CHECK_THROWS_WITH(pipeline::prove(pipeline::plan{}, channel::mailbox), says("no stages"));
  auto fewer = pipeline::one_f_one_b{}({2, 4});
  fewer.shape.micro_batches = 2;
  CHECK_THROWS_WITH(pipeline::check(fewer), says("outside the plan's shape"));
  CHECK_THROWS_WITH(pipeline::lower(fewer), says("0F2 is outside the plan's shape"));
  CHECK_THROWS_WITH(pipeline::prove(fewer, channel::rendezvous), says("outside the plan's shape"));
  fewer.shape.micro_batches = -4;
  CHECK_THROWS_WITH(pipeline::check(fewer), says("-4 micro-batches"));
  CHECK_THROWS_WITH(pipeline::breadth_first{1 << 30}({4, 1}), says("32767 chunks"));

  const pipeline::costs costs{};
  CHECK_THROWS_WITH(pipeline::simulate(pipeline::plan{}, costs), says("simulate: the plan has no"));
  CHECK_THROWS_WITH(pipeline::simulate(fewer, costs),
                    says("simulate: the plan has -4 micro-batch"));
  auto shorter = pipeline::one_f_one_b{}({2, 4});
  shorter.rows.pop_back();
  CHECK_THROWS_WITH(pipeline::simulate(shorter, costs), says("1 rows, but its placement 2 ranks"));
  CHECK_THROWS_WITH(pipeline::find_hang(shorter, channel::mailbox),
                    says("find_hang: the plan has"));

  // Stages times units do not fit an int.
  std::string text = "0F1048575s126\n";
  for (int stage = 1; stage < 33; ++stage) {
    text += std::to_string(stage) + "F1048575s126\n";
  }
  const auto huge = pipeline::from_csv(text);
  CHECK_THROWS_WITH(pipeline::lower(huge), says("of 127 slices through 33 stages"));
  CHECK_THROWS_WITH(pipeline::find_hang(huge, channel::mailbox), says("at most 2^28"));
  CHECK_THROWS_WITH(pipeline::simulate(huge, costs), says("at most 2^28"));

  const auto beyond = pipeline::from_csv("0F0,0SEND_B0\n1F0\n");  // nothing is before stage 0
  CHECK_THROWS_WITH(pipeline::find_hang(beyond, channel::rendezvous), says("0SEND_B0 is outside"));
  const auto strayed = pipeline::from_csv("1F0\n0F0\n1RECV_F0\n", pipeline::placement{{1, 0}, 3});
  for (const auto each : {channel::mailbox, channel::stream_per_peer}) {
    CHECK_THROWS_WITH(pipeline::find_hang(strayed, each),
                      says("rank 2: 1RECV_F0 is on a rank without its stage"));
  }
}
