// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/layers/layer_plan.hpp>

using rondo::layer_plan;
using rondo::planned_collective;
using what = rondo::schedule::collective;

TEST_CASE("plan: the backward pass of a sequence runs the other way round") {
  const planned_collective a{what::all_reduce, 10, 4, "tensor", 2};
  const planned_collective b{what::all_gather, 20, 4, "tensor", 2};
  const planned_collective c{what::reduce_scatter, 30, 4, "tensor", 2};
  const layer_plan first{{a}, {b}, 100, 150};
  const layer_plan second{{c}, {a}, 10, 90};
  CHECK(first + second == layer_plan{{a, c}, {a, b}, 110, 190});
  CHECK((first + second).collectives().size() == 4);
  CHECK(first + layer_plan{} == first);
  CHECK(layer_plan{} + first == first);
  CHECK_FALSE(first + second == second + first);
}

TEST_CASE("plan: Megatron's four all-reduces move 8 b s h (t-1)/t elements a rank") {
  // Narayanan et al. 2021, section 3.2; GPT-3: s 2048, b 1, h 12288, t 8.
  const planned_collective one{what::all_reduce, std::size_t{2048} * 12288, 2, "tensor", 8};
  const layer_plan layer{{one, one}, {one, one}, 0, 0};
  CHECK(layer.sent_elements("tensor") == 176160768.0);
  CHECK(layer.sent_elements("data") == 0.0);
  std::size_t bytes = 0;  // in 16-bit floats
  for (const auto& each : layer.collectives()) {
    bytes += each.moved_elements() * each.element_bytes / 8;
  }
  CHECK(bytes == 352'321'536);
}

TEST_CASE("plan: an all_reduce is a reduce_scatter and an all_gather") {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    const planned_collective both{what::all_reduce, 360, 4, "t", ranks};
    const planned_collective scatter{what::reduce_scatter, 360, 4, "t", ranks};
    const planned_collective gather{what::all_gather, 360, 4, "t", ranks};
    CHECK(both.moved_elements() == scatter.moved_elements() + gather.moved_elements());
  }
  const planned_collective swap{what::all_to_all, 360, 4, "t", 3};
  CHECK(swap.moved_elements() == 240);
}

TEST_CASE("plan: prints a line for each collective") {
  const layer_plan one{{{what::all_reduce, 1024, 4, "tensor", 4}}, {}, 64, 128};
  CHECK(one.describe() ==
        "forward:  all_reduce 1024 x 4 B over tensor (4 ranks)\n"
        "memory:   64 B saved, 128 B at the peak");
}
