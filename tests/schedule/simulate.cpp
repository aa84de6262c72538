// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "every.hpp"

#include <rondo/schedule.hpp>

#include <cmath>
#include <ctime>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace schedule = rondo::schedule;
using Catch::Matchers::ContainsSubstring;
using rondo::schedule::network;
using rondo::schedule::simulate;

namespace {

constexpr double alpha = 5e-6;
constexpr double beta = 1 / 25e9;
constexpr double gamma_ = 1 / 8e9;
constexpr network flat{
    .latency = alpha, .bytes_per_second = 1 / beta, .fold_bytes_per_second = 1 / gamma_};
constexpr std::size_t bytes = 48 << 20;
constexpr double m = static_cast<double>(bytes);

double floor_log2(int n) { return std::floor(std::log2(n)); }
double ceil_log2(int n) { return std::ceil(std::log2(n)); }

void agrees(double simulated, double formula) { CHECK(simulated == Approx(formula).epsilon(1e-9)); }

}  // namespace

// Formulas: Thakur, Rabenseifner, Gropp, IJHPCA 19(1), 2005, and Chan, Heimlich, Purkayastha, van
// de Geijn, "Collective communication: theory, practice, and experience", CCPE 19(13), 2007.
TEST_CASE("ring and direct schedules take what the alpha-beta-gamma formulas say") {
  for (const int n : {2, 3, 4, 7, 8, 16, 33}) {
    CAPTURE(n);
    const double hops = n - 1;
    const double part = m / n;
    agrees(simulate(schedule::reduce_scatter(rondo::ring{}, n), flat, bytes),
           hops * (alpha + part * (beta + gamma_)));
    agrees(simulate(schedule::all_gather(rondo::ring{}, n), flat, bytes),
           hops * (alpha + part * beta));
    agrees(simulate(schedule::all_reduce(rondo::ring{}, n), flat, bytes),
           hops * (2 * alpha + part * (2 * beta + gamma_)));
    agrees(simulate(schedule::broadcast(rondo::ring{}, n, n / 2), flat, bytes),
           2 * hops * (alpha + part * beta));
    agrees(simulate(schedule::all_to_all(rondo::one_shot{}, n), flat, bytes),
           hops * (alpha + part * beta));
    agrees(simulate(schedule::gather(rondo::one_shot{}, n), flat, bytes),
           hops * (alpha + part * beta));
    agrees(simulate(schedule::broadcast(rondo::one_shot{}, n), flat, bytes),
           hops * (alpha + m * beta));
    agrees(simulate(schedule::all_reduce(rondo::one_shot{}, n), flat, bytes),
           hops * (alpha + m * (beta + gamma_)));
    agrees(simulate(schedule::all_reduce(rondo::two_shot{}, n), flat, bytes),
           hops * (2 * alpha + part * (2 * beta + gamma_)));
  }
}

TEST_CASE("logarithmic schedules take what the formulas say, for powers of two") {
  for (const int n : {2, 4, 8, 16, 64}) {
    CAPTURE(n);
    const double log = floor_log2(n);
    const double most = m * (n - 1) / n;
    if (n > 2) {
      agrees(simulate(schedule::all_reduce(rondo::recursive_doubling{}, n), flat, bytes),
             log * (alpha + m * (beta + gamma_)));
    }
    agrees(simulate(schedule::all_gather(rondo::recursive_doubling{}, n), flat, bytes),
           log * alpha + most * beta);
    agrees(simulate(schedule::all_reduce(rondo::halving_doubling{}, n), flat, bytes),
           2 * log * alpha + most * (2 * beta + gamma_));
    agrees(simulate(schedule::reduce_scatter(rondo::halving_doubling{}, n), flat, bytes),
           log * alpha + most * (beta + gamma_));
    agrees(simulate(schedule::scatter(rondo::tree{}, n), flat, bytes), log * alpha + most * beta);
    agrees(simulate(schedule::gather(rondo::tree{}, n), flat, bytes), log * alpha + most * beta);
    agrees(simulate(schedule::all_to_all(rondo::bruck{}, n), flat, bytes),
           log * (alpha + m / 2 * beta));
  }
}

TEST_CASE("logarithmic schedules take what the formulas say, for any number of ranks") {
  for (const int n : {2, 3, 5, 6, 8, 13, 31, 64, 100}) {
    CAPTURE(n);
    const double up = ceil_log2(n);
    agrees(simulate(schedule::broadcast(rondo::tree{}, n, n - 1), flat, bytes),
           up * (alpha + m * beta));
    agrees(simulate(schedule::reduce(rondo::tree{}, n), flat, bytes),
           up * (alpha + m * (beta + gamma_)));
    agrees(simulate(schedule::barrier(rondo::bruck{}, n), flat, bytes), up * alpha);
    agrees(simulate(schedule::barrier(rondo::tree{}, n), flat, bytes), 2 * up * alpha);
    agrees(simulate(schedule::all_reduce(rondo::bruck{}, n), flat, bytes),
           up * alpha + m * (n - 1) * (beta + gamma_));
  }
  for (const int n : {5, 6, 7, 11, 100}) {
    CAPTURE(n);
    const double log = floor_log2(n);
    agrees(simulate(schedule::all_reduce(rondo::recursive_doubling{}, n), flat, bytes),
           (log + 2) * (alpha + m * beta) + (log + 1) * m * gamma_);
  }
}

TEST_CASE("the double tree moves one message per port in every round, so rounds are its time") {
  for (const int n : {2, 3, 4, 7, 8, 12, 31, 64, 100, 127, 255}) {
    for (const int segments : {1, 2, 5, 16}) {
      CAPTURE(n, segments);
      const double height = floor_log2(n + 1);
      const double rounds = 4 * (height + segments - 1);
      const network on{.latency = alpha, .bytes_per_second = 1 / beta};
      const double time = simulate(schedule::all_reduce(rondo::tree{segments}, n), on, bytes);
      const double piece = alpha + m / (2 * segments) * beta;
      CHECK(time <= rounds * piece * (1 + 1e-9));
      CHECK(time >= (rounds - 4) * piece * (1 - 1e-9));
    }
  }
}

TEST_CASE("no rank sends or receives twice in a round of a double tree, but for some roots above") {
  const auto busy_ranks = [](const schedule::table& one) {
    std::vector<int> busy;
    for (int rank = 0; rank < one.size; ++rank) {
      std::map<std::pair<int, bool>, int> used;
      for (const auto& step : one.row(rank).steps) {
        if (step.peer >= 0 && ++used[{step.round, step.what == schedule::verb::send}] == 2) {
          busy.push_back(rank);
          break;
        }
      }
    }
    return busy;
  };
  for (int n = 1; n < 300; ++n) {
    CAPTURE(n);
    CHECK(busy_ranks(schedule::tabulate(schedule::all_reduce(rondo::tree{3}, n))).empty());
    const std::vector<int> only_root{n / 3};
    const auto down = busy_ranks(schedule::tabulate(schedule::broadcast(rondo::tree{3}, n, n / 3)));
    CHECK((down.empty() || down == only_root));
    const auto up = busy_ranks(schedule::tabulate(schedule::reduce(rondo::tree{3}, n, n / 3)));
    CHECK((up.empty() || up == only_root));
  }
}

TEST_CASE("two levels cost what their phases cost") {
  network two = flat;
  two.ranks_per_node = 4;
  two.inner_latency = 1e-6;
  two.inner_bytes_per_second = 200e9;
  for (const int groups : {1, 2, 3, 8}) {
    CAPTURE(groups);
    const int n = 4 * groups;
    const rondo::hierarchical algorithm{rondo::ring{}, rondo::ring{}, 4};
    agrees(simulate(schedule::all_reduce(algorithm, n), two, bytes),
           3 * (2e-6 + m / 4 * (2 / 200e9 + gamma_)) +
               (groups - 1) * (2 * alpha + m / n * (2 * beta + gamma_)));
    // A ring over nodes is as slow as its slowest link.
    if (groups > 1) {
      agrees(simulate(schedule::all_gather(rondo::ring{}, n), two, bytes),
             (n - 1) * (alpha + m / n * beta));
    }
  }
}

TEST_CASE("overhead is paid at both ends, copies and folds in the ranks' own time") {
  network on = flat;
  on.overhead = 1e-6;
  agrees(simulate(schedule::broadcast(rondo::one_shot{}, 5), on, bytes),
         4 * (1e-6 + alpha + m * beta) + 1e-6);
  on.overhead = 0;
  on.copy_bytes_per_second = 1e9;
  agrees(simulate(schedule::all_reduce(rondo::ring{}, 1), on, bytes), m / 1e9);
}

TEST_CASE("on one machine the work of ranks that share a core adds up, and so do their turns") {
  const auto ring = schedule::all_reduce(rondo::ring{}, 4);
  const schedule::host work{.copy_bytes_per_second = 1 / beta, .fold_bytes_per_second = 1 / gamma_};
  for (const int cores : {1, 2, 4, 7}) {
    CAPTURE(cores);
    schedule::host on = work;
    on.cores = cores;
    const double shared = cores < 4 ? 4. / cores : 1;
    // Each rank folds three parts and copies three; calls overlap a little.
    CHECK(simulate(ring, on, bytes) == Approx(shared * 3 * m / 4 * (beta + gamma_)).epsilon(0.06));
    on.signal = 1e-6;
    on.handover = 2e-6;
    if (cores >= 4) {
      agrees(simulate(ring, on, bytes), 6 * (2 * on.signal + m / 4 * (beta + gamma_) / 2));
    }
    const double empty = simulate(ring, on, 0);
    CHECK(empty >= 6 * 2e-6 * (1 - 1e-9));
    CHECK(empty <= 6 * (2e-6 + shared * 2 * on.handover));
  }
}

TEST_CASE("a rank keeps a core that it shares while it looks for one of another core") {
  const auto pairs = schedule::all_reduce(rondo::recursive_doubling{}, 4);
  schedule::host on{.cores = 2, .signal = 1e-9, .handover = 2e-6};
  const auto with_patience = [&](double seconds) {
    schedule::host patient = on;
    patient.patience = seconds;
    return simulate(pairs, patient, 0);
  };
  // The first round's peers are on the other core, the second's on the same: with patience a call
  // needs one turn of each rank.
  CHECK(with_patience(1e-6) == Approx(2 * on.handover).epsilon(0.01));
  CHECK(with_patience(0) > 3.9 * on.handover);
  // In a ring all ranks of a core wait for those of the other: who looks holds its neighbour up.
  const auto ring = schedule::all_gather(rondo::ring{}, 4);
  const double hasty = simulate(ring, on, 0);
  on.patience = 3e-6;
  CHECK(simulate(ring, on, 0) > hasty + on.patience);
  // Whose core is its own has nobody to give it to, and who waits for its neighbour gives it away.
  for (const int cores : {1, 4}) {
    on.cores = cores;
    CHECK(with_patience(1e-6) == with_patience(0));
  }
}

TEST_CASE("ranks that share a core come to an end however slow it is") {
  const auto ring = schedule::all_reduce(rondo::ring{}, 4);
  const schedule::host on{
      .cores = 2, .handover = 1e-6, .copy_bytes_per_second = 1, .fold_bytes_per_second = 1};
  const double slow = schedule::simulate(ring, on, std::size_t{1} << 20);
  for (const int doublings : {10, 14, 20, 30, 40}) {  // seconds in which a microsecond is lost
    const double longer = schedule::simulate(ring, on, std::size_t{1} << (20 + doublings));
    CHECK(longer == Approx(std::ldexp(slow, doublings)).epsilon(0.05));
  }
}

TEST_CASE("memory that all cores share is a limit for all together, caches for each") {
  const auto swap = schedule::all_gather(rondo::ring{}, 2);
  schedule::host on{.cores = 2, .copy_bytes_per_second = 1 / beta};
  const double cached = simulate(swap, on, bytes);
  // Each rank copies its part and takes the other's: 2 m bytes read and written, of 3 m / 2 that it
  // touches and 2 m that all touch.
  on.of_all = {.bytes = m / 4, .missed_bytes_per_second = 1e9};
  CHECK(simulate(swap, on, bytes) == Approx(4 * m / 1e9).epsilon(0.01));
  on.of_all.bytes = 4 * m;
  CHECK(simulate(swap, on, bytes) == Approx(cached));
  // A cache of its own has to hold 2 m for each core, one for all 3 m.
  on.of_all.bytes = 2.6 * m;
  CHECK(simulate(swap, on, bytes) > 1.1 * cached);
  on.apart = true;
  CHECK(simulate(swap, on, bytes) == Approx(cached));
  on.apart = false;
  on.of_all = {};
  on.of_core = {.bytes = m / 4, .missed_bytes_per_second = 1e9};
  CHECK(simulate(swap, on, bytes) == Approx(cached + 2 * m / 1e9));
  CHECK(simulate(swap, on, bytes / 64) == Approx(cached / 64));
  on.of_core.bytes = 4 * m;
  CHECK(simulate(swap, on, bytes) == Approx(cached));
}

TEST_CASE("one core alone does not keep memory busy, two together may") {
  // In a broadcast rank 1 reads m and writes m, and rank 0 does nothing.
  const auto lone = schedule::broadcast(rondo::one_shot{}, 2);
  const auto swap = schedule::all_gather(rondo::ring{}, 2);
  schedule::host on{.cores = 2, .of_all = {.bytes = m / 4, .missed_bytes_per_second = 4e9}};
  CHECK(simulate(lone, on, bytes) == Approx(2 * m / 4e9).epsilon(0.01));
  CHECK(simulate(swap, on, bytes) == Approx(4 * m / 4e9).epsilon(0.01));
  on.fetched_bytes_per_second = 3e9;
  CHECK(simulate(lone, on, bytes) == Approx(2 * m / 3e9).epsilon(0.01));
  CHECK(simulate(swap, on, bytes) == Approx(4 * m / 4e9).epsilon(0.01));
  on.fetched_bytes_per_second = 1e9;
  CHECK(simulate(swap, on, bytes) == Approx(2 * m / 1e9).epsilon(0.01));
  on.of_all.bytes = 8 * m;
  CHECK(simulate(lone, on, bytes) < 1e-6);
}

TEST_CASE("bytes that change hands cost once for each core that must ask another") {
  schedule::host on{.cores = 2, .copy_bytes_per_second = 1 / beta};
  const auto extra = [&](const auto& one) {
    schedule::host moving = on;
    moving.moved_bytes_per_second = 1e9;
    moving.claimed_bytes_per_second = 1e9;
    return simulate(one, moving, bytes) - simulate(one, on, bytes);
  };
  // Nobody writes an input, so both have a copy of it, and each output is its own rank's.
  CHECK(extra(schedule::all_gather(rondo::ring{}, 2)) == Approx(0).margin(1e-12));
  CHECK(extra(schedule::reduce_scatter(rondo::ring{}, 2)) == Approx(0).margin(1e-12));
  // Each rank's half of the sums is read by the other, and taken back when it is written again.
  const auto ring = schedule::all_reduce(rondo::ring{}, 2);
  CHECK(extra(ring) == Approx(m / 1e9));
  // Folds claim what they write over, and copies do not.
  const auto claimed = [&](const auto& one) {
    schedule::host claiming = on;
    claiming.claimed_bytes_per_second = 1e9;
    return simulate(one, claiming, bytes) - simulate(one, on, bytes);
  };
  CHECK(claimed(ring) == Approx(m / 2 / 1e9));
  CHECK(claimed(schedule::all_to_all(rondo::bruck{}, 2)) == Approx(0).margin(1e-12));
  // What has left the other core's cache changes hands no longer, unless cores are apart.
  on.of_core.bytes = m / 64;
  CHECK(extra(ring) == Approx(0).margin(1e-12));
  on.apart = true;
  CHECK(extra(ring) == Approx(m / 1e9));
  on.of_all.bytes = m / 64;
  CHECK(extra(ring) == Approx(0).margin(1e-12));
  on = {.cores = 1, .copy_bytes_per_second = 1 / beta};
  CHECK(extra(ring) == Approx(0).margin(1e-12));
}

TEST_CASE("messages that land are brought home before they are folded") {
  schedule::host on{.cores = 2, .copy_bytes_per_second = 3e9, .fold_bytes_per_second = 5e9};
  const auto halves = schedule::reduce_scatter(rondo::ring{}, 2);
  const double in_place = simulate(halves, on, bytes);
  CHECK(in_place == Approx(m / 2 / 5e9));
  on.message_bytes_per_second = 7e9;
  CHECK(simulate(halves, on, bytes) == Approx(m / 2 / 5e9 + m / 2 / 7e9));
  // A plain receive is over when it has landed.
  CHECK(simulate(schedule::broadcast(rondo::one_shot{}, 2), on, bytes) == Approx(m / 7e9));
}

TEST_CASE("short messages are copied at both ends and not waited for, long ones ask first") {
  const auto once = schedule::broadcast(rondo::one_shot{}, 2);
  schedule::host on{.cores = 2, .signal = 1e-6, .copy_bytes_per_second = 1 / beta};
  agrees(simulate(once, on, bytes), 2e-6 + m * beta);
  on.handshake = 3e-6;
  on.handshake_turns = 2;
  agrees(simulate(once, on, bytes), 7e-6 + m * beta);
  on.copied_bytes = m;
  agrees(simulate(once, on, bytes), 2e-6 + 2 * m * beta);
  on.unawaited_bytes = m;
  agrees(simulate(once, on, bytes), m * beta);
}

TEST_CASE("an algorithm that rotates does: every rank's steps are those of the first, moved") {
  const auto rotates = [](const auto& one, int by) {
    for (int rank = 0; rank + by < one.size; ++rank) {
      const auto a = one.row(rank);
      const auto b = one.row(rank + by);
      REQUIRE(a.steps.size() == b.steps.size());
      for (std::size_t i = 0; i < a.steps.size(); ++i) {
        const auto& x = a.steps[i];
        const auto& y = b.steps[i];
        const auto size_of = [](const schedule::step& s) {
          return s.what == schedule::verb::send ? s.left.count : s.into.count;
        };
        REQUIRE(x.what == y.what);
        REQUIRE(x.round == y.round);
        REQUIRE(size_of(x) == size_of(y));
        REQUIRE((x.peer < 0 ? y.peer == x.peer : (x.peer + by) % one.size == y.peer));
      }
    }
  };
  const auto all = [&]<class Algorithm>(const Algorithm& algorithm, int n) {
    using schedule::collective;
    const auto try_one = [&]<collective What>(schedule::make<What> what) {
      if constexpr (schedule::rotates<Algorithm, What>) {
        rotates(schedule::generated<Algorithm, What>{algorithm, n, 0}, rotation(algorithm, what));
      }
    };
    try_one(schedule::make<collective::all_reduce>{});
    try_one(schedule::make<collective::reduce_scatter>{});
    try_one(schedule::make<collective::all_gather>{});
    try_one(schedule::make<collective::all_to_all>{});
    try_one(schedule::make<collective::barrier>{});
  };
  for (const int n : {2, 3, 6, 12}) {
    all(rondo::ring{}, n);
    all(rondo::one_shot{}, n);
    all(rondo::two_shot{}, n);
    all(rondo::bruck{}, n);
  }
  all(rondo::hierarchical{rondo::ring{}, rondo::ring{}, 3}, 12);
  all(rondo::hierarchical{rondo::halving_doubling{}, rondo::two_shot{}, 4}, 12);
}

TEST_CASE("one rank that stands for many takes as long as all of them") {
  for (const int node : {0, 2, 3, 4}) {
    network on = flat;
    on.ranks_per_node = node;
    on.inner_latency = 1e-6;
    on.inner_bytes_per_second = 300e9;
    on.overhead = 3e-7;
    on.copy_bytes_per_second = 20e9;
    const auto same = [&](const auto& one) {
      agrees(simulate(one, on, bytes), schedule::forecast(one, on, bytes).seconds);
    };
    CAPTURE(node);
    same(schedule::all_reduce(rondo::ring{}, 12));
    same(schedule::all_to_all(rondo::bruck{}, 12));
    same(schedule::all_reduce(rondo::hierarchical{rondo::tree{}, rondo::ring{}, 4}, 12));
    if (node == 0) {
      same(schedule::all_gather(rondo::one_shot{}, 12));
      same(schedule::all_reduce(rondo::two_shot{}, 12));
    }
  }
}

TEST_CASE("a forecast has every step of every rank once, in the bounds of the whole") {
  every::schedules(6, 2, [&](const schedule::table& one, const std::string& name) {
    INFO(name);
    const auto made = schedule::forecast(one, flat, bytes);
    std::map<std::pair<int, std::size_t>, int> seen;
    for (const auto& moment : made.moments) {
      ++seen[{moment.rank, moment.step}];
      CHECK(moment.begin >= 0);
      CHECK(moment.begin <= moment.end);
      CHECK(moment.end <= made.seconds * (1 + 1e-12));
    }
    std::size_t steps = 0;
    for (const auto& row : one.rows) {
      steps += row.steps.size();
    }
    CHECK(seen.size() == steps);
    CHECK(made.moments.size() == steps);
    CHECK(made.finished.size() == 6);
  });
}

TEST_CASE("100,000 ranks in nodes of eight take about a second to simulate, or less") {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr double bound = 120;
#else
  constexpr double bound = 4;  // of processor time, whatever else runs here; 0.03 to 0.4 were seen
#endif
  network nodes = flat;
  nodes.ranks_per_node = 8;
  nodes.inner_latency = alpha / 5;
  nodes.inner_bytes_per_second = 4 / beta;
  const auto check = [&](const auto& algorithm) {
    INFO(algorithm.name);
    const std::clock_t begun = std::clock();
    CHECK(simulate(schedule::all_reduce(algorithm, 100000), nodes, bytes) > m * beta / 2);
    CHECK(static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC < bound);
  };
  check(rondo::ring{});
  check(rondo::tree{});
  check(rondo::halving_doubling{});
  check(rondo::hierarchical{rondo::ring{}, rondo::ring{}, 8});
  check(rondo::hierarchical{rondo::ring{}, rondo::tree{}, 8});
}

TEST_CASE("a schedule that is too long is refused before it is made, and one that is not is made") {
  network nodes = flat;
  nodes.ranks_per_node = 8;
  const auto refused = [](const auto& call, const std::string& who, const std::string& instead) {
    const std::clock_t begun = std::clock();
    CHECK_THROWS_WITH(call(), ContainsSubstring(who) && ContainsSubstring(instead));
    CHECK(static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC < 4);
  };
  refused([&] { return simulate(schedule::broadcast(rondo::ring{}, 100000), nodes, bytes); },
          "broadcast: ring on 100000 ranks has about 2000", "use tree");
  refused([&] { return simulate(schedule::all_reduce(rondo::ring{}, 99999), nodes, bytes); },
          "all_reduce: ring on 99999 ranks has about 399", "that ranks_per_node divides");
  refused([] { schedule::prove(schedule::all_to_all(rondo::one_shot{}, 50000)); },
          "all_to_all: one_shot on 50000 ranks", "use bruck");
  refused([] { return schedule::tabulate(schedule::all_gather(rondo::ring{}, 100000)); },
          "all_gather: ring on 100000 ranks", "use halving_doubling");

  // One row stands for all, and is too long itself.
  refused([&] { return simulate(schedule::all_reduce(rondo::ring{}, 100'000'000), flat, bytes); },
          "all_reduce: ring on 100000000 ranks has about 3999", "of the ranks");
  refused(
      [] {
        const rondo::hierarchical levels{rondo::ring{}, rondo::two_shot{}, 8};
        return schedule::tabulate(schedule::all_reduce(levels, 800'000'000));
      },
      "all_reduce: hierarchical on 800000000 ranks", "use tree");

  // The root alone has a long row.
  for (const int root : {0, 10000, 19999}) {
    CHECK(simulate(schedule::gather(rondo::one_shot{}, 20000, root), flat, bytes) > m * beta / 2);
  }
}

TEST_CASE("messages that do not match, and ranks that wait for ever, are refused") {
  auto ring = schedule::tabulate(schedule::all_reduce(rondo::ring{}, 4));
  ring.rows[2].steps.pop_back();
  CHECK_THROWS_AS(simulate(ring, flat, bytes), rondo::error);
  auto barrier = schedule::tabulate(schedule::barrier(rondo::bruck{}, 2));
  for (auto& row : barrier.rows) {
    row.steps[1].round = 1;
  }
  CHECK_THROWS_WITH(simulate(barrier, flat, bytes),
                    Catch::Matchers::ContainsSubstring("waits for ever"));
}

TEST_CASE("a table whose rows do not fit each other is refused, not read past its end") {
  const auto refused = [](const char* what, const auto& edit) {
    CAPTURE(what);
    auto edited = schedule::tabulate(schedule::all_reduce(rondo::ring{}, 4));
    edit(edited);
    const schedule::host machine{.cores = 2, .signal = 1e-6};
    const auto unsound = [](const auto& read) {
      try {
        read();
      } catch (const rondo::error& thrown) {
        return thrown.code() == rondo::error_code::unsound_schedule;
      }
      return false;
    };
    CHECK(unsound([&] { static_cast<void>(schedule::prove(edited)); }));
    CHECK(unsound([&] { static_cast<void>(simulate(edited, flat, bytes)); }));
    CHECK(unsound([&] { static_cast<void>(simulate(edited, machine, bytes)); }));
    CHECK(unsound([&] { static_cast<void>(schedule::forecast(edited, flat, bytes)); }));
    CHECK(unsound([&] { schedule::write_svg(edited, "never-written.svg"); }));
  };
  using schedule::table;
  refused("more ranks than rows", [](table& t) { t.size = 5; });
  refused("no rows", [](table& t) { t.rows.clear(); });
  refused("no ranks", [](table& t) {
    t.size = 0;
    t.rows.clear();
  });
  refused("fewer than no ranks", [](table& t) { t.size = -1; });
  refused("a peer below 0", [](table& t) { t.rows[2].steps[0].peer = -7; });
  refused("a peer that is none", [](table& t) { t.rows[2].steps[0].peer = 4; });
  refused("itself as peer", [](table& t) { t.rows[2].steps[0].peer = 2; });
  refused("no chunks", [](table& t) {
    for (auto& row : t.rows) {
      row.chunks = 0;
    }
  });
  refused("other chunks on one rank", [](table& t) { t.rows[1].chunks = 400; });
  refused("fewer than no slots", [](table& t) { t.rows[1].slot_count = -1; });
  refused("a run behind the last chunk", [](table& t) { t.rows[1].steps[0].left.first = 1 << 20; });
  refused("a run before the first chunk", [](table& t) { t.rows[1].steps[0].left.first = -3; });
  refused("a run longer than the vector", [](table& t) {
    for (auto& row : t.rows) {
      for (auto& step : row.steps) {
        step.left.count = step.into.count = step.right.count = 2147483647;
      }
    }
  });
  refused("a slot that is none",
          [](table& t) { t.rows[1].steps[0].left = schedule::in_scratch(2000000000, 0); });
  refused("rounds that go back", [](table& t) { t.rows[1].steps.back().round = 0; });
}

TEST_CASE("chunks that a step keeps in no memory are refused, not looked up") {
  auto ring = schedule::tabulate(schedule::all_gather(rondo::ring{}, 3));
  ring.rows[2].steps.back().into.where = schedule::region::nothing;
  const auto refused = Catch::Matchers::ContainsSubstring("rank 2 has a run of 1 chunks in no");
  CHECK_THROWS_WITH(schedule::simulate(ring, schedule::network{}, 100), refused);
  CHECK_THROWS_WITH(schedule::simulate(ring, schedule::host{}, 100), refused);

  // What a step does not use may say anything, as prove has it.
  auto unused = schedule::tabulate(schedule::all_gather(rondo::ring{}, 3));
  unused.rows[2].steps.back().left = schedule::in_scratch(7, 0);
  CHECK_NOTHROW(schedule::prove(unused));
  CHECK(schedule::simulate(unused, schedule::network{.latency = 1}, 100) == 2);
  CHECK_NOTHROW(schedule::simulate(unused, schedule::host{}, 100));
}

TEST_CASE("a run of more chunks than the simulator counts is refused, not taken for another") {
  schedule::table one{schedule::collective::broadcast, 2, 0, {}};
  const auto all = [](int chunks, schedule::step only) {
    return schedule::program{.chunks = chunks, .steps = {only}};
  };
  const auto played = [&](int chunks) {
    const schedule::step send{
        .what = schedule::verb::send, .peer = 1, .left = schedule::in_input(0, chunks)};
    const schedule::step receive{
        .what = schedule::verb::receive, .peer = 0, .into = schedule::in_output(0, chunks)};
    one.rows = {all(chunks, send), all(chunks, receive)};
    return simulate(one, flat, bytes);
  };
  CHECK(played((1 << 26) - 1) == Approx(played(1)));
  CHECK_THROWS_WITH(played(1 << 26), Catch::Matchers::ContainsSubstring("at most 67108863"));
}

TEST_CASE("rounds may have any numbers") {
  auto late = schedule::tabulate(schedule::all_reduce(rondo::ring{}, 4));
  const schedule::host machine{.cores = 2, .signal = 1e-6, .copy_bytes_per_second = 1e9};
  const double seconds = simulate(late, machine, bytes);
  for (auto& row : late.rows) {
    for (auto& step : row.steps) {
      step.round = 1000000000 + 100 * step.round;
    }
  }
  CHECK(simulate(late, machine, bytes) == seconds);
}

TEST_CASE("constants that are no times and rates are refused") {
  const auto ring = schedule::all_reduce(rondo::ring{}, 4);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double wrong : {nan, -1.0, infinity, 1e300}) {
    CHECK_THROWS_AS(simulate(ring, network{.latency = wrong}, bytes), rondo::error);
    CHECK_THROWS_AS(schedule::forecast(ring, network{.overhead = wrong}, bytes), rondo::error);
    using schedule::host;
    for (const auto time : {&host::signal, &host::handover, &host::overhead, &host::patience,
                            &host::handshake, &host::handshake_turns}) {
      host on{};
      on.*time = wrong;
      CHECK_THROWS_AS(simulate(ring, on, bytes), rondo::error);
    }
  }
  const double slow = std::numeric_limits<double>::denorm_min();
  CHECK_THROWS_AS(simulate(ring, network{.fold_bytes_per_second = slow}, bytes), rondo::error);
  CHECK_THROWS_AS(schedule::forecast(ring, network{.bytes_per_second = slow}, 1), rondo::error);
  for (const double wrong : {nan, -1.0, 0.0}) {
    CHECK_THROWS_AS(simulate(ring, network{.bytes_per_second = wrong}, bytes), rondo::error);
    using schedule::host;
    for (const auto rate : {&host::copy_bytes_per_second, &host::fold_bytes_per_second,
                            &host::moved_bytes_per_second, &host::claimed_bytes_per_second,
                            &host::fetched_bytes_per_second, &host::message_bytes_per_second}) {
      host on{};
      on.*rate = wrong;
      CHECK_THROWS_AS(simulate(ring, on, bytes), rondo::error);
    }
    const std::vector<schedule::sample> took{{ring, bytes, wrong}};
    CHECK_THROWS_AS(schedule::fit(took, schedule::host{.signal = 1e-6}), rondo::error);
    CHECK_THROWS_AS(schedule::fit(took, network{.latency = 1e-6}), rondo::error);
  }
  for (const int cores : {0, -1}) {
    CHECK_THROWS_WITH(simulate(ring, schedule::host{.cores = cores}, bytes),
                      Catch::Matchers::ContainsSubstring("host.cores"));
  }
  const std::vector<schedule::sample> none;
  CHECK_THROWS_AS(schedule::fit(none, schedule::host{.signal = 1e-6}), rondo::error);
}

TEST_CASE("a fit finds the constants of a machine that made the times") {
  const schedule::host real{.cores = 2,
                            .signal = 2e-7,
                            .overhead = 1e-7,
                            .copy_bytes_per_second = 30e9,
                            .fold_bytes_per_second = 20e9,
                            .of_all = {.bytes = 1e6, .missed_bytes_per_second = 9e9},
                            .fetched_bytes_per_second = 7e9};
  std::vector<schedule::sample> samples;
  for (std::size_t size = 64; size <= (16u << 20); size *= 16) {
    const auto measure = [&](const auto& one) {
      samples.emplace_back(one, size, simulate(one, real, size));
    };
    measure(schedule::all_reduce(rondo::halving_doubling{}, 2));
    measure(schedule::all_gather(rondo::ring{}, 2));
    measure(schedule::broadcast(rondo::tree{}, 2));
  }
  schedule::host start = real;
  start.signal = 1e-6;
  start.overhead = 5e-7;
  start.copy_bytes_per_second = 10e9;
  start.fold_bytes_per_second = 10e9;
  start.of_all.missed_bytes_per_second = 20e9;
  start.fetched_bytes_per_second = 20e9;
  CHECK(schedule::fit(samples, start).worst < 0.01);
}

TEST_CASE("a fit finds the constants that made the times") {
  const network real{
      .latency = 2e-6, .bytes_per_second = 9e9, .fold_bytes_per_second = 6e9, .overhead = 4e-7};
  std::vector<schedule::sample> samples;
  for (const int n : {2, 4, 8}) {
    for (std::size_t size = 8; size <= (64u << 20); size *= 16) {
      const auto measure = [&](const auto& one) {
        samples.emplace_back(one, size, simulate(one, real, size));
      };
      measure(schedule::all_reduce(rondo::ring{}, n));
      measure(schedule::all_reduce(rondo::halving_doubling{}, n));
      measure(schedule::all_reduce(rondo::one_shot{}, n));
      measure(schedule::broadcast(rondo::tree{}, n));
      measure(schedule::broadcast(rondo::one_shot{}, n));
    }
  }
  const auto found = schedule::fit(
      samples,
      {.latency = 1e-5, .bytes_per_second = 1e9, .fold_bytes_per_second = 1e9, .overhead = 1e-7});
  CHECK(found.worst < 1e-3);
  CHECK(found.on.latency == Approx(real.latency).epsilon(0.02));
  CHECK(found.on.bytes_per_second == Approx(real.bytes_per_second).epsilon(0.01));
  CHECK(found.on.fold_bytes_per_second == Approx(real.fold_bytes_per_second).epsilon(0.01));
  CHECK(found.on.overhead == Approx(real.overhead).epsilon(0.05));
  CHECK(std::isinf(found.on.copy_bytes_per_second));
}
