// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/finite.hpp>
#include <rondo/elastic/load.hpp>
#include <rondo/version.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::elastic::detail {

/// The next whole number of replicas. Decimals are not exact in binary: 1.1 * 110 is more than 121,
/// which is no reason for another replica.
[[nodiscard]] inline double whole(double replicas) { return std::ceil(replicas * (1 - 1e-9)); }

[[nodiscard]] inline int within(const replica_limits& limits, double replicas) {
  return replicas <= limits.least  ? limits.least
         : replicas >= limits.most ? limits.most
                                   : static_cast<int>(replicas);
}

[[nodiscard]] inline bool finite_and_not_negative(double value) {
  return value >= 0 && is_finite(value);
}

/// Refuses options of a policy that mean nothing: its target and limits; `rest`: what else it has.
inline void check_policy(std::string_view who, double target, const replica_limits& limits,
                         bool rest) {
  if (!(target > 0 && is_finite(target)) || limits.least < 0 || limits.most < limits.least ||
      limits.most < 1 || !rest) {
    refuse(std::string{who} + ": target " + std::to_string(target) + " a replica, " +
           std::to_string(limits.least) + " .. " + std::to_string(limits.most) +
           " replicas; a target is positive, limits are in order, factors, times and tolerances "
           "are not negative, and all are finite");
  }
}

/// Refuses loads that no service has, and a clock that goes back.
class load_order {
 public:
  void see(std::string_view who, const load& told) {
    if (!(finite_and_not_negative(told.demand) && finite_and_not_negative(told.burst) &&
          is_finite(told.now)) ||
        told.ready < 0 || told.asked < 0) {
      refuse(std::string{who} + ": demand " + std::to_string(told.demand) + ", burst " +
             std::to_string(told.burst) + ", " + std::to_string(told.ready) + " ready, " +
             std::to_string(told.asked) + " asked for, at " + std::to_string(told.now) +
             " s; none is negative, all are finite");
    }
    if (told.now < last_) {
      refuse(std::string{who} + ": time went back from " + std::to_string(last_) + " s to " +
             std::to_string(told.now) + " s; take a steady clock");
    }
    last_ = told.now;
  }

 private:
  double last_ = -std::numeric_limits<double>::infinity();
};

/// The largest of the numbers of the last seconds.
class window_maximum {
 public:
  /// Takes note of `value`; it counts until it is `seconds` old, and now in any case.
  [[nodiscard]] int record(double now, double seconds, int value) {
    while (!kept_.empty() && kept_.back().second <= value) {
      kept_.pop_back();
    }
    kept_.push_back({now, value});
    while (kept_.size() > 1 && now - kept_.front().first >= seconds) {
      kept_.erase(kept_.begin());
    }
    return kept_.front().second;
  }

 private:
  std::vector<std::pair<double, int>> kept_;  ///< falling values, by time
};

}  // namespace rondo::inline v0_1::elastic::detail
