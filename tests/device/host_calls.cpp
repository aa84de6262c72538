// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "host_launch.hpp"

#include <rondo/codec.hpp>
#include <rondo/collective.hpp>
#include <rondo/collective/explain.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/cuda/window_rank.hpp>

#include "catch.hpp"

#include <algorithm>
#include <random>
#include <string>

// Collectives over a window that the host calls. A launch runs the same calls as a kernel would, on
// threads of the host: what stands above the launch is all there, and what a kernel does is done.
namespace {

using namespace rondo;
using host_ranks::machine;

using host_ranks::launched;
using host_ranks::thread_launch;
using rank_type = cuda::window_rank<thread_launch>;

/// Ranks of one window, each called by a thread of its own.
class ranks {
 public:
  explicit ranks(int size, const cuda::window_options& with = {.slot_count = 3},
                 unsigned resident = 8, std::size_t inbox_words = 64)
      : all_{shape_of(size, with, inbox_words)}, logs_(static_cast<std::size_t>(size)) {
    all_.parts().patience_ns = static_cast<std::uint64_t>(with.patience.count());
    for (int rank = 0; rank < size; ++rank) {
      auto parts = all_.parts();
      parts.rank = rank;
      made_.push_back(std::make_unique<rank_type>(
          parts, with, thread_launch{&logs_[static_cast<std::size_t>(rank)], resident}));
    }
  }

  /// body(comm, rank) on every rank at once.
  template <class Body>
  void run(const Body& body) {
    std::vector<std::thread> running;
    for (std::size_t rank = 0; rank < made_.size(); ++rank) {
      running.emplace_back([&, rank] { body(*made_[rank], rank); });
    }
    for (auto& one : running) {
      one.join();
    }
  }
  /// What rank 0 launched, since the last question.
  [[nodiscard]] std::vector<launched> log() {
    for (const auto& other : logs_) {
      REQUIRE(other.size() == logs_[0].size());
    }
    auto seen = logs_[0];
    for (auto& one : logs_) {
      one.clear();
    }
    return seen;
  }
  [[nodiscard]] float* heap(std::size_t rank) {
    return reinterpret_cast<float*>(all_.parts().memory[rank] + all_.parts().shape.heap());
  }
  [[nodiscard]] rank_type& operator[](std::size_t rank) { return *made_[rank]; }

 private:
  static device::window_shape shape_of(int size, const cuda::window_options& with,
                                       std::size_t inbox_words) {
    device::window_shape shape;
    shape.ranks = size;
    shape.slot_count = with.slot_count * with.channels;
    shape.inbox_words = inbox_words;  // 64: 256 bytes go by packets, per block
    shape.stage_bytes = 4096;
    shape.heap_bytes = with.heap_bytes;
    return shape;
  }
  machine all_;
  std::vector<std::vector<launched>> logs_;
  std::vector<std::unique_ptr<rank_type>> made_;
};

testing::per_rank<float> inputs_for(int size, std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  testing::per_rank<float> inputs(static_cast<std::size_t>(size));
  for (auto& one : inputs) {
    for (std::size_t i = 0; i < count; ++i) {
      one.push_back(static_cast<float>(random() % 17));
    }
  }
  return inputs;
}

device_span<float> span_of(std::vector<float>& values) { return {values.data(), values.size()}; }

constexpr std::size_t sizes[] = {0, 1, 5, 64, 191, 193, 1000, 5003};

template <class... Given>
void sweep(const Given&... given) {
  for (const int size : {1, 2, 3}) {
    ranks all{size};
    unsigned seed = 0;
    for (const std::size_t count : sizes) {
      const auto inputs = inputs_for(size, count, ++seed);
      const auto expected = testing::folded(inputs, op::sum{});
      auto values = inputs;
      auto outputs = inputs;
      all.run([&](rank_type& comm, std::size_t rank) {
        all_reduce(comm, device_span<const float>{span_of(values[rank])}, span_of(outputs[rank]),
                   given..., on{});
        all_reduce(comm, span_of(values[rank]), on{}, given...);
        comm.check();
      });
      for (std::size_t rank = 0; rank < inputs.size(); ++rank) {
        for (std::size_t i = 0; i < count; ++i) {
          INFO(size << " ranks, " << count << " elements, rank " << rank << ", element " << i);
          REQUIRE(outputs[rank][i] == static_cast<float>(expected[i]));
          REQUIRE(values[rank][i] == static_cast<float>(expected[i]));
        }
      }
    }
  }
}

bool names(const launched& what, const char* word) {
  return what.call.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("calls of the host over a window: all_reduce by every algorithm") {
  sweep();
  sweep(one_shot{});
  sweep(two_shot{}, op::sum{});
  sweep(ring{});
  sweep(codec::cast<half>{}, two_shot{});
}

TEST_CASE("calls of the host over a window: the other collectives") {
  for (const int size : {1, 2, 3}) {
    ranks all{size};
    const auto n = static_cast<std::size_t>(size);
    for (const std::size_t count : sizes) {
      INFO(size << " ranks, " << count << " elements");
      const auto wide = inputs_for(size, n * count, 7);
      const auto sums = testing::folded(wide, op::sum{});
      auto parts = wide;
      auto gathered = wide;
      auto swapped = wide;
      auto spread = wide;
      for (auto& one : parts) {
        one.resize(count);
      }
      all.run([&](rank_type& comm, std::size_t rank) {
        auto mine = wide[rank];
        reduce_scatter(comm, span_of(mine), span_of(parts[rank]), on{});
        all_to_all(comm, span_of(mine), span_of(swapped[rank]), on{});
        mine.resize(count);
        all_gather(comm, span_of(mine), span_of(gathered[rank]), on{}, one_shot{});
        broadcast(comm, span_of(spread[rank]), root{size - 1}, on{});
        barrier(comm, on{});
        comm.check();
      });
      for (std::size_t rank = 0; rank < n; ++rank) {
        for (std::size_t i = 0; i < count; ++i) {
          REQUIRE(parts[rank][i] == static_cast<float>(sums[rank * count + i]));
        }
        for (std::size_t from = 0; from < n; ++from) {
          for (std::size_t i = 0; i < count; ++i) {
            REQUIRE(gathered[rank][from * count + i] == wide[from][i]);
            REQUIRE(swapped[rank][from * count + i] == wide[from][rank * count + i]);
          }
        }
        REQUIRE(spread[rank] == wide[n - 1]);
      }
    }
  }
}

TEST_CASE("calls of the host over a window: what moves need not be what can be added") {
  struct label {
    int from;
    int to;
  };
  for (const std::size_t count : {2u, 700u}) {  // by packets, and through staging
    ranks all{2};
    std::vector<label> gathered[2];
    std::vector<label> swapped[2];
    std::vector<label> spread[2];
    all.run([&](rank_type& comm, std::size_t rank) {
      std::vector<label> mine(2 * count);
      for (std::size_t i = 0; i < mine.size(); ++i) {
        mine[i] = {static_cast<int>(rank), static_cast<int>(i / count)};
      }
      gathered[rank] = swapped[rank] = spread[rank] = mine;
      all_gather(comm, device_span<const label>{mine.data(), count},
                 device_span<label>{gathered[rank].data(), 2 * count}, on{}, one_shot{});
      all_to_all(comm, device_span<const label>{mine.data(), 2 * count},
                 device_span<label>{swapped[rank].data(), 2 * count}, on{}, one_shot{});
      broadcast(comm, device_span<label>{spread[rank].data(), 2 * count}, root{1}, on{},
                one_shot{});
      comm.check();
    });
    for (int rank = 0; rank < 2; ++rank) {
      for (std::size_t i = 0; i < 2 * count; ++i) {
        const int block = static_cast<int>(i / count);
        REQUIRE(gathered[rank][i].from == block);
        REQUIRE(swapped[rank][i].from == block);
        REQUIRE(swapped[rank][i].to == rank);
        REQUIRE(spread[rank][i].from == 1);
      }
    }
  }
}

TEST_CASE("calls of the host over a window: a codec gives all ranks the same bits") {
  ranks all{3};
  std::mt19937 random{5};
  std::normal_distribution<float> normal;
  testing::per_rank<float> values(3, std::vector<float>(5003));
  for (auto& one : values) {
    std::generate(one.begin(), one.end(), [&] { return normal(random); });
  }
  const auto expected = testing::folded(values, op::average{});
  all.run([&](rank_type& comm, std::size_t rank) {
    all_reduce(comm, span_of(values[rank]), op::average{}, codec::int8<128>{}, on{});
    comm.check();
  });
  for (std::size_t i = 0; i < values[0].size(); ++i) {
    REQUIRE(std::abs(values[0][i] - static_cast<float>(expected[i])) < 0.05f);
  }
  REQUIRE(values[1] == values[0]);
  REQUIRE(values[2] == values[0]);
  for (const auto& one : all.log()) {
    CHECK(names(one, "two_shot"));
  }
}

TEST_CASE("calls of the host over a window: the way is picked by size and by where buffers lie") {
  // A call of packets takes as long as 3 x 256 elements take by two_shot, which costs nothing.
  ranks all{2,
            {.slot_count = 3,
             .heap_bytes = 1 << 16,
             .costs = {.packet_call = 0,
                       .two_shot_call = 1,
                       .block_rate = 1000,
                       .rate = 3000,
                       .flag_overhead = 2,
                       .block_bytes = 1024}}};
  auto values = inputs_for(2, 6000, 1);
  const auto call = [&](std::size_t count, bool in_heap, const auto&... given) {
    all.run([&](rank_type& comm, std::size_t rank) {
      float* const at = in_heap ? all.heap(rank) : values[rank].data();
      all_reduce(comm, device_span<float>{at, count}, given..., on{});
      comm.check();
    });
    const auto seen = all.log();
    REQUIRE(seen.size() == 1);
    return seen[0];
  };
  auto made = call(16, false);  // 64 bytes: 0.128 s by packets, more than 1 s by two_shot
  CHECK(names(made, "one_shot"));
  CHECK(made.blocks == 1);
  made = call(192, false);  // 768 bytes fill the packets of three blocks
  CHECK(names(made, "one_shot"));
  CHECK(made.blocks == 3);
  made = call(193, false);
  CHECK(names(made, "two_shot"));
  CHECK(made.blocks == 1);
  made = call(6000, false);
  CHECK(names(made, "two_shot"));
  CHECK(made.blocks == 3);
  CHECK(call(100, false, op::sum{}, one_shot{}).blocks == 2);
  CHECK(names(call(100, true, two_shot{}), "two_shot"));
  for (const std::size_t count : {16u, 192u, 193u, 6000u}) {
    const auto said = explain(schedule::collective::all_reduce, all[0], 4 * count);
    CHECK(names(call(count, false), std::string{said.picked.algorithm}.c_str()));
    CHECK_THAT(said.text, Catch::Matchers::ContainsSubstring("one kernel"));
  }
}

TEST_CASE("calls of the host over a window: packets are those of the blocks that run at once") {
  // Packets cost nothing, the window has 3 slots, and 1 or 2 blocks run at once.
  const cuda::window_options with{.slot_count = 3,
                                  .costs = {.packet_call = 0, .two_shot_call = 1e9}};
  for (const unsigned resident : {1u, 2u}) {
    ranks all{2, with, resident};
    for (const std::size_t count : {64u, 65u, 192u, 193u, 1000u}) {
      const auto inputs = inputs_for(2, count, resident);
      const auto expected = testing::folded(inputs, op::sum{});
      const auto call = [&](const auto&... given) {
        auto values = inputs;
        all.run([&](rank_type& comm, std::size_t rank) {
          all_reduce(comm, span_of(values[rank]), given..., on{});
          comm.check();
        });
        INFO(resident << " blocks, " << count << " elements");
        for (const auto& one : values) {
          for (std::size_t i = 0; i < count; ++i) {
            REQUIRE(one[i] == static_cast<float>(expected[i]));
          }
        }
        const auto seen = all.log();
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].blocks <= resident);
        return seen[0];
      };
      CHECK(names(call(), "one_shot") == (count <= 64 * resident));
      CHECK(names(call(one_shot{}), "one_shot"));
      CHECK(all[0].forecast<float>(count).fits == (count <= 64 * resident));
    }
  }
}

TEST_CASE("calls of the host over a window: blocks for packets whose shares are cut at lines") {
  // 200 bytes of packets a block; shares are of 128 bytes, so a block has no more than one of them.
  ranks all{2, {.slot_count = 6}, 8, 50};
  CHECK(all[0].forecast<float>(50).few == 1);
  CHECK(all[0].forecast<float>(51).few == 2);
  CHECK(all[0].forecast<float>(128).few == 4);
  CHECK(all[0].forecast<float>(128).fits);
  CHECK_FALSE(all[0].forecast<float>(224).fits);
}

TEST_CASE("calls of the host over a window: what peers cannot reach goes through staging") {
  machine all{[] {
    device::window_shape shape;
    shape.ranks = 2;
    shape.slot_count = 2;
    shape.inbox_words = 64;
    shape.stage_bytes = 4096;
    shape.heap_bytes = 1 << 16;
    return shape;
  }()};
  all.parts().reaches_everything = false;
  std::vector<launched> logs[2];
  auto elsewhere = inputs_for(2, 3000, 1);
  const auto expected = testing::folded(elsewhere, op::sum{});
  std::vector<std::thread> running;
  for (int self = 0; self < 2; ++self) {
    running.emplace_back([&, self] {
      auto parts = all.parts();
      parts.rank = self;
      const auto at = static_cast<std::size_t>(self);
      rank_type comm{parts, {.slot_count = 2}, {&logs[at]}};
      auto& mine = elsewhere[at];
      auto* const heap = reinterpret_cast<float*>(parts.memory[at] + parts.shape.heap());
      std::copy(mine.begin(), mine.end(), heap);
      all_reduce(comm, span_of(mine), two_shot{}, on{});
      all_reduce(comm, device_span<float>{heap, 3000}, two_shot{}, on{});
      std::vector<float> gathered(6000);
      all_gather(comm, span_of(mine), span_of(gathered), on{});
      comm.check();
      for (std::size_t i = 0; i < 3000; ++i) {
        if (mine[i] != static_cast<float>(expected[i]) || heap[i] != mine[i] ||
            gathered[i] != mine[i] || gathered[3000 + i] != mine[i]) {
          logs[at].push_back({"wrong", 0, 0});
        }
      }
    });
  }
  for (auto& one : running) {
    one.join();
  }
  for (const auto& log : logs) {
    REQUIRE(log.size() == 3);
    CHECK(names(log[0], "two_shot_push"));
    CHECK(!names(log[1], "two_shot_push"));
    CHECK(names(log[2], "one_shot"));
  }
}

TEST_CASE("calls of the host over a window: a stream has a channel") {
  CUstream_st* const streams[] = {nullptr, reinterpret_cast<CUstream_st*>(std::uintptr_t{64}),
                                  reinterpret_cast<CUstream_st*>(std::uintptr_t{128})};
  ranks all{2, {.slot_count = 3, .channels = 2}};
  auto values = inputs_for(2, 100, 1);
  all.run([&](rank_type& comm, std::size_t rank) {
    all_reduce(comm, span_of(values[rank]), on{streams[0]});
    all_reduce(comm, span_of(values[rank]), on{streams[1]});
    all_reduce(comm, span_of(values[rank]), on{streams[0]});
  });
  const auto seen = all.log();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].first_slot == 0);
  CHECK(seen[1].first_slot == 3);
  CHECK(seen[2].first_slot == 0);
  CHECK_THROWS_WITH(all_reduce(all[0], span_of(values[0]), on{streams[2]}),
                    Catch::Matchers::ContainsSubstring("has 2 channels"));
}

TEST_CASE("calls of the host over a window: what is refused, and what is told late") {
  ranks all{2, {.slot_count = 2}};
  auto values = inputs_for(2, 100, 1);
  const std::size_t uneven[] = {40, 60};
  std::vector<float> whole(100);
  CHECK_THROWS_WITH(all_gather(all[1], device_span<const float>{values[1].data(), 60},
                               span_of(whole), counts{uneven}, on{}),
                    Catch::Matchers::ContainsSubstring("as many elements for each rank"));
  // Ranks that disagree: the kernels end, and the next call says who.
  all.run([&](rank_type& comm, std::size_t rank) {
    all_reduce(comm, device_span<float>{values[rank].data(), 90 + rank}, two_shot{}, on{});
  });
  CHECK_THROWS_AS(all[0].check(), mismatch);
  CHECK_THROWS_AS(barrier(all[1], on{}), mismatch);
}
