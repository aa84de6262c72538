// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "pipeline/sample_network.hpp"

#include <rondo/pipeline.hpp>
#include <rondo/rondo.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace pipeline = rondo::pipeline;
using pipeline::channel;
using pipeline::plan;
using pipeline::shape;
using pipeline::ticks;

namespace {

/// Every schedule that trains, on 4 ranks.
std::vector<std::pair<std::string, plan>> training_plans() {
  const shape asked{4, 12};
  return {{"gpipe", pipeline::gpipe{}(asked)},
          {"one_f_one_b", pipeline::one_f_one_b{}(asked)},
          {"interleaved_one_f_one_b", pipeline::interleaved_one_f_one_b{}(asked)},
          {"breadth_first", pipeline::breadth_first{}(asked)},
          {"zero_bubble_h1", pipeline::zero_bubble_h1{}(asked)},
          {"zero_bubble_h2", pipeline::zero_bubble_h2{}(asked)},
          {"zero_bubble_v", pipeline::zero_bubble_v{}(asked)},
          {"v_half", pipeline::v_half{}(asked)},
          {"v_min", pipeline::v_min{}(asked)},
          {"interleaved_zero_bubble", pipeline::interleaved_zero_bubble{}(asked)},
          {"dual_pipe", pipeline::dual_pipe{}(asked)},
          {"dual_pipe_v", pipeline::dual_pipe_v{}(asked)},
          {"sequence_one_f_one_b", pipeline::sequence_one_f_one_b{.slices = 3}(asked)},
          {"searched", pipeline::search(asked, pipeline::costs{18522, 18086, 9337, 601},
                                        {.memory_limit = 6, .effort = 20'000})
                           .plan}};
}

template <class Comm>
concept takes_unproved = requires(Comm& comm, const plan& unproved, sample::network<float>& stage) {
  pipeline::run(comm, unproved, stage);
};
template <class Comm>
concept takes_proved = requires(Comm& comm, const pipeline::proved& proved,
                                sample::network<float>& stage) {
  pipeline::run(comm, proved, stage);
};
static_assert(takes_proved<rondo::threads::communicator> &&
              !takes_unproved<rondo::threads::communicator>);

template <class T>
void check_gradients() {
  for (const auto& [name, planned] : training_plans()) {
    INFO(name);
    const auto expected = sample::one_after_another<T>(planned);
    const auto peaks = pipeline::simulate(planned, pipeline::costs{}).peak_activations;
    for (const channel carried : {channel::rendezvous, channel::mailbox}) {
      const auto safe = pipeline::prove(planned, carried);
      std::vector<sample::network<T>> ranks(4);
      rondo::threads::run(4, [&](auto& comm) {
        pipeline::run(comm, safe, ranks[static_cast<std::size_t>(comm.rank())]);
      });
      std::size_t stages = 0;
      for (std::size_t rank = 0; rank < 4; ++rank) {
        CHECK(ranks[rank].peak_held == peaks[rank]);
        CHECK(ranks[rank].held == 0);
        for (const auto& [stage, gradient] : ranks[rank].gradients) {
          CHECK(gradient == expected.at(stage));  // to the bit: no NaN, no signed zero
          ++stages;
        }
      }
      CHECK(stages == expected.size());
    }
  }
}

}  // namespace

TEST_CASE("gradients have the bits of the stages run one after another; peaks are as predicted") {
  check_gradients<float>();
  check_gradients<double>();
}

namespace {

/// Times and hops that look random and are the same wherever they are asked for.
struct random_costs {
  std::uint64_t seed = 0;

  [[nodiscard]] ticks mixed(std::uint64_t a, std::uint64_t b, ticks most) const {
    std::uint64_t z = seed * 0x9e3779b97f4a7c15u + a * 0xbf58476d1ce4e5b9u + b;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<ticks>((z ^ (z >> 31)) % static_cast<std::uint64_t>(most));
  }
  [[nodiscard]] ticks time(const pipeline::action& what) const {
    const auto who = static_cast<std::uint64_t>(what.stage * 64 + static_cast<int>(what.kind));
    return mixed(who, static_cast<std::uint64_t>(what.micro_batch * 8 + what.slice), 1000);
  }
  [[nodiscard]] ticks hop_time(const pipeline::action& what, int from, int to) const {
    return mixed(static_cast<std::uint64_t>(from * 64 + to), what.slice, 300);
  }
  [[nodiscard]] ticks pair_time(const pipeline::action& a, const pipeline::action& b) const {
    return std::max(time(a), time(b)) + 7;
  }
};

struct empty_stages {
  using buffer = std::vector<char>;
  static buffer forward(const pipeline::site&, const buffer&) { return {}; }
  static buffer backward(const pipeline::site&, const buffer&) { return {}; }
};

}  // namespace

TEST_CASE("on virtual time every schedule ends to the tick when the simulator says") {
  std::vector<pipeline::proved> proofs;
  std::vector<plan> plans;
  for (const auto& [name, planned] : training_plans()) {
    plans.push_back(planned);
    proofs.push_back(pipeline::prove(planned, channel::rendezvous));
  }
  plans.push_back(pipeline::forward_only{.chunks = 2}({4, 12}));
  proofs.push_back(pipeline::prove(plans.back(), channel::rendezvous));
  constexpr std::uint64_t models = 50;
  std::vector<std::vector<ticks>> finished(plans.size() * models, std::vector<ticks>(4));
  rondo::threads::run(4, [&](auto& comm) {
    for (std::size_t i = 0; i < finished.size(); ++i) {
      empty_stages stage;
      const random_costs clock{i % models};
      finished[i][static_cast<std::size_t>(comm.rank())] =
          pipeline::run(comm, proofs[i / models], stage, clock).finished;
    }
  });
  for (std::size_t i = 0; i < finished.size(); ++i) {
    const auto forecast = pipeline::simulate(plans[i / models], random_costs{i % models});
    REQUIRE(*std::max_element(finished[i].begin(), finished[i].end()) == forecast.makespan);
    for (std::size_t rank = 0; rank < 4; ++rank) {
      REQUIRE(finished[i][rank] == forecast.timeline[rank].back().end);
    }
  }
}

TEST_CASE("a stage that throws ends the run on all ranks with that error, and nothing hangs") {
  const auto safe = pipeline::prove(pipeline::one_f_one_b{}({4, 8}), channel::rendezvous);
  rondo::threads::run(4, [&](auto& comm) {
    for (int thrower = 0; thrower < 4; ++thrower) {
      for (const int micro_batch : {0, 3, 7}) {
        sample::network<float> stage;
        stage.fails_at = {thrower, thrower, micro_batch};
        std::string text;
        bool own = false;
        int culprit = -1;
        try {
          pipeline::run(comm, safe, stage);
        } catch (const std::domain_error& thrown) {
          own = true;
          text = thrown.what();
        } catch (const rondo::error& thrown) {
          text = thrown.what();
          culprit = thrown.rank();
        }
        const std::string wanted = "no forward for micro-batch " + std::to_string(micro_batch);
        const bool right = comm.rank() == thrower
                               ? own && text == wanted
                               : culprit == thrower && text == "rondo: rank " +
                                                                   std::to_string(thrower) +
                                                                   ": pipeline: run: " + wanted;
        if (!right) {
          throw std::runtime_error("rank " + std::to_string(comm.rank()) + " got: " + text);
        }
      }
    }
    sample::network<float> healthy;  // the communicator is as good as new
    pipeline::run(comm, safe, healthy);
  });
}

TEST_CASE("serving: forwards only, nothing kept") {
  const plan planned = pipeline::forward_only{}({3, 10});
  const auto safe = pipeline::prove(planned, channel::mailbox);
  std::vector<sample::network<double>> ranks(3);
  rondo::threads::run(3, [&](auto& comm) {
    auto& mine = ranks[static_cast<std::size_t>(comm.rank())];
    mine.serves = true;
    pipeline::run(comm, safe, mine);
  });
  REQUIRE(ranks[2].served.size() == 10);
  for (int i = 0; i < 10; ++i) {
    sample::network<double> alone;
    std::vector<double> values;
    for (int stage = 0; stage < 3; ++stage) {
      values = alone.forward({stage, stage, i, 0, stage == 0, stage == 2}, std::move(values));
    }
    CHECK(ranks[2].served[static_cast<std::size_t>(i)] == values);
  }
  CHECK(ranks[0].peak_held == 1);
}

TEST_CASE("long messages pass too, and sends wait for nobody") {
  struct wide {
    using buffer = std::vector<double>;
    std::size_t seen = 0;
    buffer forward(const pipeline::site& at, buffer x) {
      seen += x.size();
      return buffer(static_cast<std::size_t>(1000 * (at.micro_batch + 1)), 1.0);
    }
    buffer backward(const pipeline::site&, buffer g) {
      seen += g.size();
      return buffer(5000, 2.0);
    }
  };
  for (const auto& [name, planned] : training_plans()) {
    INFO(name);
    std::size_t expected = 0;
    for (const auto& row : planned.rows) {
      for (const auto& each : row) {
        if (each.kind == pipeline::kind::forward && !planned.placement.is_first(each.stage)) {
          expected += static_cast<std::size_t>(1000 * (each.micro_batch + 1));
        } else if (makes_input_gradient(each.kind) && !planned.placement.is_last(each.stage)) {
          expected += 5000;
        }
      }
    }
    for (const channel carried : {channel::rendezvous, channel::mailbox}) {
      const auto safe = pipeline::prove(planned, carried);
      std::atomic<std::size_t> seen{0};
      rondo::threads::run(4, [&](auto& comm) {
        wide stage;
        pipeline::run(comm, safe, stage);
        seen += stage.seen;
      });
      CHECK(seen == expected);
    }
  }
}

namespace {

/// Hands on what it gets, `count` values long.
struct passing_stages {
  using buffer = std::vector<float>;
  std::size_t count = 100;
  buffer forward(const pipeline::site&, buffer x) const {
    x.resize(count);
    return x;
  }
  buffer backward(const pipeline::site&, buffer g) const {
    g.resize(count);
    return g;
  }
};

}  // namespace

TEST_CASE("however far ranks run ahead of each other, a plan proved for mailboxes does not hang") {
  // Both ranks send 200 messages before they take the first; a channel of thread ranks keeps 16.
  const auto safe = pipeline::prove(pipeline::breadth_first{}({2, 200}), channel::mailbox);
  for (const std::size_t count : {0, 100, 5000}) {
    rondo::threads::run(2, [&](auto& comm) {
      passing_stages stage{count};
      pipeline::run(comm, safe, stage);
      pipeline::run(comm, safe, stage);
    });
  }
}

TEST_CASE("a rank that does not come is given up by the communicator's deadline") {
  // Rank 0 has more to send than there is room for, so it waits in its own mail first.
  const auto safe = pipeline::prove(pipeline::breadth_first{}({2, 200}), channel::mailbox);
  using seconds = std::chrono::duration<double>;
  std::atomic<bool> over{false};
  seconds waited{0};
  std::string said;
  rondo::threads::run(
      2,
      [&](auto& comm) {
        const auto begun = std::chrono::steady_clock::now();
        if (comm.rank() == 1) {
          while (!over && std::chrono::steady_clock::now() - begun < std::chrono::seconds{60}) {
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
          }
          return;
        }
        passing_stages stage{5000};
        try {
          pipeline::run(comm, safe, stage);
        } catch (const rondo::timeout& late) {
          said = late.what();
        }
        waited = std::chrono::steady_clock::now() - begun;
        over = true;
      },
      {.deadline = std::chrono::milliseconds{300}});
  CHECK_THAT(said, Catch::Matchers::ContainsSubstring(") at run.cpp:"));  // not a line of rondo's
  CHECK(waited > seconds{0.3});
  CHECK(waited < seconds{10});  // 30 s is what communicators take where nothing is said
}

TEST_CASE("a run begins when the calls before it have ended, asynchronous ones too") {
  // ThreadSanitizer is the judge: both use what the communicator keeps.
  const auto safe = pipeline::prove(pipeline::one_f_one_b{}({2, 4}), channel::mailbox);
  for (int time = 0; time < 5; ++time) {
    rondo::threads::run(2, [&](auto& comm) {
      std::vector<float> values(100000, 1.0f);
      auto pending = rondo::all_reduce(comm, values, rondo::ring{}, rondo::async{});
      passing_stages stage;
      pipeline::run(comm, safe, stage);
      if (values.back() != 2.0f) {
        throw std::runtime_error("the run did not wait");
      }
      pending.wait();
    });
  }
}

TEST_CASE("a failure is told where no message waits, however long its text") {
  struct fails_at_length : passing_stages {
    buffer forward(const pipeline::site& at, buffer x) const {
      if (at.stage == 0 && at.micro_batch == 100) {
        throw std::runtime_error("short of " + std::string(5000, 'x'));
      }
      return passing_stages::forward(at, std::move(x));
    }
  };
  const auto safe = pipeline::prove(pipeline::breadth_first{}({2, 200}), channel::mailbox);
  rondo::threads::run(2, [&](auto& comm) {
    for (int time = 0; time < 20; ++time) {  // the channels fill up in one order or another
      fails_at_length stage;
      stage.count = 5000;
      try {
        pipeline::run(comm, safe, stage);
      } catch (const rondo::error& told) {
        const std::string text = told.what();
        if (comm.rank() != 1 || text.find("short of xxx") == std::string::npos) {
          throw;
        }
      } catch (const std::runtime_error&) {
        if (comm.rank() != 0) {
          throw;
        }
      }
    }
    passing_stages healthy;
    pipeline::run(comm, safe, healthy);
  });
}

namespace {

template <class T>
struct typed_stages {
  using buffer = std::vector<T>;
  static buffer forward(const pipeline::site&, const buffer&) { return buffer(2); }
  static buffer backward(const pipeline::site&, const buffer&) { return buffer(2); }
};

}  // namespace

TEST_CASE("stages of different types, or a communicator of another size, are refused") {
  const auto safe = pipeline::prove(pipeline::one_f_one_b{}({2, 2}), channel::rendezvous);
  CHECK_THROWS_WITH(
      rondo::threads::run(2,
                          [&](auto& comm) {
                            typed_stages<float> floats;
                            typed_stages<double> doubles;
                            comm.rank() == 0 ? pipeline::run(comm, safe, floats)
                                             : pipeline::run(comm, safe, doubles);
                          }),
      Catch::Matchers::ContainsSubstring(
          "rank 1 expected double for 1RECV_F0, rank 0 sent elements of another type"));
  CHECK_THROWS_WITH(rondo::threads::run(3,
                                        [&](auto& comm) {
                                          typed_stages<float> stage;
                                          pipeline::run(comm, safe, stage);
                                        }),
                    Catch::Matchers::ContainsSubstring("the plan is for 2 ranks"));
}

namespace {

/// Stages that run a pipeline of their own in each forward, on the communicator given.
template <class Comm, class Inner>
struct stages_of_stages {
  using buffer = std::vector<float>;
  Comm& inner;
  const pipeline::proved& safe;
  Inner stages{};
  buffer forward(pipeline::site, buffer values) {
    pipeline::run(inner, safe, stages);
    return values;
  }
  buffer backward(pipeline::site, buffer values) { return values; }
};

}  // namespace

TEST_CASE("a run inside a stage is refused on the same communicator, and goes on another") {
  const auto safe = pipeline::prove(pipeline::one_f_one_b{}({2, 2}), channel::rendezvous);
  std::atomic<int> refused = 0;
  rondo::threads::run(2, [&](auto& comm) {
    using comm_type = std::remove_reference_t<decltype(comm)>;
    auto other = comm.split(0);
    // Stages take turns, so the inner plan is for one rank.
    auto own = comm.split(comm.rank());
    const auto alone = pipeline::prove(pipeline::one_f_one_b{}({1, 2}), channel::rendezvous);
    stages_of_stages<comm_type, typed_stages<double>> nested{comm, safe};
    try {
      pipeline::run(comm, safe, nested);
    } catch (const rondo::error& thrown) {
      const bool right = std::string{thrown.what()}.find(
                             "inside a stage of a run on this "
                             "communicator") != std::string::npos;
      refused += right ? 1 : 0;
    }
    stages_of_stages<comm_type, typed_stages<double>> apart{own, alone};
    pipeline::run(other, safe, apart);
    typed_stages<float> again;  // and the communicator is as good as new
    pipeline::run(comm, safe, again);
  });
  CHECK(refused == 2);
}

namespace {

struct sharded_stages : empty_stages {
  std::string calls{};
  void unshard(int stage) { calls += "+" + std::to_string(stage); }
  void reshard(int stage) { calls += "-" + std::to_string(stage); }
  void reduce_gradient(int stage) { calls += "r" + std::to_string(stage); }
};

}  // namespace

TEST_CASE("gathering and reducing of sharded weights are calls of the stage") {
  const plan whole = pipeline::breadth_first{}({2, 2});
  const auto safe = pipeline::prove(add_reduce_gradient(add_unshard(whole, 1)), channel::mailbox);
  rondo::threads::run(2, [&](auto& comm) {
    sharded_stages stage;
    pipeline::run(comm, safe, stage);
    if (comm.rank() == 0 && stage.calls != "+0-0+2r2-2+0r0-0") {
      throw std::runtime_error(stage.calls);
    }
  });
  CHECK_THROWS_WITH(rondo::threads::run(2,
                                        [&](auto& comm) {
                                          empty_stages stage;
                                          pipeline::run(comm, safe, stage);
                                        }),
                    Catch::Matchers::ContainsSubstring("unshard"));
}
