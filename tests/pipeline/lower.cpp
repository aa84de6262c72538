// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/lower.hpp>
#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/passes.hpp>

#include <algorithm>
#include <string>

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

}  // namespace

TEST_CASE("both halves where the sender stands: PyTorch's lowering of two stages") {
  const auto computes = from_csv(cells("0F0 0F1 . 0B0 . 0B1\n. 1F0 1B0 1F1 1B1 .\n"));
  CHECK(to_csv(lower(computes)) == cells("0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1\n"
                                         "1RECV_F0 1RECV_F1 1F0 1B0 1SEND_B0 1F1 1B1 1SEND_B1\n"));
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

TEST_CASE("weights are gathered before use and dropped after") {
  const auto plan = from_csv(cells("0F0 0F1 1F0 1F1 1B0 1B1 0B0 0B1\n"));
  CHECK(to_csv(add_unshard(plan)) ==
        cells("0UNSHARD 1UNSHARD 0F0 0F1 1F0 1F1 1B0 1B1 1RESHARD 0B0 0B1 0RESHARD\n"));
  CHECK(to_csv(add_unshard(plan, 1)) ==
        cells("0UNSHARD 0F0 0F1 0RESHARD 1UNSHARD 1F0 1F1 1B0 1B1 1RESHARD 0UNSHARD 0B0 0B1 "
              "0RESHARD\n"));
}

TEST_CASE("gradients are reduced when the last of a stage is there") {
  const auto plan = from_csv(cells("0F0 0F1 1F0 1F1 1B0 1B1 0B0 0B1\n"));
  CHECK(to_csv(add_reduce_gradient(plan)) ==
        cells("0F0 0F1 1F0 1F1 1B0 1B1 1REDUCE_GRAD 0B0 0B1 0REDUCE_GRAD\n"));
}

TEST_CASE("in time: both ranks follow one order, and a message goes where its sender is done") {
  const auto computes = pipeline::one_f_one_b{}({2, 2});
  // F0 0-1, F1 1-2 | F0 1-2, B0 2-4, F1 4-5, B1 5-7: F1's message is made while rank 1 is in F0.
  CHECK(to_csv(lower_in_time(computes, pipeline::costs{})) ==
        cells("0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1\n"
              "1RECV_F0 1F0 1RECV_F1 1B0 1SEND_B0 1F1 1B1 1SEND_B1\n"));
}
