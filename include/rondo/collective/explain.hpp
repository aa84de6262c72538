// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/automatic.hpp>
#include <rondo/collective/cost.hpp>
#include <rondo/core/error.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::inline v0_1 {

/// What `automatic` picks for a call, and why.
struct explanation {
  struct choice {
    std::string_view algorithm;
    double seconds = 0;  ///< predicted
  };
  choice picked;
  std::vector<choice> alternatives;
  std::string why;

  /// all_reduce of 8192 bytes on 4 ranks: one_shot, 5.4 us: ...; two_shot 6.7 us
  std::string text;
};

namespace detail {

[[nodiscard]] inline std::string in_microseconds(double seconds) {
  const auto hundredths = static_cast<long long>(seconds * 1e8 + 0.5);
  const std::string rest = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + '.' + (rest.size() < 2 ? "0" : "") + rest + " us";
}

template <class Comm>
[[nodiscard]] bool has_shared_window(const Comm& comm) {
  if constexpr (requires { comm.shares_memory(); }) {
    return comm.shares_memory();
  } else {
    return false;
  }
}

}  // namespace detail

/// Says which algorithm `automatic` takes for an all-reduce of `bytes` per rank on this
/// communicator, and what it and the others are predicted to take. Local: nobody is asked.
///
/// Errors: error_code::invalid_argument for a collective that has no measured model yet.
template <class Comm>
[[nodiscard]] explanation explain(schedule::collective what, const Comm& comm, std::size_t bytes) {
  if (what != schedule::collective::all_reduce) {
    refuse("explain: " + std::string{schedule::name_of(what)} +
           " has no measured model; only all_reduce has");
  }
  const auto size = static_cast<double>(bytes);
  explanation made;
  const auto consider = [&](std::string_view algorithm, double seconds, bool picked) {
    if (picked) {
      made.picked = {algorithm, seconds};
    } else {
      made.alternatives.push_back({algorithm, seconds});
    }
  };
  if constexpr (requires { comm.processors(); }) {
    const auto cost = detail::cost_of(comm);
    const bool one = detail::prefers_one_shot(comm, bytes);
    consider(one_shot::name, cost.one_shot(size), one);
    consider(two_shot::name, cost.two_shot(size), !one);
    made.why = std::to_string(cost.ranks) + " ranks on " + std::to_string(cost.processors) +
               " processors meet in " + detail::in_microseconds(cost.phase()) +
               ", so that a second phase pays from " + std::to_string(cost.crossover()) +
               " bytes on";
  } else if (detail::has_shared_window(comm)) {
    const auto cost = detail::cost_of(comm);
    const bool one = detail::prefers_one_shot(comm, bytes);
    consider(one_shot::name, cost.one_shot(size), one);
    consider(two_shot::name, cost.two_shot(size), !one);
    made.why = "all ranks share a window, through which both forms are staged";
  } else {
    message_cost cost;
    cost.ranks = comm.size();
    std::string_view chosen;
    detail::choose_all_reduce(comm, bytes, [&](const auto& algorithm) { chosen = algorithm.name; });
    consider(recursive_doubling::name, cost.recursive_doubling(size),
             chosen == recursive_doubling::name);
    consider(halving_doubling::name, cost.halving_doubling(size), chosen == halving_doubling::name);
    consider(two_shot::name, cost.two_shot(size), chosen == two_shot::name);
    consider(ring::name, cost.ring(size), chosen == ring::name);
    made.why = "few bytes want few messages, many bytes want few bytes per rank";
  }
  made.text = std::string{schedule::name_of(what)} + " of " + std::to_string(bytes) +
              " bytes on " + std::to_string(comm.size()) + " ranks: " +
              std::string{made.picked.algorithm} + ", " +
              detail::in_microseconds(made.picked.seconds) + ": " + made.why;
  for (const auto& other : made.alternatives) {
    made.text += "; " + std::string{other.algorithm} + ' ' + detail::in_microseconds(other.seconds);
  }
  return made;
}

}  // namespace rondo::inline v0_1
