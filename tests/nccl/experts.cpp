// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "device_layers.hpp"

#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/experts/auxiliary_loss.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/transport/cuda/buffer.hpp>

#include "catch.hpp"
#include "tensor/expect_planned.hpp"
#include "tensor/experts_case.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

// Experts on ranks whose memory is the device's; NCCL, the GPU and rondo's kernels are played by
// the host.
namespace {

using namespace device_layers;
using experts_case::batch;
using experts_case::outcome;
using experts_case::own_rows;
using experts_case::put_back;
using rondo::cut;

constexpr std::size_t width = 35, all_experts = 5, choices = 2;  // more than 32 lanes

/// The plain loops as kernels on a stream.
struct squares_on {
  cudaStream_t stream;
  experts_case::squares on_host;

  void forward(std::size_t expert, matrix<const float> rows, matrix<float> out) const {
    on_host.forward(expert, used(stream, rows), used(stream, out));
  }
  void backward(std::size_t expert, matrix<const float> rows, matrix<const float> d_out,
                matrix<float> d_rows) const {
    on_host.backward(expert, used(stream, rows), used(stream, d_out), used(stream, d_rows));
  }
};

/// A rank's tokens on its device, and its experts.
template <class Comm>
class rank_case {
 public:
  rank_case(Comm& comm, cudaStream_t stream, const batch& of, std::size_t capacity,
            const cut& tokens, outcome& to)
      : of_{of},
        tokens_{tokens},
        rank_{comm.rank()},
        own_{tokens.width(rank_)},
        x_{own(of.x, width), stream, 2},
        dy_{own(of.dy, width), stream, 1},
        gate_{own(of.gate, choices), stream, 1},
        y_{own_, width, stream, 3},
        dx_{own_, width, stream},
        d_gate_{own_, choices, stream, 2},
        expert_{own_rows(of.expert, choices, tokens, rank_), stream},
        layer{rondo::along<"expert">(comm), tokens, all_experts, capacity,
              squares_on{stream, {&of.weight, &to.d_weight, &to.calls}}} {}

  void forward() { forward(pass, x_, y_); }
  /// Another micro-batch, between the passes of the first.
  void forward_other() { forward(other_, dy_, dx_); }
  void backward() { layer.backward(pass, placed(dy_), placed(dx_), d_gate_.view()); }

  void put_into(outcome& to) {
    put_back(y_.fetched().memory, to.y, width, tokens_, rank_);
    put_back(dx_.fetched().memory, to.dx, width, tokens_, rank_);
    put_back(d_gate_.fetched().memory, to.d_gate, choices, tokens_, rank_);
  }

 private:
  using kept = rondo::expert_pass<float, rondo::cuda::buffer<float>>;

  [[nodiscard]] owned<float> own(const std::vector<float>& all, std::size_t columns) const {
    owned<float> made(own_, columns);
    made.memory = own_rows(all, columns, tokens_, rank_);
    return made;
  }
  [[nodiscard]] experts_case::rows_of<float> placed(device_matrix& at) const {
    return {at.view(), tokens_};
  }
  void forward(kept& to, device_matrix& x, device_matrix& y) {
    layer.forward(to, placed(x),
                  rondo::routing<float>{{expert_.values().data(), own_, choices}, gate_.view()},
                  placed(y));
  }

  const batch& of_;
  const cut& tokens_;
  int rank_;
  std::size_t own_;
  device_matrix x_, dy_, gate_, y_, dx_, d_gate_;
  device_array<int> expert_;
  kept other_;

 public:
  kept pass;
  rondo::expert_parallel<rondo::team<Comm, "expert">, squares_on> layer;
};
template <class Comm, class... Rest>
rank_case(Comm&, Rest&&...) -> rank_case<Comm>;

outcome run(const batch& of, std::size_t capacity, int ranks, const cut& tokens) {
  outcome to = experts_case::blank(of);
  std::vector<std::size_t> dropped(static_cast<std::size_t>(ranks));
  CHECK(on_ranks(ranks, [&](auto& both, cudaStream_t stream, auto& control) {
          rank_case mine{both, stream, of, capacity, tokens, to};
          const int waits = nccl_on_threads::waits();
          mine.forward();
          mine.forward_other();
          mine.backward();
          require(nccl_on_threads::waits() == waits + 2, "one wait in each pass forward");
          require(nccl_on_threads::unordered_uses() == 0, "uses that nothing orders");
          dropped[static_cast<std::size_t>(both.rank())] = mine.pass.dropped();
          rondo::barrier(control);
          mine.put_into(to);
        }) == "");
  for (const std::size_t each : dropped) {
    to.dropped += each;
  }
  return to;
}

}  // namespace

TEST_CASE("experts over NCCL: tokens find their experts and come back, whoever holds what") {
  for (const std::size_t tokens : {77U, 2U}) {  // a kernel's thread counts 32
    const batch given = experts_case::drawn(tokens, width, all_experts, choices);
    for (const std::size_t capacity : {std::size_t{0}, std::size_t{20}, std::size_t{1}}) {
      const outcome right = experts_case::oracle(given, capacity);
      outcome on_host = experts_case::blank(given);
      rondo::threads::run(1, [&](auto& comm) {
        experts_case::run_on(comm, given, capacity, cut::even(tokens, 1), 1, on_host);
      });
      const outcome one = run(given, capacity, 1, cut::even(tokens, 1));
      for (const int ranks : {1, 2, 3, 4}) {
        std::vector<std::size_t> uneven(static_cast<std::size_t>(ranks), 0);
        uneven.front() = tokens - 1;
        uneven.back() += 1;
        for (const cut& by :
             {cut::even(tokens, ranks), rondo::zigzag(tokens, ranks), cut::widths(uneven)}) {
          INFO(tokens << " tokens, capacity " << capacity << ", " << ranks << " ranks");
          const outcome got = run(given, capacity, ranks, by);
          CHECK(near(got, right));
          CHECK(got.dropped == right.dropped);
          CHECK(got.calls == std::vector<int>(all_experts, 2));  // with no rows, too
          CHECK(got.y == on_host.y);                             // bit for bit
          CHECK(got.dx == on_host.dx);
          CHECK(got.d_weight == on_host.d_weight);
          CHECK(got.d_gate == one.d_gate);
        }
      }
    }
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("experts over NCCL: what ran is what was planned") {
  const batch given = experts_case::drawn(9, width, all_experts, choices);
  for (const int ranks : {1, 2, 4}) {
    const cut by = rondo::zigzag(9, ranks);
    outcome to = experts_case::blank(given);
    CHECK(on_ranks(ranks, [&](auto& both, cudaStream_t stream, auto& control) {
            rondo::testing::recording seen{both};
            rank_case mine{seen, stream, given, 0, by, to};
            mine.forward();
            mine.backward();
            expect_planned(control, seen.made(), mine.layer.template planned<float>(width, choices),
                           "expert");
          }) == "");
  }
}

TEST_CASE("experts over NCCL: the second pass makes no memory; neither may be captured") {
  const batch given = experts_case::drawn(9, width, all_experts, choices);
  const cut by = cut::even(9, 3);
  outcome to = experts_case::blank(given);
  CHECK(on_ranks(3, [&](auto& both, cudaStream_t stream, auto& control) {
          rank_case mine{both, stream, given, 0, by, to};
          mine.forward();
          mine.backward();
          rondo::barrier(control);
          const int blocks = nccl_on_threads::blocks();
          rondo::barrier(control);
          mine.forward();
          mine.backward();
          nccl_on_threads::pretend_capture(true);
          const auto refused = thrown_by([&] { mine.forward(); });
          const auto backward = thrown_by([&] { mine.backward(); });
          nccl_on_threads::pretend_capture(false);
          rondo::barrier(control);
          const int blocks_now = nccl_on_threads::blocks();
          rondo::barrier(control);  // nobody has freed any yet
          require(blocks_now == blocks, "new blocks");
          require(refused.find("the host must wait here for numbers that the device computes") !=
                      std::string::npos,
                  "forward cannot be captured: " + refused);
          require(backward.find("a graph would hold for that one alone") != std::string::npos,
                  "backward cannot be captured: " + backward);
        }) == "");
}

TEST_CASE("experts over NCCL: a host that does not wait, or an expert that is none, is noticed") {
  batch given = experts_case::drawn(9, width, all_experts, choices);
  const cut by = cut::even(9, 3);
  outcome to = experts_case::blank(given);
  const auto refused = [&](int lost) {
    std::vector<std::string> said(3);
    CHECK(on_ranks(3, [&](auto& both, cudaStream_t stream, auto&) {
            rank_case mine{both, stream, given, 0, by, to};
            nccl_on_threads::lose_wait(lost);
            said[static_cast<std::size_t>(both.rank())] = thrown_by([&] { mine.forward(); });
          }) == "");
    return said;
  };
  CHECK(refused(-1) == std::vector<std::string>(3));
  for (const auto& each : refused(0)) {
    CHECK_THAT(each, Catch::Matchers::ContainsSubstring("of 6 choices on rank 0, "));
  }
  for (const int none : {-1, 5}) {
    given.expert[9] = none;  // of token 4, which rank 1 holds
    for (const auto& each : refused(-1)) {
      CHECK_THAT(each, Catch::Matchers::ContainsSubstring(
                           "of 6 choices on rank 1, 5 are among 5 experts"));
    }
  }
}

TEST_CASE("experts over NCCL: the host waits for counts until NCCL fails, or the deadline") {
  const batch given = experts_case::drawn(9, width, all_experts, choices);
  const cut by = cut::even(9, 1);
  outcome to = experts_case::blank(given);
  rondo::nccl::options with;
  with.deadline = std::chrono::milliseconds{30};
  for (const ncclResult_t how : {ncclSuccess, ncclRemoteError}) {
    CHECK(on_ranks(
              1,
              [&](auto& both, cudaStream_t stream, auto&, ncclComm_t raw) {
                {
                  rank_case mine{both, stream, given, 0, by, to};
                  nccl_on_threads::hang(raw, how);
                  const auto said = thrown_by([&] { mine.forward(); });
                  require(said.find(how == ncclSuccess
                                        ? "has not ended after the deadline of 30 ms"
                                        : "an earlier call failed on rank 0") != std::string::npos,
                          said);
                }
                require(nccl_on_threads::careless_ends() == 0, "memory is freed under a kernel");
                require(cudaPeekAtLastError() == cudaSuccess, "an error is left");
              },
              with) == "");
  }
}

TEST_CASE("experts over NCCL: a group or a graph is refused before anything is enqueued") {
  const batch given = experts_case::drawn(9, width, all_experts, choices);
  const cut by = cut::even(9, 1);
  outcome to = experts_case::blank(given);
  auto values = communicator::adopt(ranks::lone_communicator());
  const device_layers::stream compute;
  rondo::layer_ranks both{values, rondo::on{compute.raw}};
  nccl_on_threads::hide_device_memory(true);
  {
    rank_case mine{both, compute.raw, given, 0, by, to};
    const auto grouped = thrown_by([&] { values.group([&] { mine.forward(); }); });
    CHECK_THAT(grouped, Catch::Matchers::ContainsSubstring("make it outside"));
    const auto backward = thrown_by([&] { values.group([&] { mine.backward(); }); });
    CHECK_THAT(backward, Catch::Matchers::ContainsSubstring("make it outside"));
    nccl_on_threads::pretend_capture(true);
    const auto captured = thrown_by([&] { mine.forward(); });
    nccl_on_threads::pretend_capture(false);
    CHECK_THAT(captured, Catch::Matchers::ContainsSubstring("leave this pass out of the graph"));
    CHECK(nccl_on_threads::calls_of(values.raw()).empty());
  }
  nccl_on_threads::hide_device_memory(false);
}

TEST_CASE("experts over NCCL: a group of the communicator that theirs was split from is refused") {
  const batch given = experts_case::drawn(9, width, all_experts, choices);
  const cut by = cut::even(9, 1);
  outcome to = experts_case::blank(given);
  auto values = communicator::adopt(ranks::lone_communicator());
  const device_layers::stream compute;
  auto child = values.split(0);
  rondo::layer_ranks both{child, rondo::on{compute.raw}};
  nccl_on_threads::hide_device_memory(true);
  {
    rank_case mine{both, compute.raw, given, 0, by, to};
    CHECK_THAT(thrown_by([&] { values.group([&] { mine.forward(); }); }),
               Catch::Matchers::ContainsSubstring("make it outside"));
    CHECK_THAT(thrown_by([&] { values.group([&] { mine.backward(); }); }),
               Catch::Matchers::ContainsSubstring("make it outside"));
    CHECK(nccl_on_threads::calls_of(child.raw()).empty());
    mine.forward();  // and goes on outside
  }
  nccl_on_threads::hide_device_memory(false);
}

TEST_CASE("experts over NCCL: memory is made before calls that other ranks may be late for") {
  const batch given = experts_case::drawn(9, width, all_experts, choices);
  const cut by = cut::even(9, 3);
  outcome to = experts_case::blank(given);
  CHECK(on_ranks(3, [&](auto& both, cudaStream_t stream, auto&) {
          rank_case mine{both, stream, given, 0, by, to};
          const auto passes = [&](const auto& pass) {
            pass();
            require(cudaStreamSynchronize(stream) == cudaSuccess, "cudaStreamSynchronize");
          };
          const int before = nccl_on_threads::blocks_behind_calls();
          passes([&] { mine.forward(); });
          require(nccl_on_threads::blocks_behind_calls() == before, "forward");
          passes([&] { mine.backward(); });
          require(nccl_on_threads::blocks_behind_calls() == before, "backward");
        }) == "");
}

namespace {

/// A rank's part of the auxiliary loss, on its device.
template <class Comm>
struct router_case {
  Comm& comm;
  const batch& of;
  const cut& by;
  std::size_t own = by.width(comm.rank());
  device_matrix probability, d_probability, loss;
  device_array<int> expert;

  router_case(Comm& on, cudaStream_t stream, const batch& given, const cut& tokens)
      : comm{on},
        of{given},
        by{tokens},
        probability{rows(), stream, 3},
        d_probability{own, given.experts, stream, 1},
        loss{1, 1, stream},
        expert{own_rows(given.expert, given.choices, tokens, on.rank()), stream} {}

  template <class Order>
  void run(Order order) {
    auxiliary_loss(team, by, probability.view(), {expert.values().data(), own, of.choices}, 0.01F,
                   d_probability.view(), loss.view(), order);
  }

 private:
  [[nodiscard]] owned<float> rows() const {
    owned<float> made(own, of.experts);
    made.memory = own_rows(of.probability, of.experts, by, comm.rank());
    return made;
  }
  rondo::team<Comm, "expert"> team = rondo::along<"expert">(comm);
};

}  // namespace

TEST_CASE("auxiliary loss over NCCL: all tokens count, on every rank alike, and nobody waits") {
  constexpr std::size_t tokens = 77, number = 5;
  const batch given = experts_case::drawn(tokens, 1, number, choices);
  std::vector<double> fallen(number), mass(number);
  for (const int e : given.expert) {
    fallen[static_cast<std::size_t>(e)] += 1;
  }
  for (std::size_t i = 0; i < given.probability.size(); ++i) {
    mass[i % number] += given.probability[i];
  }
  const double factor = 0.01 * number / (choices * double{tokens} * tokens);
  double right = 0;
  for (std::size_t e = 0; e < number; ++e) {
    right += factor * fallen[e] * mass[e];
  }
  const auto losses = [&](const cut& by, auto order) {
    const int ranks = by.ranks();
    std::vector<float> got(static_cast<std::size_t>(ranks));
    CHECK(on_ranks(ranks, [&](auto& both, cudaStream_t stream, auto& control) {
            router_case mine{both, stream, given, by};
            second_makes_nothing(control, [&] {
              const int waits = nccl_on_threads::waits();
              mine.run(order);
              require(nccl_on_threads::waits() == waits, "something waits");
            });
            require(nccl_on_threads::unordered_uses() == 0, "uses that nothing orders");
            got[static_cast<std::size_t>(both.rank())] = mine.loss.fetched().memory[0];
            const auto gradient = mine.d_probability.fetched();
            for (std::size_t i = 0; i < gradient.memory.size(); ++i) {
              require(std::abs(gradient.memory[i] - factor * fallen[i % number]) < 1e-8,
                      "the gradient of a probability");
            }
          }) == "");
    for (const float each : got) {
      CHECK(each == got.front());
    }
    return got.front();
  };
  constexpr rondo::exact order{.tokens = 8};
  float on_host = 0;
  rondo::threads::run(1, [&](auto& comm) {
    std::vector<float> d(tokens * number);
    on_host = rondo::auxiliary_loss(rondo::along<"expert">(comm), cut::even(tokens, 1),
                                    {given.probability.data(), tokens, number},
                                    {given.expert.data(), tokens, choices}, 0.01F,
                                    matrix<float>{d.data(), tokens, number}, order);
  });
  for (const int ranks : {1, 2, 3, 4}) {
    CAPTURE(ranks);
    std::vector<std::size_t> uneven(static_cast<std::size_t>(ranks), 0);
    uneven.front() = tokens;  // the others have none
    CHECK(losses(cut::even(tokens, ranks), rondo::any_order{}) == Approx(right).epsilon(1e-6));
    CHECK(losses(cut::widths(uneven), rondo::any_order{}) == Approx(right).epsilon(1e-6));
    CHECK(losses(cut::even(tokens, ranks, 8), order) == on_host);  // bit for bit
    CHECK(losses(rondo::zigzag(tokens, ranks, 8), order) == on_host);
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("auxiliary loss over NCCL: an expert that is none makes a NaN of it, on every rank") {
  for (const int none : {-1, 5}) {
    batch given = experts_case::drawn(40, 1, 5, choices);
    given.expert[3] = none;  // of rank 0
    CHECK(on_ranks(2, [&](auto& both, cudaStream_t stream, auto&) {
            const cut by = cut::even(40, 2);
            router_case mine{both, stream, given, by};
            mine.run(rondo::any_order{});
            require(std::isnan(mine.loss.fetched().memory[0]), "a loss");
            for (const float each : mine.d_probability.fetched().memory) {
              require(std::isnan(each), "a gradient");
            }
          }) == "");
  }
}
