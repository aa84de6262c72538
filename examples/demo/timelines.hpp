// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/pipeline/svg.hpp>
#include <rondo/pipeline/zero_bubble.hpp>

#include <filesystem>

/// Pictures of who does what when.
namespace demo {

inline void write_timelines(const std::filesystem::path& folder) {
  namespace pipeline = rondo::pipeline;
  const pipeline::costs costs{18522, 18086, 9337, 601};  // microseconds, of a 1.5 G model (Qi et al. 2024)
  pipeline::write_svg(pipeline::simulate(pipeline::one_f_one_b{}({4, 8}), costs),
                      (folder / "pipeline_1f1b.svg").string());
  pipeline::write_svg(pipeline::simulate(pipeline::zero_bubble_h2{}({4, 8}), costs),
                      (folder / "pipeline_zero_bubble.svg").string());
}

}  // namespace demo
