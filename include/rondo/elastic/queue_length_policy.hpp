// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/elastic/detail/policy.hpp>
#include <rondo/elastic/load.hpp>
#include <rondo/version.hpp>

#include <limits>

namespace rondo::inline v0_1::elastic {

struct queue_length_options {
  double target = 2;       ///< requests in service and waiting, of one replica
  double up_factor = 1;    ///< share of the difference that is made up at once
  double down_factor = 1;  ///< likewise; at least one replica goes
  double up_delay = 30;    ///< seconds that more have been wanted before more are asked for
  double down_delay = 600;
  double to_zero_delay = 600;  ///< in place of `down_delay`, for the last one
  replica_limits limits{};
};

/// Ray Serve's policy: so many replicas that each has `target` requests, when that has been so for
/// a while.
///
///     ceil(n + factor (demand / target - n)),  n = ready
///
/// Below one replica it goes by way of one. The first request to none is answered at once. Delays
/// are seconds between loads, not numbers of calls.
/// Source: Ray, serve/autoscaling_policy.py.
class queue_length_policy {
 public:
  explicit queue_length_policy(const queue_length_options& options = {}) : options_{options} {
    using detail::finite_and_not_negative;
    detail::check_policy("queue_length_policy", options.target, options.limits,
                         finite_and_not_negative(options.up_factor) &&
                             finite_and_not_negative(options.down_factor) &&
                             finite_and_not_negative(options.up_delay) &&
                             finite_and_not_negative(options.down_delay) &&
                             finite_and_not_negative(options.to_zero_delay));
  }

  /// Errors: a load that is negative or not finite, time that goes back.
  [[nodiscard]] int decide(const load& told) {
    order_.see("queue_length_policy", told);
    if (told.ready == 0) {
      const double first = told.demand > 0 ? detail::whole(options_.up_factor) : 0;
      return detail::within(options_.limits, first > told.asked ? first : told.asked);
    }
    int wanted = detail::within(options_.limits, scaled(told));
    if (told.asked > 1 && wanted < 1) {
      wanted = 1;
    }
    const int direction = (wanted > told.asked) - (wanted < told.asked);
    if (direction != direction_) {
      direction_ = direction;
      since_ = told.now;
    }
    if (direction == 0 || told.now - since_ < delay(told.asked)) {
      return detail::within(options_.limits, told.asked);
    }
    direction_ = 0;
    return wanted;
  }

 private:
  [[nodiscard]] double scaled(const load& told) const {
    const double ready = told.ready;
    // Finite, so that a factor of 0 makes up nothing of it.
    const double wanted =
        smaller(told.demand / options_.target, (std::numeric_limits<double>::max)());
    const double factor = wanted > ready ? options_.up_factor : options_.down_factor;
    const double made = detail::whole(ready + factor * (wanted - ready));
    return made == ready && detail::whole(wanted) < ready ? made - 1 : made;
  }
  [[nodiscard]] double delay(int asked) const {
    return direction_ > 0 ? options_.up_delay
           : asked == 1   ? options_.to_zero_delay
                          : options_.down_delay;
  }

  queue_length_options options_;
  detail::load_order order_;
  int direction_ = 0;  ///< more are wanted, or fewer
  double since_ = 0;
};

}  // namespace rondo::inline v0_1::elastic
