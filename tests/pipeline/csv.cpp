// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "pipeline/text_hash.hpp"

#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/zero_bubble.hpp>

namespace pipeline = rondo::pipeline;

TEST_CASE("DualPipeV is PyTorch's dualpipev_4rank_10mb.csv, byte for byte") {
  const std::string text = pipeline::to_csv(pipeline::dual_pipe_v{}({4, 10}));
  // SHA-256 16ce4a29936e4c5ad774098add32489b4937942e3f5ab0108f17d2826b184529
  CHECK(text.size() == 1261);
  CHECK(hash_of(text) == 0xd8e3ec6872fc0c24u);
  CHECK(text.substr(0, text.find('\n')) ==
        "0F0,0F1,0F2,0F3,0F4,0F5,0F6,7F0,7I0,7W0,7F1,7I1,7W1,7F2,7I2,7W2,7F3,"
        "(0F7;7B3)OVERLAP_F_B,(7F4;0B0)OVERLAP_F_B,(0F8;7B4)OVERLAP_F_B,(7F5;0B1)OVERLAP_F_B,"
        "(0F9;7B5)OVERLAP_F_B,(7F6;0B2)OVERLAP_F_B,7B6,(7F7;0B3)OVERLAP_F_B,7B7,"
        "(7F8;0B4)OVERLAP_F_B,7B8,(7F9;0B5)OVERLAP_F_B,7B9,0I6,0W6,0I7,0W7,0I8,0W8,0I9,0W9");
}

TEST_CASE("interleaved zero bubble is PyTorch's order on 2 ranks, 8 micro-batches, 2 chunks") {
  const std::string text = pipeline::to_csv(pipeline::interleaved_zero_bubble{}({2, 8}));
  // SHA-256 e23abc599807f59a5e1c8fea9db58245f2231e6fcd5c85dcdaffe0bea179c00c
  CHECK(text.size() == 384);
  CHECK(hash_of(text) == 0x85e0f211e4d84b65u);
  CHECK(text.substr(0, 51) == "0F0,0F1,2F0,2F1,2I0,2W0,0F2,2I1,2W1,0F3,0I0,0W0,2F2");
}

TEST_CASE("interleaved 1F1B is nnscaler's on 4 ranks, 2 chunks") {
  const std::string eight = pipeline::to_csv(pipeline::interleaved_one_f_one_b{}({4, 8}));
  const std::string four = pipeline::to_csv(pipeline::interleaved_one_f_one_b{}({4, 4}));
  // SHA-256 60b6b19fe1c7adf3... and 113f1ed870dd84df...
  CHECK(eight.size() == 512);
  CHECK(hash_of(eight) == 0xdbafeb4ec7a654cdu);
  CHECK(four.size() == 256);
  CHECK(hash_of(four) == 0x36ecc335f6224ff1u);
}

TEST_CASE("a plan and its text turn into each other") {
  const pipeline::plan plans[] = {pipeline::dual_pipe_v{}({4, 10}),
                                  pipeline::zero_bubble_v{}({3, 7}),
                                  pipeline::interleaved_one_f_one_b{}({4, 8}),
                                  pipeline::sequence_one_f_one_b{.slices = 3}({2, 4})};
  for (const auto& plan : plans) {
    CHECK(pipeline::from_csv(pipeline::to_csv(plan)) == plan);
  }
  const pipeline::plan both = pipeline::dual_pipe{}({4, 8});
  CHECK(pipeline::from_csv(pipeline::to_csv(both), both.placement) == both);
}

TEST_CASE("text of others comes back byte for byte: blanks, messages, weights") {
  for (const std::string text :
       {"0F0,0F1,,0B0,,0B1\n,1F0,1B0,1F1,1B1,\n",
        "0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n",
        "0UNSHARD,1UNSHARD,0F0,1F0,1B0,1RESHARD,1REDUCE_GRAD,0B0,0RESHARD,0REDUCE_GRAD\n"}) {
    CHECK(pipeline::to_csv(pipeline::from_csv(text)) == text);
  }
  CHECK(pipeline::from_csv("0F0,0B0\r\n1F0,1B0").rows ==
        pipeline::from_csv("0F0,0B0\n1F0,1B0\n").rows);
}

TEST_CASE("text that is no schedule is refused with the cell and its rank") {
  const auto says = [](const char* part) { return Catch::Matchers::ContainsSubstring(part); };
  CHECK_THROWS_WITH(pipeline::from_csv("0F0,0X1\n"), says("cell '0X1' of rank 0: expected F, B"));
  CHECK_THROWS_WITH(pipeline::from_csv("0F0\n1F\n"),
                    says("cell '1F' of rank 1: expected a number"));
  CHECK_THROWS_WITH(pipeline::from_csv("F0\n"), says("expected a number"));
  CHECK_THROWS_WITH(pipeline::from_csv("0F0x\n"), says("something follows"));
  CHECK_THROWS_WITH(pipeline::from_csv("0F99999999999\n"), says("expected a number"));
  CHECK_THROWS_WITH(pipeline::from_csv("(0F0;1F0)OVERLAP_F_B\n"), says("overlap"));
  CHECK_THROWS_WITH(pipeline::from_csv("(0F0;1B0)\n"), says("OVERLAP_F_B"));
  CHECK_THROWS_WITH(pipeline::from_csv("0F0\n0F1\n"), says("stage is on rank 0 already"));
  CHECK_THROWS_WITH(pipeline::from_csv("0F0,2F0\n"), says("no rank has stage 1"));
  CHECK_THROWS_WITH(pipeline::from_csv("0F0\n", pipeline::looped(2)), says("got 1 lines"));
  CHECK_THROWS_AS(pipeline::from_csv(""), rondo::error);
}
