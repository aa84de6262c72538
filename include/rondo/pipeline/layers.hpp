// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace rondo::inline v0_1::pipeline {

/// Layers first .. last-1 of a model.
struct layer_range {
  int first = 0;
  int last = 0;
  friend constexpr bool operator==(const layer_range&, const layer_range&) = default;
};

/// Checks that `split` gives every one of `layers` layers to exactly one stage, in order.
/// A layer left out or held twice is refused by name.
constexpr void check_split(const constant_vector<layer_range>& split, int layers) {
  int next = 0;
  for (std::size_t stage = 0; stage < split.size(); ++stage) {
    const layer_range held = split[stage];
    if (held.last < held.first || held.first < 0 || held.last > layers) {
      refuse("pipeline: split: stage " + std::to_string(stage) + " holds layers " +
             std::to_string(held.first) + " .. " + std::to_string(held.last) + " of a model of " +
             std::to_string(layers));
    }
    if (held.first != next) {
      refuse("pipeline: split: layer " + std::to_string((std::min)(held.first, next)) +
             (held.first > next ? " is on no stage" : " is on two stages") + "; stage " +
             std::to_string(stage) + " begins at layer " + std::to_string(held.first) +
             " but should at " + std::to_string(next));
    }
    next = held.last;
  }
  if (next != layers) {
    refuse("pipeline: split: layer " + std::to_string(next) + " is on no stage; the split covers " +
           std::to_string(next) + " of " + std::to_string(layers) + " layers");
  }
}

/// Cuts layers of unequal `cost` over `stages` consecutive stages so that the dearest stage is as
/// cheap as can be. Cost: O(layers log(sum of cost)). Errors: fewer layers than stages; a cost
/// below 0, or a sum of them that ticks cannot count.
[[nodiscard]] constexpr constant_vector<layer_range> split_layers(
    const constant_vector<std::int64_t>& cost, int stages) {
  const int layers = static_cast<int>(cost.size());
  if (stages < 1 || layers < stages) {
    refuse("pipeline: split_layers needs at least one layer per stage; got " +
           std::to_string(layers) + " layers, " + std::to_string(stages) + " stages");
  }
  std::int64_t whole = 0;
  for (const std::int64_t each : cost) {
    if (each < 0 || each > (std::numeric_limits<std::int64_t>::max)() - whole) {
      refuse("pipeline: split_layers: got a layer that costs " + std::to_string(each) +
             "; expected costs from 0 on with a sum below 2^63");
    }
    whole += each;
  }
  // Fill stages up to `limit`, but leave at least one layer for each stage to come.
  const auto fill = [&](std::int64_t limit) {
    constant_vector<layer_range> split;
    int next = 0;
    for (int stage = 0; stage < stages; ++stage) {
      const int keep = stages - 1 - stage;
      int last = next + 1;
      std::int64_t load = cost[static_cast<std::size_t>(next)];
      while (last < layers - keep && load + cost[static_cast<std::size_t>(last)] <= limit) {
        load += cost[static_cast<std::size_t>(last++)];
      }
      split.push_back({next, last});
      next = last;
    }
    return split;
  };
  std::int64_t below = 0;
  std::int64_t enough = whole;
  for (const std::int64_t each : cost) {
    below = (std::max)(below, each - 1);
  }
  while (enough - below > 1) {
    const std::int64_t middle = below + (enough - below) / 2;
    (fill(middle).back().last == layers ? enough : below) = middle;
  }
  return fill(enough);
}

/// Layers of equal cost: the first stages hold one more where the division leaves a rest.
[[nodiscard]] constexpr constant_vector<layer_range> split_evenly(int layers, int stages) {
  if (stages < 1 || layers < 0) {
    refuse("pipeline: split_evenly needs stages >= 1 and layers >= 0");
  }
  constant_vector<layer_range> split;
  int next = 0;
  for (int stage = 0; stage < stages; ++stage) {
    const int held = layers / stages + (stage < layers % stages ? 1 : 0);
    split.push_back({next, next + held});
    next += held;
  }
  return split;
}

}  // namespace rondo::inline v0_1::pipeline
