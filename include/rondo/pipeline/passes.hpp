// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/core/error.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

/// Passes: functions from a plan of compute actions to another plan.
namespace rondo::inline v0_1::pipeline {

/// Turns each I with its own W right after it into one B.
[[nodiscard]] constexpr plan fuse_backward(plan split) {
  for (row& actions : split.rows) {
    row fused;
    for (const action& each : actions) {
      if (!fused.empty() && each.kind == kind::backward_weight) {
        action& before = fused.back();
        action expected = each;
        expected.kind = kind::backward_input;
        if (before == expected) {
          before.kind = kind::backward;
          continue;
        }
      }
      fused.push_back(each);
    }
    actions = std::move(fused);
  }
  return split;
}

/// Gathers the sharded weights of the next `ahead` stages that a rank will need, and drops those of
/// the others; both stages of two actions that overlap. For weights that are sharded over
/// data-parallel ranks. Errors: `invalid_argument` for an `ahead` below 1.
[[nodiscard]] constexpr plan add_unshard(plan whole, int ahead = 3) {
  if (ahead < 1) {
    refuse("pipeline: add_unshard: " + std::to_string(ahead) +
           " stages ahead; expected the next one at least");
  }
  for (row& actions : whole.rows) {
    row with;
    constant_vector<int> gathered;
    for (std::size_t i = 0; i < actions.size(); ++i) {
      constant_vector<int> wanted;
      const std::size_t now = actions[i].with_next ? i + 1 : i;  // up to here at the same time
      for (std::size_t j = i;
           j < actions.size() && (j <= now || static_cast<int>(wanted.size()) < ahead); ++j) {
        const int stage = actions[j].stage;
        if (is_compute(actions[j].kind) &&
            std::find(wanted.begin(), wanted.end(), stage) == wanted.end()) {
          wanted.push_back(stage);
        }
      }
      const bool inside_pair = i > 0 && actions[i - 1].with_next;
      if (!inside_pair) {
        const auto dropped = std::remove_if(gathered.begin(), gathered.end(), [&](int stage) {
          const bool drop = std::find(wanted.begin(), wanted.end(), stage) == wanted.end();
          if (drop) {
            with.push_back(make_action(kind::reshard, stage, 0));
          }
          return drop;
        });
        gathered.erase(dropped, gathered.end());
        for (const int stage : wanted) {
          if (std::find(gathered.begin(), gathered.end(), stage) == gathered.end()) {
            with.push_back(make_action(kind::unshard, stage, 0));
            gathered.push_back(stage);
          }
        }
      }
      with.push_back(actions[i]);
    }
    for (const int stage : gathered) {
      with.push_back(make_action(kind::reshard, stage, 0));
    }
    actions = std::move(with);
  }
  return whole;
}

/// Reduces the weight gradients of a stage as soon as the last of them is there. Errors:
/// `invalid_argument` for a stage that the plan's placement has not.
[[nodiscard]] constexpr plan add_reduce_gradient(plan whole) {
  for (row& actions : whole.rows) {
    constant_vector<int> left(static_cast<std::size_t>(whole.placement.stages()), 0);
    const auto has_weight = [](const action& each) {
      return each.kind == kind::backward || each.kind == kind::backward_weight;
    };
    for (const action& each : actions) {
      if (each.stage < 0 || each.stage >= whole.placement.stages()) {
        refuse("pipeline: add_reduce_gradient: " + to_text(each) + " is on none of the plan's " +
               std::to_string(whole.placement.stages()) + " stages");
      }
      left[static_cast<std::size_t>(each.stage)] += has_weight(each) ? 1 : 0;
    }
    row with;
    for (const action& each : actions) {
      with.push_back(each);
      if (has_weight(each) && --left[static_cast<std::size_t>(each.stage)] == 0) {
        with.push_back(make_action(kind::reduce_gradient, each.stage, 0));
      }
    }
    actions = std::move(with);
  }
  return whole;
}

}  // namespace rondo::inline v0_1::pipeline
