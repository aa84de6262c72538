// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "host_ranks.hpp"

#include <rondo/codec.hpp>
#include <rondo/device.hpp>
#include <rondo/testing/reference.hpp>

#include "catch.hpp"

#include <algorithm>
#include <chrono>

namespace {

using namespace rondo;
using host_ranks::block;
using host_ranks::machine;

device::window_shape shape_of(int ranks) {
  device::window_shape shape;
  shape.ranks = ranks;
  shape.slot_count = 2;
  shape.inbox_words = 64;
  shape.mail_bytes = 256;
  shape.stage_bytes = 4096;
  shape.heap_bytes = 1 << 16;
  return shape;
}

/// Different on every rank, in every call and at every place; sums are exact.
template <class T>
testing::per_rank<T> numbers(int ranks, std::size_t count, std::size_t call) {
  testing::per_rank<T> made(static_cast<std::size_t>(ranks));
  for (std::size_t rank = 0; rank < made.size(); ++rank) {
    for (std::size_t i = 0; i < count; ++i) {
      made[rank].push_back(static_cast<T>(static_cast<float>((7 * i + 3 * rank + 5 * call) % 29)));
    }
  }
  return made;
}

const std::size_t sizes[] = {0, 1, 3, 33, 130, 700};

/// `calls(group, window, input, output, count)` for all sizes; `expected(inputs, count)`.
template <class T, class Call, class Expected>
void sweep(std::size_t given_per_rank, std::size_t got_per_rank, const Call& call,
           const Expected& expected) {
  for (const int ranks : {1, 2, 3}) {
    machine all{shape_of(ranks)};
    const auto times = [&](std::size_t per_rank) {
      return per_rank == 0 ? std::size_t{1} : static_cast<std::size_t>(ranks);
    };
    for (const unsigned slot_count : {1u, 2u}) {
      for (const std::size_t count : sizes) {
        const auto inputs = numbers<T>(ranks, count * times(given_per_rank), count + slot_count);
        testing::per_rank<T> outputs(static_cast<std::size_t>(ranks),
                                     std::vector<T>(count * times(got_per_rank)));
        all.launch(slot_count, 2, [&](block group, const device::window& window) {
          const auto rank = static_cast<std::size_t>(window.rank());
          call(group, window, inputs[rank], outputs[rank], count);
        });
        all.check();
        const auto right = expected(inputs, count);
        for (std::size_t rank = 0; rank < outputs.size(); ++rank) {
          INFO(ranks << " ranks, " << slot_count << " slots, " << count << " elements, rank "
                     << rank);
          REQUIRE(outputs[rank] == right[rank]);
        }
      }
    }
  }
}

template <class T, class Call>
void check_reduce_scatter(const Call& call) {
  sweep<T>(1, 0, call, [](const auto& inputs, std::size_t count) {
    const auto sums = testing::folded(inputs, op::sum{});
    testing::per_rank<T> right(inputs.size());
    for (std::size_t i = 0; i < sums.size(); ++i) {
      right[i / count].push_back(testing::rounded<T>(sums[i]));
    }
    return right;
  });
}
template <class T, class Call>
void check_all_gather(const Call& call) {
  sweep<T>(0, 1, call, [](const auto& inputs, std::size_t) {
    return testing::per_rank<T>(inputs.size(), testing::concatenated(inputs));
  });
}
template <class T, class Call>
void check_all_to_all(const Call& call) {
  sweep<T>(1, 1, call, [](const auto& inputs, std::size_t count) {
    return testing::transposed(
        inputs, testing::per_rank<std::size_t>(inputs.size(), std::vector(inputs.size(), count)));
  });
}

const auto source = [](const auto& input) { return [&](std::size_t i) { return input[i]; }; };
template <class T>
auto sink_of(std::vector<T>& output) {
  return [data = output.data()](std::size_t i, T got) { data[i] = got; };
}
template <class T>
device_span<const T> in(const std::vector<T>& values) {
  return {values.data(), values.size()};
}
template <class T>
device_span<T> out(std::vector<T>& values) {
  return {values.data(), values.size()};
}

}  // namespace

TEST_CASE("device reduce_scatter: callables, buffers, packets, stages, 16-bit types") {
  check_reduce_scatter<float>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::reduce_scatter(g, w, n, source(i), sink_of(o)));
  });
  check_reduce_scatter<float>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::reduce_scatter(g, w, n, device::packets{}, source(i), sink_of(o)));
  });
  check_reduce_scatter<bfloat16>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::reduce_scatter(g, w, n, one_shot{}, source(i), sink_of(o)));
  });
  check_reduce_scatter<double>([](block g, const auto& w, const auto& i, auto& o, std::size_t) {
    static_cast<void>(device::reduce_scatter(g, w, in(i), out(o)));
  });
  check_reduce_scatter<float>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::reduce_scatter(g, w, n, codec::cast<half>{}, source(i), sink_of(o)));
  });
}

TEST_CASE("device all_gather: callables, buffers, packets, stages, bytes") {
  check_all_gather<float>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::all_gather(g, w, n, source(i), sink_of(o)));
  });
  check_all_gather<half>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::all_gather(g, w, n, device::packets{}, source(i), sink_of(o)));
  });
  check_all_gather<std::uint8_t>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::all_gather(g, w, n, one_shot{}, source(i), sink_of(o)));
  });
  check_all_gather<half>([](block g, const auto& w, const auto& i, auto& o, std::size_t) {
    static_cast<void>(device::all_gather(g, w, in(i), out(o)));
  });
}

TEST_CASE("device all_to_all: callables and buffers") {
  check_all_to_all<float>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::all_to_all(g, w, n, source(i), sink_of(o)));
  });
  check_all_to_all<std::int64_t>([](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
    static_cast<void>(device::all_to_all(g, w, n, device::packets{}, source(i), sink_of(o)));
  });
  check_all_to_all<std::int64_t>([](block g, const auto& w, const auto& i, auto& o, std::size_t) {
    static_cast<void>(device::all_to_all(g, w, in(i), out(o)));
  });
}

TEST_CASE("device broadcast: every root, callables and buffers") {
  const auto expected = [](const auto& inputs, std::size_t) {
    return testing::per_rank<float>(inputs.size(), inputs.back());
  };
  sweep<float>(
      0, 0,
      [](block g, const auto& w, const auto& i, auto& o, std::size_t n) {
        static_cast<void>(device::broadcast(g, w, n, root{w.size() - 1}, source(i), sink_of(o)));
      },
      expected);
  sweep<float>(
      0, 0,
      [](block g, const auto& w, const auto& i, auto& o, std::size_t) {
        if (w.rank() == w.size() - 1 && w.slot() == 0 && g.thread_rank() == 0) {
          std::copy(i.begin(), i.end(), o.begin());
        }
        if (w.slot_count() == 1) {
          g.sync();
          static_cast<void>(device::broadcast(g, w, out(o), root{w.size() - 1}));
        } else if (w.slot() == 0) {  // one group alone, as slot 0 of 1
          static_cast<void>(device::broadcast(g, w.as_slot(0, 1), out(o), root{w.size() - 1}));
        }
      },
      expected);
}

TEST_CASE("device codecs: reduce_scatter, all_gather and all_to_all decode what was encoded") {
  machine all{shape_of(2)};
  constexpr std::size_t count = 600;
  const auto inputs = numbers<float>(2, 2 * count, 1);
  testing::per_rank<float> sums(2, std::vector<float>(count));
  testing::per_rank<float> gathered(2, std::vector<float>(2 * count));
  testing::per_rank<float> exchanged(2, std::vector<float>(2 * count));
  all.launch(2, 2, [&](block g, const device::window& w) {
    const auto rank = static_cast<std::size_t>(w.rank());
    const codec::int8<32> lossy{};
    static_cast<void>(
        device::reduce_scatter(g, w, count, lossy, source(inputs[rank]), sink_of(sums[rank])));
    static_cast<void>(
        device::all_gather(g, w, count, lossy, source(inputs[rank]), sink_of(gathered[rank])));
    static_cast<void>(
        device::all_to_all(g, w, count, lossy, source(inputs[rank]), sink_of(exchanged[rank])));
  });
  all.check();
  for (std::size_t rank = 0; rank < 2; ++rank) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = rank * count + i;
      REQUIRE(sums[rank][i] == Approx(inputs[0][at] + inputs[1][at]).margin(0.5));
      for (std::size_t from = 0; from < 2; ++from) {
        REQUIRE(gathered[rank][from * count + i] == Approx(inputs[from][i]).margin(0.25));
        REQUIRE(exchanged[rank][from * count + i] == Approx(inputs[from][at]).margin(0.25));
      }
    }
  }
}

TEST_CASE(
    "device send and receive: in order, of any length, both ways at once, beside collectives") {
  for (const int ranks : {2, 3}) {
    machine all{shape_of(ranks)};
    for (const std::size_t count : {0u, 1u, 64u, 65u, 1000u}) {
      const auto inputs = numbers<float>(ranks, count, count);
      testing::per_rank<float> around(inputs);
      testing::per_rank<float> direct(inputs);
      all.launch(2, 2, [&](block g, const device::window& w) {
        const int rank = w.rank();
        const auto self = static_cast<std::size_t>(rank);
        const int right = (rank + 1) % ranks;
        const int left = (rank + ranks - 1) % ranks;
        static_cast<void>(device::send_receive(g, w, to{right}, from{left}, count,
                                               source(inputs[self]), sink_of(around[self])));
        static_cast<void>(device::barrier(g, w));
        if (rank == 0) {
          static_cast<void>(device::send(g, w, to{1}, in(inputs[0])));
          static_cast<void>(
              device::send(g, w, to{1}, count, [&](std::size_t i) { return inputs[0][i] + 1; }));
        } else if (rank == 1) {
          static_cast<void>(device::receive(g, w, from{0}, out(direct[1])));
          static_cast<void>(device::receive<float>(
              g, w, from{0}, count, [&](std::size_t i, float value) { direct[1][i] += value; }));
        }
        static_cast<void>(device::barrier(g, w));
      });
      all.check();
      for (std::size_t rank = 0; rank < inputs.size(); ++rank) {
        REQUIRE(around[rank] == inputs[(rank + inputs.size() - 1) % inputs.size()]);
      }
      for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(direct[1][i] == 2 * inputs[0][i] + 1);
      }
    }
  }
}

TEST_CASE("device calls of all kinds follow each other on one window, under random stalls") {
  machine all{shape_of(3)};
  constexpr std::size_t count = 90;
  std::atomic<int> wrong{0};
  all.launch(2, 2, [&](block g, const device::window& w) {
    unsigned noise = static_cast<unsigned>(w.rank() * 17) + w.slot() * 5 + g.thread_rank();
    for (int round = 0; round < 40; ++round) {
      noise = noise * 1664525u + 1013904223u;
      if (noise >> 30 == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds{noise >> 22 & 255u});
      }
      const auto mine = static_cast<float>(w.rank() + round);
      const float sum = 3 * static_cast<float>(round) + 3;
      const auto value = [&](std::size_t i) { return mine + static_cast<float>(i); };
      const auto expect = [&](std::size_t i, float got) {
        wrong += got == sum + 3 * static_cast<float>(i) ? 0 : 1;
      };
      static_cast<void>(device::all_reduce(g, w, count, value, expect, one_shot{}));
      static_cast<void>(device::all_reduce(g, w, 10 * count, value, expect, two_shot{}));
      static_cast<void>(device::all_reduce(g, w, count, value, expect, ring{}));
      static_cast<void>(device::all_gather(g, w, count, value, [&](std::size_t i, float got) {
        wrong += got == static_cast<float>(round) + static_cast<float>(i / count) +
                             static_cast<float>(i % count)
                     ? 0
                     : 1;
      }));
      static_cast<void>(
          device::broadcast(g, w, count, root{round % 3}, value, [&](std::size_t i, float got) {
            wrong += got == static_cast<float>(round % 3 + round) + static_cast<float>(i) ? 0 : 1;
          }));
      static_cast<void>(device::all_reduce(g, w, 3 * count, value, expect, one_shot{}));
      static_cast<void>(device::all_reduce(g, w, count, value, expect, device::two_shot_pull{}));
    }
  });
  all.check();
  REQUIRE(wrong == 0);
}

TEST_CASE("device faults: a rank that does not come is named, and nothing hangs") {
  machine all{shape_of(3)};
  all.parts().patience_ns = 500'000'000;  // threads may come late on a busy machine
  all.launch(1, 2, [&](block g, const device::window& w) {
    static_cast<void>(device::barrier(g, w));
    if (w.rank() != 1) {
      for (int again = 0; again < 3; ++again) {  // later calls end at once
        static_cast<void>(device::all_reduce(
            g, w, 10, [](std::size_t) { return 1.0f; }, [](std::size_t, float) {}));
      }
    }
  });
  try {
    all.check();
    FAIL("no error");
  } catch (const timeout& failure) {
    CHECK(failure.rank() == 1);
    CHECK_THAT(failure.what(), Catch::Matchers::ContainsSubstring("in call 2 of slot 0"));
    CHECK_THAT(failure.what(), Catch::Matchers::ContainsSubstring("for rank 1"));
  }
}

TEST_CASE("device faults: ranks that make different calls disagree") {
  machine all{shape_of(2)};
  all.parts().patience_ns = 1'000'000'000;
  all.launch(1, 2, [&](block g, const device::window& w) {
    const std::size_t count = w.rank() == 0 ? 400 : 401;
    static_cast<void>(device::all_reduce(
        g, w, count, two_shot{}, [](std::size_t) { return 1.0f; }, [](std::size_t, float) {}));
  });
  CHECK_THROWS_AS(all.check(), mismatch);
}

TEST_CASE("device faults: what does not fit, and buffers out of reach, are refused") {
  const auto refused = [](auto&& prepare, auto&& body, const char* words) {
    auto shape = shape_of(2);
    shape.stage_bytes = 256;
    machine all{shape};
    prepare(all);
    all.launch(1, 1, body);
    CHECK_THROWS_WITH(all.check(), Catch::Matchers::ContainsSubstring(words));
  };
  const auto nothing = [](machine&) {};
  refused(
      nothing,
      [](block g, const device::window& w) {
        static_cast<void>(device::all_reduce(
            g, w, 1000, two_shot{}, codec::int8<128>{}, [](std::size_t) { return 1.0f; },
            [](std::size_t, float) {}));
      },
      "make window_bytes larger");
  refused([](machine& all) { all.parts().reaches_everything = false; },
          [](block g, const device::window& w) {
            std::vector<float> values(8);
            static_cast<void>(device::all_reduce(g, w, out(values), two_shot{}));
          },
          "not in the window's heap");
  refused(
      nothing,
      [](block g, const device::window& w) {
        static_cast<void>(device::send(g, w, to{7}, 1, [](std::size_t) { return 1.0f; }));
      },
      "there is no rank 7");
  refused(
      nothing,
      [](block g, const device::window& w) {
        std::vector<float> got(1);
        static_cast<void>(device::receive(g, w, from{-1}, out(got)));
      },
      "there is no rank -1");
  refused(
      nothing,
      [](block g, const device::window& w) {
        std::vector<float> values(8);
        static_cast<void>(device::broadcast(g, w, out(values), root{-1}));
      },
      "there is no rank -1");
}
