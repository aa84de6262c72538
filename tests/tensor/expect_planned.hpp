// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_reduce.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

/// The notes of all ranks of `comm` are the plan's collectives over `axis`: what they hand to
/// all_to_all is added up.
template <class Comm>
void expect_planned(Comm& comm, const std::vector<rondo::testing::recorded>& made,
                    const rondo::layer_plan& plan, std::string_view axis) {
  using rondo::testing::expect;
  const auto planned = plan.collectives();
  expect(made.size() == planned.size(), "as many collectives as planned");
  for (std::size_t i = 0; i < made.size(); ++i) {
    std::vector<std::size_t> elements{made[i].elements};
    if (made[i].collective == "all_to_all") {
      rondo::all_reduce(comm, elements);
    }
    expect(made[i].collective == rondo::schedule::name_of(planned[i].what), "what ran");
    expect(elements[0] == planned[i].elements, "its elements");
    expect(made[i].element_bytes == planned[i].element_bytes, "their bytes");
    expect(made[i].terms == planned[i].terms, "the arrays that it folds");
    expect(planned[i].axis == axis && planned[i].ranks == comm.size(), "its axis");
  }
}
