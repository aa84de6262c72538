// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "pipeline/published.hpp"

#include <rondo/pipeline/check.hpp>
#include <rondo/pipeline/formula.hpp>
#include <rondo/pipeline/search.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <vector>

namespace pipeline = rondo::pipeline;
using pipeline::costs;
using pipeline::shape;
using pipeline::ticks;

namespace {

double rate(ticks clock, const costs& of, int micro_batches, int chunks = 1) {
  const ticks work = (of.forward + of.backward_input + of.backward_weight) * micro_batches * chunks;
  return static_cast<double>(clock - work) / static_cast<double>(clock);
}

/// What a found plan says of itself is what it is.
void require_honest(const pipeline::found_plan& found, const costs& of) {
  pipeline::check(found.plan);
  const auto seen = pipeline::simulate(found.plan, of);
  REQUIRE(seen.makespan == found.makespan);
  REQUIRE(seen.span == found.span);
  REQUIRE(*std::max_element(seen.peak_memory.begin(), seen.peak_memory.end()) == found.peak_memory);
  REQUIRE((found.memory_limit == 0 || found.peak_memory <= found.memory_limit));
  REQUIRE(found.value() >= found.lower_bound);
  REQUIRE(found.gap() >= 0);
}

}  // namespace

TEST_CASE("never above the published rates of ZB-1P and ZB-2P, at equal memory") {
  int lower = 0;
  for (const auto& row : published::zero_bubble_table) {
    const costs of = row.with_memory();
    for (const int times : {1, 2}) {
      INFO(row.stages << " x " << row.micro_batches << ", memory x " << times);
      const double printed = times == 1 ? row.zb_1p : row.zb_2p;
      const auto found =
          pipeline::search(shape{row.stages, row.micro_batches}, of,
                           {.memory_limit = times * row.stages * of.activation, .barrier = false});
      require_honest(found, of);
      const double mine = rate(found.span, of, row.micro_batches);
      CHECK(mine < printed + 0.00005);
      lower += mine < printed - 0.00005;
    }
  }
  CHECK(lower >= 10);  // of 24
}

TEST_CASE("below the published rates of ZB-V, at equal memory") {
  for (const auto& row : published::zero_bubble_v_table) {
    costs of = row.chunk;
    of.activation = 34 * 5120 + 5 * 40 * 1024;
    of.retained = 32 * 5120;
    const auto found = pipeline::search(
        shape{row.stages, row.micro_batches}, of,
        {.memory_limit = 2 * row.stages * of.activation, .barrier = false, .chunks = 2});
    require_honest(found, of);
    CHECK(rate(found.span, of, row.micro_batches, 2) < row.zb_v - 0.00005);
  }
}

TEST_CASE("where F = I = W: a bubble of (p-1)W with the memory of 1F1B, none with twice or a V") {
  for (const shape s : {shape{4, 8}, shape{8, 24}, shape{16, 48}}) {
    const costs of{.retained = 0};
    const auto span = [&](int limit, int chunks) {
      const auto found =
          pipeline::search(s, of, {.memory_limit = limit, .barrier = false, .chunks = chunks});
      require_honest(found, of);
      return found.span - 3 * s.micro_batches * chunks;
    };
    INFO(s.stages << " x " << s.micro_batches);
    CHECK(span(s.stages, 1) == s.stages - 1);
    CHECK(span(2 * s.stages, 1) == 0);
    CHECK(span(2 * s.stages, 2) == 0);
  }
}

TEST_CASE("with twice the memory of 1F1B the barrier clock is within 1 % of its bound") {
  for (const auto& row : published::zero_bubble_table) {
    const shape asked{row.stages, row.micro_batches};
    const auto found =
        pipeline::search(asked, row.costs, {.memory_limit = 2 * row.stages, .barrier = true});
    require_honest(found, row.costs);
    CHECK(found.gap() < 0.01);
    CHECK(found.lower_bound == pipeline::formula::barrier_bound(asked, 1, row.costs));
  }
}

namespace {

/// The best of all orders of F, I and W on every rank: micro-batches are alike, so each kind runs
/// in their order, and a row is a word of the letters F, I, W.
class exhaustive {
 public:
  exhaustive(shape asked, costs of, std::int64_t limit) : asked_{asked}, of_{of}, limit_{limit} {
    grow({}, 0, 0, 0);
  }

  [[nodiscard]] ticks best_makespan() {
    rows_.assign(static_cast<std::size_t>(asked_.stages), nullptr);
    choose(0);
    return best_;
  }

 private:
  void grow(std::string word, int f, int i, int w) {
    if (w == asked_.micro_batches) {
      words_.push_back(word);
      return;
    }
    if (f < asked_.micro_batches && f - i + 1 <= limit_) {
      grow(word + 'F', f + 1, i, w);
    }
    if (i < f) {
      grow(word + 'I', f, i + 1, w);
    }
    if (w < i) {
      grow(word + 'W', f, i, w + 1);
    }
  }

  void choose(std::size_t rank) {
    if (rank == rows_.size()) {
      play();
      return;
    }
    for (const std::string& word : words_) {
      rows_[rank] = &word;
      choose(rank + 1);
    }
  }

  /// Sweeps the ranks until nothing moves.
  void play() {
    const std::size_t p = rows_.size();
    const auto m = static_cast<std::size_t>(asked_.micro_batches);
    std::vector<ticks> forward(p * m, -1);
    std::vector<ticks> back(p * m, -1);
    std::vector<ticks> now(p, 0);
    std::vector<std::size_t> at(p, 0);
    std::vector<std::array<std::size_t, 3>> count(p);
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t r = 0; r < p; ++r) {
        for (; at[r] < rows_[r]->size(); ++at[r], moved = true) {
          const char what = (*rows_[r])[at[r]];
          const std::size_t i = count[r][what == 'F' ? 0 : what == 'I' ? 1 : 2];
          ticks input = 0;
          if (what == 'F' && r > 0) {
            input = forward[(r - 1) * m + i] < 0 ? -1 : forward[(r - 1) * m + i] + of_.hop;
          } else if (what == 'I' && r + 1 < p) {
            input = back[(r + 1) * m + i] < 0 ? -1 : back[(r + 1) * m + i] + of_.hop;
          }
          if (input < 0) {
            break;
          }
          ++count[r][what == 'F' ? 0 : what == 'I' ? 1 : 2];
          now[r] = std::max(now[r], input) + (what == 'F'   ? of_.forward
                                              : what == 'I' ? of_.backward_input
                                                            : of_.backward_weight);
          (what == 'F' ? forward : back)[r * m + i] = what == 'W' ? back[r * m + i] : now[r];
        }
      }
    }
    for (std::size_t r = 0; r < p; ++r) {
      if (at[r] < rows_[r]->size()) {
        return;
      }
    }
    best_ = std::min(best_, *std::max_element(now.begin(), now.end()));
  }

  shape asked_;
  costs of_;
  std::int64_t limit_;
  std::vector<std::string> words_{};
  std::vector<const std::string*> rows_{};
  ticks best_ = std::numeric_limits<ticks>::max();
};

}  // namespace

TEST_CASE("where all orders can be tried, the search finds the best one") {
  std::mt19937 random{11};
  const auto pick = [&](int from, int to) {
    return std::uniform_int_distribution{from, to}(random);
  };
  int draws = 0;
  int optimal = 0;
  for (const shape asked : {shape{2, 2}, shape{2, 3}, shape{3, 2}, shape{2, 4}, shape{3, 3}}) {
    for (int round = 0; round < (asked.stages * asked.micro_batches >= 8 ? 6 : 30); ++round) {
      const costs of{pick(1, 20), pick(1, 20), pick(1, 20), pick(0, 5)};
      const std::int64_t limit = pick(asked.stages - 1, 2 * asked.stages);
      const ticks best = exhaustive{asked, of, limit}.best_makespan();
      const auto found =
          pipeline::search(asked, of, {.memory_limit = limit, .barrier = true, .effort = 100'000});
      require_honest(found, of);
      REQUIRE(found.lower_bound <= best);
      REQUIRE(found.makespan >= best);
      ++draws;
      optimal += found.makespan == best;
    }
  }
  INFO(optimal << " of " << draws);
  CHECK(optimal * 100 >= draws * 95);
}

TEST_CASE("never worse than a generator, and never above the memory limit") {
  std::mt19937 random{5};
  const auto pick = [&](int from, int to) {
    return std::uniform_int_distribution{from, to}(random);
  };
  for (int round = 0; round < 40; ++round) {
    const shape asked{pick(1, 8), pick(1, 24)};
    const costs of{pick(1, 99), pick(1, 99), pick(1, 99), pick(0, 50)};
    const auto h1 = pipeline::simulate(pipeline::zero_bubble_h1{}(asked), of);
    const auto plain = pipeline::simulate(pipeline::one_f_one_b{}(asked), of);
    const auto found = pipeline::search(
        asked, of, {.memory_limit = asked.stages, .barrier = true, .effort = 60'000});
    require_honest(found, of);
    CHECK(found.makespan <= h1.makespan);
    CHECK(found.makespan <= plain.makespan);
    const auto free = pipeline::search(asked, of, {.effort = 60'000});
    require_honest(free, of);
    CHECK(free.makespan <= pipeline::simulate(pipeline::gpipe{}(asked), of).makespan);
    const auto tight = pipeline::search(asked, of, {.memory_limit = 1, .effort = 60'000});
    require_honest(tight, of);
    const auto vee = pipeline::simulate(pipeline::zero_bubble_v{}(asked), of);
    const auto two = pipeline::search(
        asked, of, {.memory_limit = 2 * asked.stages, .chunks = 2, .effort = 60'000});
    require_honest(two, of);
    CHECK(two.makespan <= vee.makespan);
  }
}

TEST_CASE("two copies of the weights admit dual_pipe, which pays where F and B overlap") {
  costs of{10, 10, 10};
  of.overlapped = 22;
  const shape asked{8, 20};
  const auto dual = pipeline::simulate(pipeline::dual_pipe{}(asked), of);
  const auto one = pipeline::search(asked, of, {.memory_limit = 9, .effort = 200'000});
  const auto two =
      pipeline::search(asked, of, {.memory_limit = 9, .weight_copies = 2, .effort = 200'000});
  require_honest(one, of);
  require_honest(two, of);
  CHECK(one.plan.placement.chains() == 1);
  CHECK(two.plan.placement.chains() == 2);
  CHECK(two.makespan == dual.makespan);
  CHECK(two.makespan < one.makespan);
  for (const shape odd : {shape{3, 12}, shape{4, 7}, shape{4, 6}}) {
    require_honest(pipeline::search(odd, of, {.weight_copies = 2, .effort = 20'000}), of);
  }
}

TEST_CASE("the bound is below every generator, on a V, with copies and where F and B overlap") {
  std::mt19937 random{7};
  const auto pick = [&](int from, int to) {
    return std::uniform_int_distribution{from, to}(random);
  };
  for (int round = 0; round < 200; ++round) {
    costs of{pick(1, 50), pick(1, 50), pick(1, 50), pick(0, 20)};
    const ticks backward = of.backward_input + of.backward_weight;
    of.backward = pick(1, static_cast<int>(backward));  // less than its first half alone, too
    if (round % 2 == 0) {
      const auto from = static_cast<int>(std::max(of.forward, backward));
      of.overlapped = pick(from, static_cast<int>(of.forward + backward));
    }
    const int p = 2 * pick(1, 3);
    const shape asked{p, 2 * pick(p, 12)};
    for (const auto& plan :
         {pipeline::dual_pipe{}(asked), pipeline::dual_pipe_v{}(asked), pipeline::gpipe{}(asked),
          pipeline::zero_bubble_v{}(asked), pipeline::zero_bubble_h2{}(asked)}) {
      const auto bound = pipeline::bound_of(asked, plan.placement, of);
      const auto seen = pipeline::simulate(plan, of);
      REQUIRE(bound.makespan <= seen.makespan);
      REQUIRE(bound.span <= seen.span);
    }
  }
}

namespace {

struct slow_stage {
  [[nodiscard]] static ticks time(const pipeline::action& what) {
    const ticks half = 12 + 4 * what.stage + what.micro_batch % 3;
    return what.kind == pipeline::kind::forward    ? half - 2
           : what.kind == pipeline::kind::backward ? 2 * half
                                                   : half;
  }
  [[nodiscard]] static ticks hop_time(const pipeline::action&, int, int) { return 1; }
};

}  // namespace

TEST_CASE("any cost model can be searched") {
  const auto found = pipeline::search(shape{4, 12}, slow_stage{}, {.memory_limit = 8});
  const auto seen = pipeline::simulate(found.plan, slow_stage{});
  CHECK(seen.makespan == found.makespan);
  CHECK(found.gap() < 0.05);
}

TEST_CASE("the front never gets slower with more memory") {
  const costs of{18522, 18086, 9337, 601};
  for (const bool barrier : {true, false}) {
    const auto front =
        pipeline::search_front(shape{8, 32}, of, {.barrier = barrier, .effort = 200'000});
    REQUIRE(front.size() == 17);
    for (std::size_t i = 0; i < front.size(); ++i) {
      require_honest(front[i], of);
      CHECK(front[i].memory_limit == 8 + static_cast<std::int64_t>(i));
      CHECK((i == 0 || front[i].value() <= front[i - 1].value()));
    }
    CHECK(front.back().gap() < 0.002);
  }
}

TEST_CASE("the limits of a front lie evenly, however large the memory is") {
  constexpr std::int64_t all = (std::numeric_limits<std::int64_t>::max)();
  const auto limits = [](std::int64_t least, std::int64_t most, int points) {
    std::vector<std::int64_t> found;
    for (const auto& each : pipeline::search_front(
             shape{2, 4}, costs{},
             {.least_memory = least, .most_memory = most, .points = points, .effort = 100})) {
      found.push_back(each.memory_limit);
    }
    return found;
  };
  CHECK(limits(2, 12, 4) == std::vector<std::int64_t>{2, 5, 8, 12});
  CHECK(limits(7, all, 3) == std::vector<std::int64_t>{7, 7 + (all - 7) / 2, all});
  CHECK(limits(all - 2, 0, 3) == std::vector<std::int64_t>{all - 2, all - 1, all});
  CHECK(limits(3, 9, 1) == std::vector<std::int64_t>{3});
}

TEST_CASE("a search that cannot succeed says why") {
  const costs big{.activation = 10};
  CHECK_THROWS_WITH(pipeline::search(shape{4, 8}, big, {.memory_limit = 5}),
                    Catch::Matchers::ContainsSubstring("no plan found within memory_limit 5"));
  CHECK_THROWS_WITH(pipeline::search(shape{4, 8, 2}, costs{}),
                    Catch::Matchers::ContainsSubstring("slices = 1"));
}
