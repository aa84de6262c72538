// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/elastic/load.hpp>

#include <limits>
#include <vector>

/// A service on a virtual clock, whose replicas start at once.
struct service {
  int replicas = 1;
  double now = 0;

  struct move {
    int replicas;
    double after;  ///< seconds since the load began
  };

  /// How the replicas change while one load lasts, if the policy is asked every so many seconds.
  template <rondo::elastic::replica_policy Policy>
  std::vector<move> run(Policy& policy, double every, double demand, double seconds) {
    std::vector<move> moves;
    const double begin = now;
    for (; now - begin < seconds; now += every) {
      const int wanted = policy.decide(
          {.now = now, .demand = demand, .burst = demand, .ready = replicas, .asked = replicas});
      if (wanted != replicas) {
        replicas = wanted;
        moves.push_back({wanted, now - begin});
      }
    }
    return moves;
  }
};

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double endless = std::numeric_limits<double>::infinity();

/// What every policy refuses.
template <class Policy, class Options>
void check_refusals() {
  using Catch::Matchers::ContainsSubstring;
  using rondo::elastic::load;
  for (const double target : {0.0, -1.0, not_a_number, endless}) {
    Options options;
    options.target = target;
    CHECK_THAT(refusals::argument_refusal([&] { return Policy{options}; }),
               ContainsSubstring("a target is positive"));
  }
  for (const rondo::elastic::replica_limits limits :
       {rondo::elastic::replica_limits{-1, 5}, {3, 2}, {0, 0}}) {
    Options options;
    options.limits = limits;
    CHECK_THAT(refusals::argument_refusal([&] { return Policy{options}; }),
               ContainsSubstring("limits are in order"));
  }
  const auto told = [](const load& of) {
    Policy policy{Options{}};
    return refusals::argument_refusal([&] { return policy.decide(of); });
  };
  for (const double wrong : {-1.0, not_a_number, endless}) {
    CHECK_THAT(told({.demand = wrong}), ContainsSubstring("none is negative, all are finite"));
    CHECK_THAT(told({.burst = wrong}), ContainsSubstring("none is negative, all are finite"));
  }
  CHECK_THAT(told({.now = not_a_number}), ContainsSubstring("all are finite"));
  CHECK_THAT(told({.ready = -1}), ContainsSubstring("-1 ready"));
  CHECK_THAT(told({.asked = -1}), ContainsSubstring("-1 asked for"));
  Policy policy{Options{}};
  static_cast<void>(policy.decide({.now = 5}));
  CHECK_THAT(refusals::argument_refusal([&] { return policy.decide({.now = 4}); }),
             ContainsSubstring("time went back from 5.000000 s to 4.000000 s"));
  // What no int holds becomes the most that was allowed.
  CHECK(policy.decide({.now = 6, .demand = 1e300, .ready = 100, .asked = 100}) == 100);
}
