// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// What users write, as one program; docs/pipeline.md shows the marked parts.

#include "catch.hpp"

#include <rondo/pipeline.hpp>
#include <rondo/rondo.hpp>

#include <cstdio>
#include <string>
#include <vector>

// begin: pipeline
namespace pipeline = rondo::pipeline;
// end: pipeline

namespace {

// begin: stage
struct scaling {  // y = w x
  using buffer = std::vector<float>;
  float weight = 2;
  float gradient = 0;
  std::vector<buffer> inputs = std::vector<buffer>(24);

  buffer forward(const pipeline::site& at, buffer x) {
    if (at.first) {
      x = buffer(4, static_cast<float>(at.micro_batch));  // from where the data comes
    }
    inputs[static_cast<std::size_t>(at.micro_batch)] = x;
    for (float& each : x) {
      each *= weight;
    }
    return x;
  }
  buffer backward_input(const pipeline::site& at, buffer gradient_out) {
    if (at.last) {
      gradient_out = buffer(4, 1.0f);  // from the loss
    }
    for (float& each : gradient_out) {
      each *= weight;
    }
    return gradient_out;
  }
  void backward_weight(const pipeline::site& at) {
    for (const float each : inputs[static_cast<std::size_t>(at.micro_batch)]) {
      gradient += each;
    }
  }
};
// end: stage

}  // namespace

TEST_CASE("pipelines as users write them") {
  // begin: pipeline
  pipeline::shape shape{.stages = 8, .micro_batches = 24};  // ranks that hold stages
  pipeline::plan plan = pipeline::one_f_one_b{}(shape);     // plan.rows[rank][i]: kind, stage, ...
  // end: pipeline
  CHECK(plan.rows[7][0].kind == pipeline::kind::forward);
  CHECK(plan.rows[7][1].stage == 7);
  CHECK(plan.rows[7][1].micro_batch == 0);

  // begin: pipeline
  pipeline::costs costs{
      .forward = 18522, .backward_input = 18086, .backward_weight = 9337, .hop = 601};
  pipeline::forecast f = pipeline::simulate(plan, costs);
  // f.makespan == 1456749, f.bubble() == 0.2431
  // end: pipeline
  CHECK(f.makespan == 1456749);
  CHECK(f.bubble() == Approx(0.2431).margin(0.0001));
  CHECK(f.span == 1456749);
  CHECK(f.peak_activations[0] == 8);

  // begin: pipeline
  auto safe = pipeline::prove(plan, pipeline::channel::rendezvous);
  rondo::threads::run(8, [&](auto& comm) {
    scaling stage;  // each rank its own
    pipeline::run(comm, safe, stage);
  });
  // end: pipeline

  // begin: pipeline
  auto found = pipeline::search(shape, costs, {.memory_limit = 2 * 8, .barrier = true});
  // found.gap() == 0: proved optimal
  // end: pipeline
  CHECK(found.gap() == 0);
  CHECK(found.makespan == found.lower_bound);
  CHECK(found.plan.ranks() == 8);

  // begin: pipeline
  pipeline::write_svg(f, "pipeline_call_sites.svg");
  pipeline::write_trace(f, "pipeline_call_sites.json");  // for Perfetto
  std::string text = pipeline::to_csv(plan);             // PyTorch's text form, byte for byte
  // end: pipeline
  plan = pipeline::from_csv(text);
  CHECK(plan == pipeline::one_f_one_b{}(shape));
  std::remove("pipeline_call_sites.svg");
  std::remove("pipeline_call_sites.json");
}
