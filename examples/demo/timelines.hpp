// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/pipeline/svg.hpp>
#include <rondo/pipeline/zero_bubble.hpp>
#include <rondo/schedule.hpp>

#include <filesystem>
#include <string>

/// Pictures of who does what when: of some collectives, and of two pipelines.
namespace demo {

inline void write_timelines(const std::filesystem::path& folder) {
  const auto path = [&](const std::string& name) { return (folder / (name + ".svg")).string(); };

  namespace schedule = rondo::schedule;
  schedule::write_svg(schedule::all_reduce(rondo::ring{}, 6), path("all_reduce_ring"));
  schedule::write_svg(schedule::all_reduce(rondo::tree{}, 7), path("all_reduce_tree"));
  schedule::write_svg(schedule::all_reduce(rondo::halving_doubling{}, 8),
                      path("all_reduce_halving_doubling"));
  schedule::write_svg(
      schedule::all_reduce(rondo::hierarchical{rondo::ring{}, rondo::recursive_doubling{}, 4}, 8),
      path("all_reduce_hierarchical"));

  namespace pipeline = rondo::pipeline;
  const pipeline::costs costs{18522, 18086, 9337,
                              601};  // microseconds, a 1.5 B model of Qi et al. 2024
  pipeline::write_svg(pipeline::simulate(pipeline::one_f_one_b{}({4, 8}), costs),
                      path("pipeline_one_f_one_b"));
  pipeline::write_svg(pipeline::simulate(pipeline::zero_bubble_h2{}({4, 8}), costs),
                      path("pipeline_zero_bubble"));
}

}  // namespace demo
