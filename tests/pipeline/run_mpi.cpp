// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// The executor over MPI processes: the same calls, the same bits.

#include "catch.hpp"
#include "pipeline/sample_network.hpp"

#include <rondo/mpi.hpp>
#include <rondo/pipeline.hpp>

namespace pipeline = rondo::pipeline;

TEST_CASE("over MPI gradients have the bits of the stages run one after another") {
  rondo::mpi::communicator comm{MPI_COMM_WORLD};
  const pipeline::shape asked{comm.size(), 2 * comm.size()};
  for (const pipeline::plan& planned :
       {pipeline::gpipe{}(asked), pipeline::one_f_one_b{}(asked),
        pipeline::interleaved_one_f_one_b{}(asked), pipeline::zero_bubble_h1{}(asked),
        pipeline::zero_bubble_v{}(asked), pipeline::dual_pipe_v{}(asked)}) {
    const auto safe = pipeline::prove(planned, pipeline::channel::rendezvous);
    sample::network<float> mine;
    pipeline::run(comm, safe, mine);
    const auto expected = sample::one_after_another<float>(planned);
    CHECK(!mine.gradients.empty());
    for (const auto& [stage, gradient] : mine.gradients) {
      CHECK(gradient == expected.at(stage));
    }
    const auto peaks = pipeline::simulate(planned, pipeline::costs{}).peak_activations;
    CHECK(mine.peak_held == peaks[static_cast<std::size_t>(comm.rank())]);
  }
}

TEST_CASE("over MPI sends wait for nobody, however long the messages") {
  rondo::mpi::communicator comm{MPI_COMM_WORLD};
  struct passing_stages {
    using buffer = std::vector<double>;
    static buffer forward(const pipeline::site& at, buffer x) {
      const auto count = static_cast<std::size_t>(5000 + at.micro_batch);
      if (!at.first && x != buffer(count, at.stage - 1.0)) {
        throw std::logic_error("wrong values");
      }
      x.assign(count, at.stage);
      return x;
    }
    static buffer backward(const pipeline::site&, buffer g) {
      g.resize(7000);
      return g;
    }
  } stage;
  const pipeline::shape asked{comm.size(), 20};
  for (const pipeline::plan& planned :
       {pipeline::breadth_first{}(asked), pipeline::zero_bubble_v{}(asked)}) {
    const auto safe = pipeline::prove(planned, pipeline::channel::mailbox);
    CHECK_NOTHROW(pipeline::run(comm, safe, stage));
    CHECK_NOTHROW(pipeline::run(comm, safe, stage));
  }
}

TEST_CASE("over MPI a stage that throws ends the run on all ranks") {
  rondo::mpi::communicator comm{MPI_COMM_WORLD};
  const int last = comm.size() - 1;
  const auto safe =
      pipeline::prove(pipeline::one_f_one_b{}({comm.size(), 5}), pipeline::channel::rendezvous);
  sample::network<double> mine;
  mine.fails_at = {last, last, 3};
  CHECK_THROWS_WITH(pipeline::run(comm, safe, mine),
                    Catch::Matchers::ContainsSubstring("no forward for micro-batch 3"));
  sample::network<double> healthy;
  CHECK_NOTHROW(pipeline::run(comm, safe, healthy));
}
