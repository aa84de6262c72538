// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <rondo/pipeline.hpp>
#include <rondo/pipeline/cuda/stage_ranks.hpp>
#include <rondo/transport/cuda/buffer.hpp>

#include "catch.hpp"
#include "pipeline/sample_network.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

// Pipelines whose stages have buffers of the device, over an NCCL communicator; NCCL and the GPU
// are emulated.
namespace {

using namespace ranks;
namespace pipeline = rondo::pipeline;
using pipeline::channel;

/// The sample network, with values in buffers of the device.
struct device_network {
  using buffer = rondo::cuda::buffer<float>;
  sample::network<float> on_host{};

  static std::vector<float> fetched(const buffer& values) {
    nccl_on_threads::use(nullptr, values.data());
    return {values.data(), values.data() + values.size()};
  }
  static buffer stored(const std::vector<float>& values, buffer into) {
    into.resize(values.size());
    nccl_on_threads::use(nullptr, into.data());
    std::copy(values.begin(), values.end(), into.data());
    return into;
  }
  buffer forward(const pipeline::site& where, buffer x) {
    const auto y = on_host.forward(where, fetched(x));
    return stored(y, std::move(x));
  }
  buffer backward_input(const pipeline::site& where, buffer g) {
    const auto dx = on_host.backward_input(where, fetched(g));
    return stored(dx, std::move(g));
  }
  void backward_weight(const pipeline::site& where) { on_host.backward_weight(where); }
};

/// body(ranks of a pipeline, rank, their host) on `size` threads; what the first that failed says.
template <class Body>
std::string on_ranks(int size, const Body& body) {
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  std::vector<std::string> failures(static_cast<std::size_t>(size));
  rondo::threads::run(size, [&](auto& control) {
    failures[static_cast<std::size_t>(control.rank())] = thrown_by([&] {
      auto values = communicator::adopt(raw_communicator(id, control.rank(), size));
      // begin: stage_ranks
      // The same ranks twice: control over threads or MPI, values over NCCL; on{} is the stream.
      pipeline::stage_ranks both{control, values, rondo::on{}};
      // end: stage_ranks
      body(both, static_cast<std::size_t>(control.rank()), control);
      require(nccl_on_threads::unordered_uses() == 0,
              std::to_string(nccl_on_threads::unordered_uses()) + " uses that no event orders");
    });
  });
  for (const auto& one : failures) {
    if (!one.empty()) {
      return one;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("pipelines over NCCL: every schedule gives the gradients of one rank") {
  const pipeline::shape asked{4, 9};
  const std::pair<const char*, pipeline::plan> plans[] = {
      {"gpipe", pipeline::gpipe{}(asked)},
      {"one_f_one_b", pipeline::one_f_one_b{}(asked)},
      {"interleaved_one_f_one_b", pipeline::interleaved_one_f_one_b{}({4, 12})},
      {"zero_bubble_h1", pipeline::zero_bubble_h1{}(asked)},
      {"zero_bubble_v", pipeline::zero_bubble_v{}(asked)},
      {"dual_pipe", pipeline::dual_pipe{}({4, 12})}};
  for (const auto& [name, planned] : plans) {
    INFO(name);
    const auto expected = sample::one_after_another<float>(planned);
    const auto safe = pipeline::prove(planned, channel::rendezvous);
    std::vector<device_network> stages(4);
    CHECK(on_ranks(4, [&](auto& both, std::size_t rank, auto&) {
            pipeline::run(both, safe, stages[rank]);
          }) == "");
    std::size_t found = 0;
    for (const auto& one : stages) {
      for (const auto& [stage, gradient] : one.on_host.gradients) {
        CHECK(gradient == expected.at(stage));
        ++found;
      }
    }
    CHECK(found == expected.size());
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("pipelines over NCCL: the second run allocates no buffer") {
  const auto safe =
      pipeline::prove(pipeline::one_f_one_b{}(pipeline::shape{3, 6}), channel::rendezvous);
  std::vector<device_network> stages(3);
  CHECK(on_ranks(3, [&](auto& both, std::size_t rank, auto& control) {
          pipeline::run(both, safe, stages[rank]);
          rondo::barrier(control);
          const int blocks = nccl_on_threads::blocks();
          rondo::barrier(control);
          pipeline::run(both, safe, stages[rank]);
          rondo::barrier(control);
          const int after = nccl_on_threads::blocks();
          rondo::barrier(control);  // nobody has left yet
          require(after == blocks,
                  std::to_string(after) + " blocks after " + std::to_string(blocks));
        }) == "");
}

TEST_CASE("pipelines over NCCL: a stage that throws ends the run everywhere") {
  const auto safe =
      pipeline::prove(pipeline::one_f_one_b{}(pipeline::shape{3, 6}), channel::rendezvous);
  std::vector<device_network> stages(3);
  stages[1].on_host.fails_at = {1, 1, 2};
  std::vector<std::string> said(3);
  on_ranks(3, [&](auto& both, std::size_t rank, auto&) {
    said[rank] = thrown_by([&] { pipeline::run(both, safe, stages[rank]); });
  });
  for (const auto& one : said) {
    CHECK_THAT(one, Catch::Matchers::ContainsSubstring("no forward for micro-batch 2"));
  }
}

TEST_CASE("pipelines over NCCL: a proof for another channel is refused") {
  const auto safe =
      pipeline::prove(pipeline::one_f_one_b{}(pipeline::shape{2, 4}), channel::mailbox);
  std::vector<device_network> stages(2);
  CHECK_THAT(on_ranks(2, [&](auto& both, std::size_t rank,
                             auto&) { pipeline::run(both, safe, stages[rank]); }),
             Catch::Matchers::ContainsSubstring("proved for mailbox"));
}
