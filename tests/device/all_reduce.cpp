// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "host_ranks.hpp"

#include <rondo/codec.hpp>
#include <rondo/collective/all_reduce.hpp>
#include <rondo/device/all_reduce.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include "catch.hpp"

#include <atomic>
#include <random>
#include <string>

namespace {

using namespace rondo;
using host_ranks::block;
using host_ranks::machine;

/// Small shapes, so that messages take several rounds and several packets.
device::window_shape shape_of(int ranks, std::size_t stage_bytes = 4096) {
  device::window_shape shape;
  shape.ranks = ranks;
  shape.slot_count = 3;
  shape.inbox_words = 64;
  shape.stage_bytes = stage_bytes;
  shape.heap_bytes = 1 << 16;
  return shape;
}

/// Integers, so that sums are exact in any order.
template <class T>
testing::per_rank<T> inputs_for(int ranks, std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  testing::per_rank<T> inputs(static_cast<std::size_t>(ranks));
  for (auto& one : inputs) {
    for (std::size_t i = 0; i < count; ++i) {
      one.push_back(static_cast<T>(static_cast<float>(random() % 17)));
    }
  }
  return inputs;
}

const std::size_t sizes[] = {0, 1, 2, 5, 31, 64, 129, 1000, 3001};

/// Every rank's output of one launch with prologue and epilogue, several calls in a row.
template <class T, class... Given>
void sweep(const Given&... given) {
  for (const int ranks : {1, 2, 3, 5}) {
    machine all{shape_of(ranks)};
    unsigned seed = 1;
    for (const unsigned slot_count : {1u, 3u, 2u}) {
      for (const std::size_t count : sizes) {
        const auto inputs = inputs_for<T>(ranks, count, ++seed);
        testing::per_rank<T> outputs(inputs);
        all.launch(
            slot_count, slot_count == 3 ? 1 : 2, [&](block group, const device::window& window) {
              const auto rank = static_cast<std::size_t>(window.rank());
              static_cast<void>(device::all_reduce(
                  group, window, count, given..., [&](std::size_t i) { return inputs[rank][i]; },
                  [&](std::size_t i, T value) { outputs[rank][i] = value; }));
            });
        all.check();
        const auto expected = testing::folded(inputs, op::sum{});
        for (int rank = 0; rank < ranks; ++rank) {
          for (std::size_t i = 0; i < count; ++i) {
            INFO(ranks << " ranks, " << slot_count << " slots, " << count << " elements, rank "
                       << rank << ", element " << i);
            REQUIRE(outputs[static_cast<std::size_t>(rank)][i] == testing::rounded<T>(expected[i]));
          }
        }
      }
    }
  }
}

struct box {
  float low;
  float high;
  std::int32_t boxes;
};
box unite(const box& a, const box& b) {
  return {a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high, a.boxes + b.boxes};
}

}  // namespace

TEST_CASE("device all_reduce: every algorithm gives the sum in floats") {
  sweep<float>();
  sweep<float>(one_shot{}, op::sum{});
  sweep<float>(op::sum{}, two_shot{}, codec::exact{});
  sweep<float>(device::two_shot_pull{});
  sweep<float>(ring{});
}

TEST_CASE("device all_reduce: elements of one, two and eight bytes") {
  sweep<std::uint8_t>(one_shot{});
  sweep<bfloat16>(one_shot{});
  sweep<bfloat16>(two_shot{});
  sweep<half>(ring{});
  sweep<double>();
  sweep<double>(device::two_shot_pull{}, device::granule{10});
}

TEST_CASE("device all_reduce: packets by name go in rounds where they do not fit") {
  sweep<float>(device::packets{});
  sweep<bfloat16>(device::packets{});
  sweep<double>(device::packets{}, device::granule{10});
  sweep<float>(device::line_packets{});
  sweep<std::uint8_t>(device::line_packets{}, op::sum{});
}

TEST_CASE("device all_reduce: packets of whole lines beside packets of words") {
  for (const int ranks : {1, 2, 5}) {
    machine all{shape_of(ranks)};  // 64 words: 4 lines, 120 floats, per slot
    unsigned seed = 1;
    for (const std::size_t count : {0u, 1u, 2u, 29u, 30u, 31u, 120u, 121u, 240u}) {
      const auto run = [&](auto zero) {
        using T = decltype(zero);
        const auto inputs = inputs_for<T>(ranks, count, ++seed);
        testing::per_rank<T> outputs(inputs);
        all.launch(3, 2, [&](block group, const device::window& window) {
          const auto rank = static_cast<std::size_t>(window.rank());
          const auto value = [&](std::size_t i) { return inputs[rank][i]; };
          const auto result = [&](std::size_t i, T sum) { outputs[rank][i] = sum; };
          static_cast<void>(
              device::all_reduce(group, window, count, device::line_packets{}, value, result));
          // Words and lines do not meet.
          static_cast<void>(
              device::all_reduce(group, window, count, device::packets{}, value, result));
          static_cast<void>(
              device::all_reduce(group, window, count, device::line_packets{}, value, result));
        });
        all.check();
        const auto expected = testing::folded(inputs, op::sum{});
        for (const auto& one : outputs) {
          for (std::size_t i = 0; i < count; ++i) {
            REQUIRE(one[i] == testing::rounded<T>(expected[i]));
          }
        }
      };
      run(0.0f);
      run(bfloat16{0.0f});
      run(std::uint8_t{0});
    }
  }
}

TEST_CASE("device all_reduce: an element that no inbox takes is refused") {
  auto shape = shape_of(2);
  shape.inbox_words = 1;
  machine small{shape};
  std::atomic<int> refused{0};
  small.launch(1, 1, [&](block group, const device::window& window) {
    refused += device::all_reduce(
                   group, window, 2, device::packets{}, [](std::size_t) { return 1.0; },
                   [](std::size_t, double) {})
                   ? 0
                   : 1;
  });
  CHECK(refused == 2);
  CHECK_THROWS_AS(small.check(), error);
}

TEST_CASE("device all_reduce: codecs that lose nothing of small integers give the sum") {
  sweep<float>(codec::cast<half>{}, two_shot{});
  sweep<float>(codec::cast<bfloat16>{}, one_shot{});
  sweep<bfloat16>(codec::exact{}, one_shot{});
}

TEST_CASE("device all_reduce: any type, any operation, in rank order") {
  for (const int ranks : {1, 3}) {
    machine all{shape_of(ranks)};
    for (const std::size_t count : {1u, 50u, 700u}) {
      std::vector<box> outputs(count * static_cast<std::size_t>(ranks));
      const auto run = [&](const auto& algorithm) {
        all.launch(2, 2, [&](block group, const device::window& window) {
          const auto rank = static_cast<float>(window.rank());
          static_cast<void>(device::all_reduce(
              group, window, count, algorithm,
              [](const box& a, const box& b) { return unite(a, b); },
              [&](std::size_t i) {
                return box{rank, static_cast<float>(i) + rank, 1};
              },
              [&](std::size_t i, const box& value) {
                outputs[static_cast<std::size_t>(window.rank()) * count + i] = value;
              }));
        });
        all.check();
        for (std::size_t at = 0; at < outputs.size(); ++at) {
          REQUIRE(outputs[at].low == 0);
          REQUIRE(outputs[at].high ==
                  static_cast<float>(at % count) + static_cast<float>(ranks - 1));
          REQUIRE(outputs[at].boxes == ranks);
          outputs[at] = {};
        }
      };
      run(one_shot{});
      run(two_shot{});
      run(ring{});
    }
  }
}

TEST_CASE(
    "device all_reduce: from buffer to buffer, in place, unaligned, in heaps and out of them") {
  for (const int ranks : {2, 3}) {
    for (const bool everywhere : {true, false}) {
      machine all{shape_of(ranks)};
      all.parts().reaches_everything = everywhere;
      unsigned seed = 7;
      for (const std::size_t count : sizes) {
        for (const std::size_t offset : {0u, 1u}) {
          for (const bool in_place : {true, false}) {
            const auto inputs = inputs_for<float>(ranks, count, ++seed);
            const auto expected = testing::folded(inputs, op::average{});
            testing::per_rank<float> outputs(inputs);
            all.launch(2, 2, [&](block group, const device::window& window) {
              const auto rank = static_cast<std::size_t>(window.rank());
              float* const in = window.heap<float>() + offset;
              // One block prepares, and the end of the launch tells the rest.
              if (window.slot() == 0 && group.thread_rank() == 0) {
                std::copy(inputs[rank].begin(), inputs[rank].end(), in);
              }
            });
            all.launch(2, 2, [&](block group, const device::window& window) {
              float* const in = window.heap<float>() + offset;
              float* const out = in_place ? in : window.heap<float>(1 << 15) + offset;
              static_cast<void>(
                  device::all_reduce(group, window, device_span<const float>{in, count},
                                     device_span<float>{out, count}, op::average{}, two_shot{}));
            });
            all.check();
            all.launch(1, 1, [&](block, const device::window& window) {
              const float* const out = window.heap<float>(in_place ? 0 : 1 << 15) + offset;
              std::copy_n(out, count, outputs[static_cast<std::size_t>(window.rank())].begin());
            });
            for (const auto& one : outputs) {
              for (std::size_t i = 0; i < count; ++i) {
                REQUIRE(one[i] == static_cast<float>(expected[i]));
              }
            }
          }
        }
      }
    }
  }
}

namespace {

/// From a heap's buffer to an epilogue that writes over it; `with` are the other arguments.
template <class T, class... With>
void check_from_buffers(int ranks, bool everywhere, std::size_t offset, const With&... with) {
  machine all{shape_of(ranks)};  // stages of 4096 bytes: several rounds
  all.parts().reaches_everything = everywhere;
  unsigned seed = 3;
  for (const std::size_t count : sizes) {
    const auto inputs = inputs_for<T>(ranks, count, ++seed);
    const auto expected = testing::folded(inputs, op::sum{});
    all.launch(1, 1, [&](block, const device::window& window) {
      const auto& mine = inputs[static_cast<std::size_t>(window.rank())];
      std::copy(mine.begin(), mine.end(), window.heap<T>() + offset);
    });
    testing::per_rank<T> outputs(inputs);
    all.launch(3, 2, [&](block group, const device::window& window) {
      T* const values = window.heap<T>() + offset;
      auto& out = outputs[static_cast<std::size_t>(window.rank())];
      static_cast<void>(device::all_reduce(group, window, device_span<const T>{values, count},
                                           with..., [&](std::size_t i, T value) {
                                             out[i] = value;
                                             values[i] = T{};
                                           }));
    });
    all.check();
    for (int rank = 0; rank < ranks; ++rank) {
      for (std::size_t i = 0; i < count; ++i) {
        INFO(ranks << " ranks, " << count << " elements, rank " << rank << ", element " << i);
        REQUIRE(outputs[static_cast<std::size_t>(rank)][i] == testing::rounded<T>(expected[i]));
      }
    }
  }
}

}  // namespace

TEST_CASE("device all_reduce: from a buffer to an epilogue, which may write over it") {
  for (const int ranks : {1, 2, 3, 5}) {
    check_from_buffers<float>(ranks, true, 0);
    check_from_buffers<float>(ranks, true, 1, two_shot{});
    check_from_buffers<float>(ranks, false, 0, two_shot{}, op::sum{}, device::granule{40});
    check_from_buffers<bfloat16>(ranks, true, 3, two_shot{}, codec::exact{});
    check_from_buffers<float>(ranks, true, 0, ring{});
    check_from_buffers<float>(ranks, true, 0, one_shot{}, codec::cast<half>{});
  }
}

TEST_CASE("device all_reduce: a type that no pack holds goes from a buffer to an epilogue") {
  machine all{shape_of(3)};
  std::vector<box> boxes(3 * 500);
  std::vector<box> outputs(boxes.size());
  for (std::size_t at = 0; at < boxes.size(); ++at) {
    boxes[at] = {static_cast<float>(at / 500), static_cast<float>(at % 500 + at / 500), 1};
  }
  all.launch(2, 2, [&](block group, const device::window& window) {
    const std::size_t first = 500 * static_cast<std::size_t>(window.rank());
    static_cast<void>(device::all_reduce(
        group, window, device_span<const box>{boxes.data() + first, 500}, two_shot{},
        [](const box& a, const box& b) { return unite(a, b); },
        [&](std::size_t i, const box& value) { outputs[first + i] = value; }));
  });
  all.check();
  for (std::size_t at = 0; at < outputs.size(); ++at) {
    REQUIRE(outputs[at].low == 0);
    REQUIRE(outputs[at].high == static_cast<float>(at % 500 + 2));
    REQUIRE(outputs[at].boxes == 3);
  }
}

TEST_CASE("device all_reduce: an input that peers cannot reach is refused") {
  machine all{shape_of(2)};
  all.parts().reaches_everything = false;
  std::vector<float> elsewhere(1000);
  all.launch(1, 1, [&](block group, const device::window& window) {
    static_cast<void>(device::all_reduce(group, window,
                                         device_span<const float>{elsewhere.data(), 1000},
                                         two_shot{}, [](std::size_t, float) {}));
  });
  CHECK_THROWS_WITH(all.check(), Catch::Matchers::ContainsSubstring("not in the window's heap"));
}

TEST_CASE("device all_reduce: a block codec gives all ranks the same bits, within its bound") {
  const auto run = [](const auto& codec, const auto& algorithm, float bound) {
    for (const int ranks : {1, 2, 3}) {
      machine all{shape_of(ranks, 8192)};
      for (const std::size_t count : {1u, 255u, 256u, 5000u}) {
        testing::per_rank<float> inputs(static_cast<std::size_t>(ranks));
        std::mt19937 random{static_cast<unsigned>(count)};
        std::normal_distribution<float> normal;
        for (auto& one : inputs) {
          for (std::size_t i = 0; i < count; ++i) {
            one.push_back(normal(random));
          }
        }
        testing::per_rank<float> outputs(inputs);
        all.launch(2, 2, [&](block group, const device::window& window) {
          const auto rank = static_cast<std::size_t>(window.rank());
          static_cast<void>(device::all_reduce(
              group, window, count, algorithm, codec,
              [&](std::size_t i) { return inputs[rank][i]; },
              [&](std::size_t i, float value) { outputs[rank][i] = value; }));
        });
        all.check();
        const auto expected = testing::folded(inputs, op::sum{});
        for (std::size_t i = 0; i < count; ++i) {
          REQUIRE(std::abs(static_cast<float>(expected[i]) - outputs[0][i]) <
                  bound * static_cast<float>(ranks + 1));
        }
        for (const auto& one : outputs) {
          REQUIRE(one == outputs[0]);
        }
      }
    }
  };
  run(codec::int8<128>{}, two_shot{}, 0.06f);
  run(codec::int8<128>{}, device::two_shot_pull{}, 0.06f);
  run(codec::int8<128>{}, one_shot{}, 0.06f);
  run(codec::rotated{codec::int8<32>{}, 3}, two_shot{}, 0.2f);
}

TEST_CASE("device all_reduce: an average through a codec has the bits that it has on the host") {
  const auto run = [](const auto& codec, const auto& algorithm) {  // in slots of whole blocks
    constexpr std::size_t count = 3001;
    for (const int ranks : {3, 5, 7}) {  // 1 / n is no float, so dividing is not multiplying by it
      testing::per_rank<float> inputs(static_cast<std::size_t>(ranks));
      std::mt19937 random{static_cast<unsigned>(ranks)};
      std::normal_distribution<float> normal;
      for (auto& one : inputs) {
        for (std::size_t i = 0; i < count; ++i) {
          one.push_back(normal(random));
        }
      }
      testing::per_rank<float> outputs(inputs);
      machine all{shape_of(ranks, 16384)};
      all.launch(2, 2, [&](block group, const device::window& window) {
        const auto rank = static_cast<std::size_t>(window.rank());
        static_cast<void>(device::all_reduce(
            group, window, count, op::average{}, algorithm, codec, device::granule{256},
            [&](std::size_t i) { return inputs[rank][i]; },
            [&](std::size_t i, float value) { outputs[rank][i] = value; }));
      });
      all.check();
      threads::run(ranks, [&](auto& comm) {
        const auto rank = static_cast<std::size_t>(comm.rank());
        all_reduce(comm, inputs[rank], op::average{}, algorithm, codec);
      });
      for (std::size_t rank = 0; rank < inputs.size(); ++rank) {
        INFO(ranks << " ranks, rank " << rank);
        REQUIRE(outputs[rank] == inputs[rank]);
      }
    }
  };
  run(codec::int8<128>{}, two_shot{});
  run(codec::int8<128>{}, one_shot{});
  run(codec::fp8_e4m3<32>{}, two_shot{});
  run(codec::cast<half>{}, two_shot{});
}

TEST_CASE("device all_reduce: epochs and flags that come around, after slots that rested") {
  machine all{shape_of(3)};
  const auto once = [&](std::size_t count, const auto& algorithm, float add) {
    std::vector<float> outputs(3 * count);
    all.launch(2, 2, [&](block group, const device::window& window) {
      const auto rank = static_cast<std::size_t>(window.rank());
      static_cast<void>(device::all_reduce(
          group, window, count, algorithm,
          [&](std::size_t i) { return static_cast<float>(i + rank) + add; },
          [&](std::size_t i, float value) { outputs[rank * count + i] = value; }));
    });
    all.check();
    for (std::size_t at = 0; at < outputs.size(); ++at) {
      REQUIRE(outputs[at] == static_cast<float>(3 * (at % count) + 3) + 3 * add);
    }
  };
  for (const std::uint64_t begin : {std::uint64_t{0}, (std::uint64_t{1} << 31) - 6,
                                    (std::uint64_t{1} << 32) - 6, (std::uint64_t{1} << 40) - 6}) {
    all.set_epoch(begin);
    for (int round = 0; round < 12; ++round) {
      once(round % 3 == 0 ? 1 : 100, one_shot{}, static_cast<float>(round));
      once(500, two_shot{}, static_cast<float>(round));
    }
    // The words that the first round wrote last have the flags of the same step, 2^31 steps later.
    all.set_epoch(10);
    once(100, one_shot{}, 1);
    once(100, one_shot{}, 2);
    all.set_epoch(10 + (std::uint64_t{1} << 31));
    once(100, one_shot{}, 3);
    once(100, one_shot{}, 4);
    once(100, one_shot{}, 5);
  }
}
