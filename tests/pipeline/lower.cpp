// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "pipeline/text_hash.hpp"

#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/lower.hpp>
#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/passes.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/pipeline/zero_bubble.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace pipeline = rondo::pipeline;
using pipeline::from_csv;
using pipeline::to_csv;

namespace {

/// Cells parted by spaces, for the eye; `.` is an idle slot.
std::string cells(std::string text) {
  std::replace(text.begin(), text.end(), ' ', ',');
  std::erase(text, '.');
  return text;
}

/// The steps of PyTorch's dry run of a lowered plan; -1 if it hangs. In a step every rank in turn
/// tries its next action, then those that could not try once more.
int dry_run(const pipeline::plan& lowered) {
  using pipeline::kind;
  std::vector<pipeline::action> done;
  const auto is_done = [&](kind what, int stage, int micro_batch) {
    const auto sought = pipeline::make_action(what, stage, micro_batch);
    return std::find(done.begin(), done.end(), sought) != done.end();
  };
  const auto here = [&](int stage, int other) {
    return lowered.placement.rank_of(stage) == lowered.placement.rank_of(other);
  };
  const auto gradient_done = [&](int stage, int micro_batch) {
    return is_done(kind::backward, stage, micro_batch) ||
           is_done(kind::backward_input, stage, micro_batch);
  };
  const auto ready = [&](const pipeline::action& what) {
    const int s = what.stage;
    const int mb = what.micro_batch;
    switch (what.kind) {
      case kind::forward:
        return s == 0 || is_done(kind::receive_forward, s, mb) ||
               (here(s, s - 1) && is_done(kind::forward, s - 1, mb));
      case kind::backward:
      case kind::backward_input:
        return s == lowered.placement.stages() - 1 || is_done(kind::receive_backward, s, mb) ||
               (here(s, s + 1) && gradient_done(s + 1, mb));
      case kind::send_forward:
        return is_done(kind::forward, s, mb);
      case kind::receive_forward:
        return is_done(kind::send_forward, s - 1, mb);
      case kind::send_backward:
        return gradient_done(s, mb);
      case kind::receive_backward:
        return is_done(kind::send_backward, s + 1, mb);
      default:
        return true;
    }
  };
  auto left = lowered.rows;
  const auto advance = [&](pipeline::row& actions) {
    if (!ready(actions.front())) {
      return false;
    }
    done.push_back(actions.front());
    actions.erase(actions.begin());
    return true;
  };
  for (int steps = 0;; ++steps) {
    std::vector<pipeline::row*> blocked;
    bool moved = false;
    for (auto& actions : left) {
      if (!actions.empty() && advance(actions)) {
        moved = true;
      } else if (!actions.empty()) {
        blocked.push_back(&actions);
      }
    }
    if (!moved) {
      return blocked.empty() ? steps : -1;
    }
    for (auto* actions : blocked) {
      advance(*actions);
    }
  }
}

/// Whether no channel hangs.
bool is_safe(const pipeline::plan& lowered) {
  using pipeline::channel;
  for (const channel carried :
       {channel::rendezvous, channel::stream_per_rank, channel::stream_per_peer,
        channel::stream_per_direction, channel::mailbox}) {
    if (pipeline::find_hang(lowered, carried)) {
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("both halves where the sender stands: PyTorch's lowering of two stages") {
  const auto computes = from_csv(cells("0F0 0F1 . 0B0 . 0B1\n. 1F0 1B0 1F1 1B1 .\n"));
  CHECK(to_csv(lower(computes)) == cells("0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1\n"
                                         "1RECV_F0 1RECV_F1 1F0 1B0 1SEND_B0 1F1 1B1 1SEND_B1\n"));
  CHECK(dry_run(lower(computes)) == 11);
  CHECK(is_safe(lower(computes)));
}

TEST_CASE("both halves where the sender stands: PyTorch's lowering of a V") {
  const auto computes =
      from_csv(cells("0F0 0F1 . 3F0 3B0 3F1 3B1 0B0 3W0 0B1 3W1 0W0 0W1\n"
                     ". 1F0 2F0 1F1 2F1 2B0 1B0 2B1 1B1 2W0 2W1 1W0 1W1\n"));
  CHECK(computes.placement == pipeline::vee(2));
  CHECK(to_csv(lower(computes)) ==
        cells("0F0 0SEND_F0 0F1 0SEND_F1 3RECV_F0 3F0 3B0 3SEND_B0 3RECV_F1 3F1 3B1 3SEND_B1 "
              "0RECV_B0 0B0 3W0 0RECV_B1 0B1 3W1 0W0 0W1\n"
              "1RECV_F0 1RECV_F1 1F0 2F0 2SEND_F0 1F1 2RECV_B0 2F1 2SEND_F1 2B0 2RECV_B1 1B0 "
              "1SEND_B0 2B1 1B1 1SEND_B1 2W0 2W1 1W0 1W1\n"));
  CHECK(dry_run(lower(computes)) == 24);
  CHECK(is_safe(lower(computes)));
}

TEST_CASE("both halves where the sender stands: PyTorch's zb1p_2rank_2stagep_comms.csv") {
  const auto lowered = lower(fuse_backward(pipeline::interleaved_zero_bubble{}({2, 8})));
  const std::string text = to_csv(lowered);
  // That file with its B and BW written I and B; SHA-256 99b371864a190cae...
  CHECK(text.size() == 1184);
  CHECK(hash_of(text) == 0x48275067af4466e5u);
  CHECK(dry_run(lowered) == 113);
  CHECK(is_safe(lowered));
}

TEST_CASE("at use: receive just before, send just after, nothing within a rank") {
  CHECK(to_csv(lower(pipeline::one_f_one_b{}({2, 2}), pipeline::lowering::at_use)) ==
        cells("0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1\n"
              "1RECV_F0 1F0 1B0 1SEND_B0 1RECV_F1 1F1 1B1 1SEND_B1\n"));
  // Two actions that overlap stay together.
  const auto text = to_csv(lower(pipeline::dual_pipe_v{}({2, 4}), pipeline::lowering::at_use));
  CHECK_THAT(text,
             Catch::Matchers::ContainsSubstring("3RECV_F2,0RECV_B0,(3F2;0B0)OVERLAP_F_B,3B2"));
}

TEST_CASE("rows that wait for each other cannot be lowered") {
  CHECK_THROWS_WITH(lower(from_csv("0F0,0B0,0F1,0B1\n1F1,1B1,1F0,1B0\n")),
                    Catch::Matchers::ContainsSubstring("rank 0 waits for ever before 0B0"));
}

TEST_CASE("an I with its W right after it becomes a B") {
  const auto split = from_csv(cells("0F0 0F1 0F2 0I0 0I1 0W0 0I2 0W2 0W1\n"));
  CHECK(to_csv(fuse_backward(split)) == cells("0F0 0F1 0F2 0I0 0I1 0W0 0B2 0W1\n"));
}

TEST_CASE("Megatron's orders of layers with and without weight gradients of their own") {
  // Its document gives signed layers, from 1, backwards negative, weight gradients half a layer
  // further: 1 2 3 1 -3 -3.5 -2 -2.5 -1 -1.5 -1 -1.5, and 1 2 3 1 -3 -2 -1 -1 without.
  const auto split = from_csv(cells("0F0 1F0 2F0 0F1 2I0 2W0 1I0 1W0 0I0 0W0 0I1 0W1\n"));
  CHECK(to_csv(fuse_backward(split)) == cells("0F0 1F0 2F0 0F1 2B0 1B0 0B0 0B1\n"));
}

TEST_CASE("weights are gathered before use and dropped after") {
  const auto plan = from_csv(cells("0F0 0F1 1F0 1F1 1B0 1B1 0B0 0B1\n"));
  CHECK(to_csv(add_unshard(plan)) ==
        cells("0UNSHARD 1UNSHARD 0F0 0F1 1F0 1F1 1B0 1B1 1RESHARD 0B0 0B1 0RESHARD\n"));
  CHECK(to_csv(add_unshard(plan, 1)) ==
        cells("0UNSHARD 0F0 0F1 0RESHARD 1UNSHARD 1F0 1F1 1B0 1B1 1RESHARD 0UNSHARD 0B0 0B1 "
              "0RESHARD\n"));
}

TEST_CASE("weights are there for both of two actions that overlap, however few stages ahead") {
  for (const int ahead : {1, 2, 3}) {
    const auto plan = add_unshard(pipeline::dual_pipe{}({4, 8}), ahead);
    std::vector<bool> gathered(8, false);
    int missing = 0;
    for (const auto& row : plan.rows) {
      for (const auto& each : row) {
        const auto stage = static_cast<std::size_t>(each.stage);
        gathered[stage] = each.kind == pipeline::kind::unshard ||
                          (each.kind != pipeline::kind::reshard && gathered[stage]);
        missing += is_compute(each.kind) && !gathered[stage] ? 1 : 0;
      }
    }
    CHECK(missing == 0);
  }
  CHECK_THROWS_WITH(add_unshard(pipeline::one_f_one_b{}({2, 2}), 0),
                    Catch::Matchers::ContainsSubstring("0 stages ahead"));
}

TEST_CASE("gradients are reduced when the last of a stage is there") {
  const auto plan = from_csv(cells("0F0 0F1 1F0 1F1 1B0 1B1 0B0 0B1\n"));
  CHECK(to_csv(add_reduce_gradient(plan)) ==
        cells("0F0 0F1 1F0 1F1 1B0 1B1 1REDUCE_GRAD 0B0 0B1 0REDUCE_GRAD\n"));
  const auto beyond = pipeline::from_csv("0F0,7B0\n", pipeline::looped(1));
  CHECK_THROWS_WITH(add_reduce_gradient(beyond),
                    Catch::Matchers::ContainsSubstring("7B0 is on none of the plan's 1 stages"));
}

TEST_CASE("in time: both ranks follow one order, and a message goes where its sender is done") {
  const auto computes = pipeline::one_f_one_b{}({2, 2});
  // F0 0-1, F1 1-2 | F0 1-2, B0 2-4, F1 4-5, B1 5-7: F1's message is made while rank 1 is in F0.
  CHECK(to_csv(lower_in_time(computes, pipeline::costs{})) ==
        cells("0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1\n"
              "1RECV_F0 1F0 1RECV_F1 1B0 1SEND_B0 1F1 1B1 1SEND_B1\n"));
}
