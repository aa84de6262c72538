// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "alike.hpp"
#include "node_worlds.hpp"

#include <rondo/codec/cast.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/collective/nccl/detail/find_nodes.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/core/reproducible.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <utility>
#include <vector>

// Calls over several nodes: the composition that GPUs run, over windows on threads and NCCL as it
// is emulated. What is expected is counted out here, in double or in integers.
namespace {

using namespace rondo;
using node_worlds::rank_parts;
using node_worlds::shape;
using ranks::require;
using ranks::span_of;

/// Up to 9 ranks; a node alone, nodes of one rank, odd numbers of both.
constexpr shape shapes[] = {{1, 1}, {1, 3}, {2, 1}, {3, 1}, {2, 2},
                            {3, 2}, {2, 3}, {2, 4}, {4, 2}, {3, 3}};
/// Less than ranks, less than a line, parts that do not divide, rounds of staging.
constexpr std::size_t counts_to_try[] = {0, 1, 2, 5, 33, 64, 191, 1000, 5003};

std::string in_words(shape of) {
  return std::to_string(of.nodes) + " nodes of " + std::to_string(of.node_size);
}

/// body(parts) on every rank of every shape.
template <class Body>
void on_all(const Body& body) {
  for (const shape of : shapes) {
    INFO(in_words(of));
    CHECK(node_worlds::run(of, body) == "");
  }
}

/// Rank r's element i, a whole number below 17; another one for every call.
int number(int rank, std::size_t i, int call = 0) {
  return static_cast<int>(
      (i * 7 + static_cast<std::size_t>(rank) * 5 + static_cast<std::size_t>(call) * 3 + i / 13) %
      17);
}
template <class T>
std::vector<T> numbers(int rank, std::size_t count, int call = 0) {
  std::vector<T> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i] = static_cast<T>(static_cast<float>(number(rank, i, call)));
  }
  return made;
}
/// number, folded over all ranks in their order.
template <class Fold>
int folded(int size, std::size_t i, int call, const Fold& fold) {
  int all = number(0, i, call);
  for (int rank = 1; rank < size; ++rank) {
    all = fold(all, number(rank, i, call));
  }
  return all;
}

template <class T, class Fold, class... Given>
void check_all_reduce(rank_parts& of, const Fold& fold, const Given&... given) {
  int call = 0;
  for (const std::size_t count : counts_to_try) {
    ++call;
    auto values = numbers<T>(of.ranks.rank(), count, call);
    std::vector<T> out(count + 40, T(-1));  // behind the end nothing may be touched
    rondo::all_reduce(of.ranks, span_of(std::as_const(values)), device_span<T>{out.data(), count},
                      given..., on{});
    for (std::size_t i = count; i < out.size(); ++i) {
      require(static_cast<float>(out[i]) == -1.f, "what is behind the output");
    }
    rondo::all_reduce(of.ranks, span_of(values), on{}, given...);
    for (std::size_t i = 0; i < count; ++i) {
      const auto expected = static_cast<float>(folded(of.ranks.size(), i, call, fold));
      require(static_cast<float>(out[i]) == expected && static_cast<float>(values[i]) == expected,
              "all_reduce of " + std::to_string(count) + " elements");
    }
  }
}

constexpr auto plus = [](int a, int b) { return a + b; };

/// The affine map x -> a x + b modulo 2^32: composing is associative, and does not commute.
struct affine {
  std::uint32_t a;
  std::uint32_t b;
};
struct compose {
  RONDO_HOST_DEVICE affine operator()(affine f, affine g) const {
    return {f.a * g.a, f.b * g.a + g.b};
  }
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

std::vector<float> noise(int rank, std::size_t count) {
  std::mt19937 random{static_cast<unsigned>(rank) + 11};
  std::normal_distribution<float> normal;
  std::vector<float> made(count);
  std::generate(made.begin(), made.end(), [&] { return normal(random); });
  return made;
}

/// The first `T`s of rank 0, which all others must have, too.
template <class T>
void require_same(rank_parts& of, const std::vector<T>& mine) {
  auto theirs = mine;
  rondo::broadcast(of.ranks, span_of(theirs), root{0}, on{});
  require(same_bits(mine, theirs), "the same bits on all ranks");
}

}  // namespace

TEST_CASE("nodes: all_reduce of types and operations") {
  on_all([](rank_parts of) {
    check_all_reduce<float>(of, plus);
    check_all_reduce<double>(of, plus);
    check_all_reduce<int>(of, plus, op::sum{});
    check_all_reduce<short>(of, plus);
    check_all_reduce<bfloat16>(of, plus);
    check_all_reduce<float>(of, plus, two_shot{});
    check_all_reduce<float>(of, plus, ring{});
    check_all_reduce<rondo::half>(of, plus, one_shot{});
    check_all_reduce<float>(
        of, [](int a, int b) { return std::max(a, b); }, op::max{});
    check_all_reduce<bfloat16>(
        of, [](int a, int b) { return std::min(a, b); }, op::min{});
    check_all_reduce<int>(
        of, [](int a, int b) { return a ^ b; },
        [](int a, int b) { return a ^ b; });  // an operation of the caller's
  });
}

TEST_CASE("nodes: an average is divided once, by the number of all ranks") {
  on_all([](rank_parts of) {
    const int size = of.ranks.size();
    for (const std::size_t count : {1u, 33u, 1000u}) {
      auto whole = numbers<int>(of.ranks.rank(), count);
      auto exact = numbers<float>(of.ranks.rank(), count);
      auto narrow = numbers<bfloat16>(of.ranks.rank(), count);
      rondo::all_reduce(of.ranks, span_of(whole), op::average{}, on{});
      rondo::all_reduce(of.ranks, span_of(exact), op::average{}, two_shot{}, on{});
      rondo::all_reduce(of.ranks, span_of(narrow), op::average{}, two_shot{}, on{});
      for (std::size_t i = 0; i < count; ++i) {
        const int sum = folded(size, i, 0, plus);
        const float mean = static_cast<float>(sum) / static_cast<float>(size);
        require(whole[i] == sum / size, "average of integers");
        require(exact[i] == mean, "average of floats");
        require(narrow[i].bits == bfloat16{mean}.bits, "average of bfloat16");
      }
    }
    std::vector<float> of_all(7 * static_cast<std::size_t>(size),
                              static_cast<float>(of.ranks.rank()));
    std::vector<float> part(7);
    rondo::reduce_scatter(of.ranks, span_of(of_all), span_of(part), op::average{}, two_shot{},
                          on{});
    require(part == std::vector<float>(
                        7, static_cast<float>(size * (size - 1) / 2) / static_cast<float>(size)),
            "average of reduce_scatter");
  });
}

TEST_CASE("nodes: the other collectives, from every root") {
  on_all([](rank_parts of) {
    const int size = of.ranks.size();
    const int self = of.ranks.rank();
    const auto n = static_cast<std::size_t>(size);
    const auto own = static_cast<std::size_t>(self);
    for (const std::size_t count : {0u, 1u, 3u, 32u, 100u, 1501u}) {
      const auto words = std::to_string(count) + " elements";
      const auto wide = numbers<float>(self, n * count);
      std::vector<float> part(count);
      rondo::reduce_scatter(of.ranks, span_of(wide), span_of(part), on{});
      std::vector<bfloat16> narrow(count);
      const auto narrow_wide = numbers<bfloat16>(self, n * count);
      rondo::reduce_scatter(of.ranks, span_of(narrow_wide), span_of(narrow), on{}, two_shot{});
      std::vector<float> swapped(n * count, -1.f);
      rondo::all_to_all(of.ranks, span_of(wide), span_of(swapped), on{});
      std::vector<float> gathered(n * count, -1.f);
      const std::vector<float> some(wide.begin(), wide.begin() + static_cast<long>(count));
      rondo::all_gather(of.ranks, span_of(some), span_of(gathered), on{});
      rondo::barrier(of.ranks, on{});
      for (std::size_t i = 0; i < count; ++i) {
        const auto sum = static_cast<float>(folded(size, own * count + i, 0, plus));
        require(part[i] == sum, "reduce_scatter, " + words);
        require(static_cast<float>(narrow[i]) == sum, "reduce_scatter of bfloat16, " + words);
        for (int rank = 0; rank < size; ++rank) {
          const std::size_t at = static_cast<std::size_t>(rank) * count + i;
          require(gathered[at] == static_cast<float>(number(rank, i)), "all_gather, " + words);
          require(swapped[at] == static_cast<float>(number(rank, own * count + i)),
                  "all_to_all, " + words);
        }
      }
      for (int from = 0; from < size; ++from) {
        auto given = numbers<float>(self, count + 40, from);
        const auto before = given;
        rondo::broadcast(of.ranks, device_span<float>{given.data(), count}, root{from}, on{});
        const auto right = numbers<float>(from, count, from);
        require(std::equal(right.begin(), right.end(), given.begin()), "broadcast, " + words);
        require(std::equal(given.begin() + static_cast<long>(count), given.end(),
                           before.begin() + static_cast<long>(count)),
                "what is behind the values, " + words);
      }
    }
  });
}

TEST_CASE("nodes: in place where collectives allow it") {
  on_all([](rank_parts of) {
    constexpr std::size_t count = 45;
    const auto n = static_cast<std::size_t>(of.ranks.size());
    const auto own = static_cast<std::size_t>(of.ranks.rank());
    auto wide = numbers<float>(of.ranks.rank(), n * count);
    const device_span<float> part{wide.data() + own * count, count};
    rondo::reduce_scatter(of.ranks, span_of(std::as_const(wide)), part, on{});
    for (std::size_t i = 0; i < count; ++i) {
      require(
          part.data()[i] == static_cast<float>(folded(of.ranks.size(), own * count + i, 0, plus)),
          "reduce_scatter in place");
    }
    rondo::all_gather(of.ranks, device_span<const float>{part}, span_of(wide), on{});
    for (std::size_t i = 0; i < n * count; ++i) {
      require(wide[i] == static_cast<float>(folded(of.ranks.size(), i, 0, plus)),
              "all_gather in place");
    }
  });
}

TEST_CASE("nodes: ranks are folded in their order") {
  on_all([](rank_parts of) {
    const auto map_of = [](int rank, std::size_t i) {
      return affine{static_cast<std::uint32_t>(2 * rank + 3),
                    static_cast<std::uint32_t>(i * 31 + static_cast<std::size_t>(rank) * 17)};
    };
    const auto of_all = [&](std::size_t i) {
      affine all = map_of(0, i);
      for (int rank = 1; rank < of.ranks.size(); ++rank) {
        all = compose{}(all, map_of(rank, i));
      }
      return all;
    };
    for (const std::size_t count : {1u, 40u, 700u}) {
      std::vector<affine> maps;
      for (std::size_t i = 0; i < count * static_cast<std::size_t>(of.ranks.size()); ++i) {
        maps.push_back(map_of(of.ranks.rank(), i));
      }
      std::vector<affine> part(count);
      rondo::reduce_scatter(of.ranks, span_of(maps), span_of(part), compose{}, on{});
      rondo::all_reduce(of.ranks, span_of(maps), compose{}, on{});
      for (std::size_t i = 0; i < maps.size(); ++i) {
        require(maps[i].a == of_all(i).a && maps[i].b == of_all(i).b, "order of all_reduce");
      }
      for (std::size_t i = 0; i < count; ++i) {
        const affine right = of_all(static_cast<std::size_t>(of.ranks.rank()) * count + i);
        require(part[i].a == right.a && part[i].b == right.b, "order of reduce_scatter");
      }
    }
  });
}

TEST_CASE("nodes: 16-bit floats are rounded once, behind the last node") {
  on_all([](rank_parts of) {
    if (of.ranks.node_size() == 1) {
      return;  // that is the communicator
    }
    constexpr std::size_t count = 2000;
    const auto n = static_cast<std::size_t>(of.ranks.size());
    const auto value = [](std::size_t rank, std::size_t i) {
      return static_cast<float>((i * 37 + rank * 101) % 256);  // exact in 8 bits; the sum is not
    };
    std::vector<bfloat16> values;
    std::vector<bfloat16> wide;
    for (std::size_t i = 0; i < count * n; ++i) {
      wide.push_back(bfloat16{value(static_cast<std::size_t>(of.ranks.rank()), i)});
    }
    values.assign(wide.begin(), wide.begin() + count);
    std::vector<bfloat16> part(count);
    rondo::all_reduce(of.ranks, span_of(values), on{});
    rondo::reduce_scatter(of.ranks, span_of(wide), span_of(part), on{});
    const auto rounded_once = [&](std::size_t i) {
      float sum = 0;
      for (std::size_t rank = 0; rank < n; ++rank) {
        sum += value(rank, i);
      }
      return bfloat16{sum}.bits;
    };
    for (std::size_t i = 0; i < count; ++i) {
      require(values[i].bits == rounded_once(i), "all_reduce");
      require(part[i].bits == rounded_once(static_cast<std::size_t>(of.ranks.rank()) * count + i),
              "reduce_scatter");
    }
  });
}

TEST_CASE("nodes: a reproducible sum has the bits that it has on any ranks") {
  constexpr std::size_t count = 300;
  for (const shape of : shapes) {
    INFO(in_words(of));
    const int size = of.nodes * of.node_size;
    std::vector<float> expected;
    threads::run(size, [&](auto& comm) {
      auto mine = noise(comm.rank(), count);
      rondo::all_reduce(comm, mine, op::reproducible_sum{});
      if (comm.rank() == 0) {
        expected = mine;
      }
    });
    CHECK(node_worlds::run(of, [&](rank_parts parts) {
            auto mine = noise(parts.ranks.rank(), count);
            rondo::all_reduce(parts.ranks, span_of(mine), op::reproducible_sum{}, on{});
            require(same_bits(mine, expected), "bits of the sum");
          }) == "");
  }
}

TEST_CASE("nodes: a NaN wins over all other values, on any node") {
  on_all([](rank_parts of) {
    for (int bad = 0; bad < of.ranks.size(); ++bad) {
      std::vector<float> values(
          90, of.ranks.rank() == bad ? std::numeric_limits<float>::quiet_NaN() : 1.f);
      rondo::all_reduce(of.ranks, span_of(values), op::max{}, on{});
      require(std::isnan(values[0]) && std::isnan(values[89]), "a NaN");
    }
  });
}

TEST_CASE("nodes: a codec codes the sums of nodes, and nothing inside them") {
  on_all([](rank_parts of) {
    const int size = of.ranks.size();
    const int node_size = of.ranks.node_size();
    for (const std::size_t count : {0u, 1u, 40u, 3001u}) {
      // Multiples of 1/16 below 4: sums of a node are exact in float, and mostly not in bfloat16.
      std::vector<std::vector<float>> all;
      for (int rank = 0; rank < size; ++rank) {
        all.push_back(noise(rank, count));
        for (float& value : all.back()) {
          value = std::round(std::clamp(value, -4.f, 4.f) * 64) / 16;
        }
      }
      auto mine = all[static_cast<std::size_t>(of.ranks.rank())];
      rondo::all_reduce(of.ranks, span_of(mine), one_shot{}, codec::cast<bfloat16>{}, on{});
      for (std::size_t i = 0; i < count; ++i) {
        float sum = 0;
        for (int node = 0; node < size / node_size; ++node) {
          float of_node = 0;
          for (int place = 0; place < node_size; ++place) {
            of_node += all[static_cast<std::size_t>(node * node_size + place)][i];
          }
          // One node alone has no message; one rank on each is the communicator, which codes all.
          const bool coded = size != node_size || node_size == 1;
          sum += coded ? static_cast<float>(bfloat16{of_node}) : of_node;
        }
        require(mine[i] == sum, "the sum of what nodes send");
      }
    }
  });
}

TEST_CASE("nodes: block codecs of sums, averages and moves are near, and the same on all ranks") {
  on_all([](rank_parts of) {
    constexpr std::size_t count = 2500;
    const int size = of.ranks.size();
    const auto n = static_cast<std::size_t>(size);
    const codec::int8<128> int8{};
    std::vector<double> sums(count);
    for (int rank = 0; rank < size; ++rank) {
      const auto theirs = noise(rank, count);
      for (std::size_t i = 0; i < count; ++i) {
        sums[i] += static_cast<double>(theirs[i]);
      }
    }
    auto mine = noise(of.ranks.rank(), count);
    rondo::all_reduce(of.ranks, span_of(mine), op::average{}, int8, on{});
    for (std::size_t i = 0; i < count; ++i) {
      require(std::abs(static_cast<double>(mine[i]) - sums[i] / size) < 0.12, "average by int8");
    }
    require_same(of, mine);

    const auto own = noise(of.ranks.rank(), count);
    std::vector<float> gathered(n * count);
    rondo::all_gather(of.ranks, span_of(own), span_of(gathered), int8, on{});
    for (int rank = 0; rank < size; ++rank) {
      const auto theirs = noise(rank, count);
      for (std::size_t i = 0; i < count; ++i) {
        require(std::abs(gathered[static_cast<std::size_t>(rank) * count + i] - theirs[i]) < 0.05f,
                "all_gather by int8");
      }
    }
    require_same(of, gathered);

    std::vector<float> part(count / n);
    const device_span<const float> whole{own.data(), part.size() * n};
    rondo::reduce_scatter(of.ranks, whole, span_of(part), int8, on{});
    const std::size_t first = static_cast<std::size_t>(of.ranks.rank()) * part.size();
    for (std::size_t i = 0; i < part.size(); ++i) {
      require(std::abs(static_cast<double>(part[i]) - sums[first + i]) < 0.35,
              "reduce_scatter by int8");
    }
    std::vector<float> swapped(whole.size());
    rondo::all_to_all(of.ranks, whole, span_of(swapped), int8, on{});
    const auto of_last = noise(size - 1, count);
    require(std::abs(swapped.back() - of_last[first + part.size() - 1]) < 0.05f,
            "all_to_all by int8");
  });
}

TEST_CASE("nodes: what is enqueued, and that the second call of a shape allocates nothing") {
  CHECK(node_worlds::run({2, 2}, [](rank_parts of) {
          const auto kernels = [&] {
            std::string seen;
            for (const auto& one : of.launched) {
              seen += one.call.find("call_in_node") == std::string::npos ? "window " : "node ";
            }
            of.launched.clear();
            return seen;
          };
          std::size_t before = nccl_on_threads::calls_of(of.across.raw()).size();
          const auto messages = [&] {
            const auto all = nccl_on_threads::calls_of(of.across.raw());
            std::string seen;
            for (; before < all.size(); ++before) {
              seen += all[before] + ' ';
            }
            return seen;
          };
          std::vector<float> values(1000, 1.f);
          std::vector<float> part(250);
          const auto call = [&] {
            rondo::all_reduce(of.ranks, span_of(values), on{});
            require(kernels() == "node node " && messages() == "ncclAllReduce ", "all_reduce");
            rondo::reduce_scatter(of.ranks, span_of(values), span_of(part), on{});
            require(kernels() == "node " && messages() == "ncclReduceScatter ", "reduce_scatter");
            rondo::all_gather(of.ranks, span_of(part), span_of(values), on{});
            require(kernels() == "node " && messages() == "ncclAllGather ", "all_gather");
            rondo::broadcast(of.ranks, span_of(values), root{3}, on{});
            require(kernels() == (of.ranks.rank() < 2 ? "node " : "window "), "broadcast");
            require(messages() == "ncclBroadcast ", "broadcast");
            rondo::barrier(of.ranks, on{});
            require(kernels() == "window " && messages() == "ncclAllReduce ", "barrier");
          };
          std::vector<float> few(8, 1.f);
          rondo::all_reduce(of.ranks, span_of(few), two_shot{}, on{});
          rondo::all_reduce(of.ranks, span_of(few), two_shot{}, codec::int8<128>{}, on{});
          require(messages().find("ncclAllReduce") == std::string::npos &&
                      kernels() == "node node node node ",
                  "the algorithm is that between nodes");
          std::vector<float> one(1);
          rondo::all_reduce(of.ranks, span_of(one), on{});
          require(messages() == (of.ranks.rank() % 2 == 0 ? "ncclAllReduce " : ""),
                  "a part that is empty at this place sends nothing");
          require(kernels() == "node node ", "one element");
          nccl_on_threads::pretend_capture(true);
          require(ranks::thrown_by([&] {
                    rondo::all_reduce(of.ranks, span_of(values), on{});
                  }).find("capture") != std::string::npos,
                  "memory is not made while a stream is captured");
          nccl_on_threads::pretend_capture(false);
          of.launched.clear();
          call();
          nccl_on_threads::pretend_capture(true);  // memory that grew would be refused
          call();
          nccl_on_threads::pretend_capture(false);
        }) == "");
}

TEST_CASE("nodes: one node is the window, one rank on each is the communicator") {
  CHECK(node_worlds::run({1, 3}, [](rank_parts of) {
          std::vector<float> values(1000, 1.f);
          rondo::all_reduce(of.ranks, span_of(values), codec::int8<128>{}, on{});
          require(of.launched.size() == 1 && of.launched[0].call.find("int8") == std::string::npos,
                  "one kernel, without the codec of the messages");
          require(nccl_on_threads::calls_of(of.across.raw()).empty(), "no call of NCCL's");
        }) == "");
  CHECK(node_worlds::run({3, 1}, [](rank_parts of) {
          std::vector<bfloat16> values(1000, bfloat16{1.f});
          rondo::all_reduce(of.ranks, span_of(values), on{});
          require(nccl_on_threads::calls_of(of.across.raw()) ==
                      std::vector<std::string>{"ncclAllReduce"},
                  "one call of NCCL's");
          of.across.group([&] { rondo::all_reduce(of.ranks, span_of(values), on{}); });
          require(static_cast<float>(values[999]) == 9.f, "in a group, too");
        }) == "");
}

TEST_CASE("nodes: what is refused, before anything is enqueued") {
  CHECK(node_worlds::run({2, 2}, [](rank_parts of) {
          std::vector<float> values(100);
          const auto refused = [&](const char* words, const auto& call) {
            require(ranks::thrown_by(call).find(words) != std::string::npos, words);
            require(of.launched.empty() && nccl_on_threads::calls_of(of.across.raw()).empty(),
                    "nothing was enqueued");
          };
          const std::vector<std::size_t> each{10, 20, 30, 40};
          std::vector<float> part(each[static_cast<std::size_t>(of.ranks.rank())]);
          refused("as many elements for each rank", [&] {
            rondo::reduce_scatter(of.ranks, span_of(values), span_of(part), counts{each}, on{});
          });
          refused("root 4 of 4",
                  [&] { rondo::broadcast(of.ranks, span_of(values), root{4}, on{}); });
          refused("cannot be one of a group", [&] {
            of.across.group([&] { rondo::all_reduce(of.ranks, span_of(values), on{}); });
          });
          rondo::barrier(of.across, on{});
        }) == "");
}

TEST_CASE("nodes: what failed at one level ends calls at both") {
  // A node whose ranks disagree: the kernels end, and the next call says so.
  CHECK(node_worlds::run({2, 2}, [](rank_parts of) {
          std::vector<float> values(100);
          const auto places = static_cast<std::size_t>(of.ranks.rank() % 2);
          rondo::all_reduce(*of.inside, device_span<float>{values.data(), 90 + places}, two_shot{},
                            on{});
          of.launched.clear();
          std::vector<float> all(400);
          bool seen = false;
          try {  // whose first call goes across
            rondo::all_gather(of.ranks, span_of(std::as_const(values)), span_of(all), on{});
          } catch (const mismatch&) {
            seen = true;
          }
          require(seen && nccl_on_threads::calls_of(of.across.raw()).empty(),
                  "a mismatch in the node");
          throw std::runtime_error{"as expected"};  // the world is broken
        }) == "as expected");
  CHECK(node_worlds::run({2, 2}, [](rank_parts of) {
          std::vector<float> values(100);
          nccl_on_threads::break_down(of.across.raw(), ncclRemoteError);
          bool transport = false;
          try {
            rondo::all_reduce(of.ranks, span_of(values), on{});
          } catch (const error& thrown) {
            transport = thrown.code() == error_code::transport;
          }
          require(transport, "NCCL's error");
          bool gone = false;
          try {
            rondo::barrier(of.ranks, on{});
          } catch (const revoked&) {
            gone = true;
          }
          require(gone && of.launched.empty(), "no kernel inside the node, either");
        }) == "");
}

TEST_CASE("nodes: the calls that a GPU checks, on memory of the device") {
  for (const shape of : {shape{2, 2}, shape{1, 2}, shape{2, 3}}) {
    INFO(in_words(of));
    CHECK(node_worlds::run(of, [](rank_parts parts) {
            const alike::stream own;
            alike::check_calls(parts.ranks, own.raw);
          }) == "");
  }
}

TEST_CASE("nodes: which ranks are on one node") {
  using nccl::detail::find_place;
  using nccl::detail::told_of_node;
  const auto told = [](std::vector<std::string> hosts, int node_size = 1) {
    std::vector<told_of_node> all(hosts.size());
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      std::strcpy(all[rank].host, hosts[rank].c_str());
      all[rank].node_size = node_size;
    }
    return all;
  };
  const auto place = [](const std::vector<told_of_node>& all, int rank) {
    const auto found = find_place(std::span<const told_of_node>{all}, rank);
    return std::vector<int>{found.node_size, found.nodes, found.node, found.place};
  };
  using is = std::vector<int>;
  CHECK(place(told({"a"}), 0) == is{1, 1, 0, 0});
  CHECK(place(told({"a", "a", "a"}), 2) == is{3, 1, 0, 2});
  CHECK(place(told({"a", "b", "c"}), 1) == is{1, 3, 1, 0});
  CHECK(place(told({"a", "a", "b", "b", "c", "c"}), 0) == is{2, 3, 0, 0});
  CHECK(place(told({"a", "a", "b", "b", "c", "c"}), 3) == is{2, 3, 1, 1});
  CHECK(place(told({"a", "a", "b", "b", "c", "c"}), 4) == is{2, 3, 2, 0});
  CHECK(place(told({"a", "b", "a", "b"}, 2), 3) == is{2, 2, 1, 1});  // told, so hosts do not count

  const auto why = [&](const std::vector<told_of_node>& all) {
    return ranks::thrown_by([&] { place(all, 0); });
  };
  CHECK_THAT(why(told({"big", "big", "big", "little"})),
             Catch::Matchers::ContainsSubstring(
                 "node 'big' has 3 ranks, node 'little' has 1 rank; nodes need as many"));
  CHECK_THAT(why(told({"a", "b", "a", "b"})),
             Catch::Matchers::ContainsSubstring(
                 "ranks 0 and 2 are on node 'a', and rank 1 between them on node 'b'"));
  CHECK_THAT(why(told({"a", "a", "a", "a"}, 3)),
             Catch::Matchers::ContainsSubstring("4 ranks are no whole nodes of 3"));
  auto mixed = told({"a", "a", "a", "b"}, 2);
  mixed[3].node_size = 4;
  CHECK_THAT(why(mixed), Catch::Matchers::ContainsSubstring("rank 3 on node 'b' that it has 4"));

  // As a communicator's ranks find it out: threads of one host.
  CHECK(ranks::run(3, [](auto& comm) {
          const auto found = find_place(comm);
          require(found.node_size == 3 && found.nodes == 1 && found.place == comm.rank(),
                  "one host is one node");
        }) == "");
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  CHECK(ranks::on_threads(4, [&](int rank) {
          auto comm =
              ranks::communicator::adopt(ranks::raw_communicator(id, rank, 4), {.node_size = 2});
          const auto found = find_place(comm);
          require(found.node_size == 2 && found.nodes == 2 && found.node == rank / 2,
                  "nodes of two ranks");
        }) == "");
}
