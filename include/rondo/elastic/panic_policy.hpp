// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/elastic/detail/policy.hpp>
#include <rondo/elastic/load.hpp>
#include <rondo/version.hpp>

#include <cmath>

namespace rondo::inline v0_1::elastic {

struct panic_options {
  double target = 100;         ///< requests in service and waiting, of one replica
  double up_rate = 1000;       ///< at most so many times the ready ones
  double down_rate = 2;        ///< at least this part of them
  double panic_threshold = 2;  ///< a burst that wants so many times the ready ones begins a panic
  double stable_window = 60;   ///< seconds that a panic lasts after the last such burst
  double down_delay = 0;       ///< seconds that fewer have been wanted before fewer are asked for
  replica_limits limits{.least = 0};
};

/// Knative's pod autoscaler: two windows, and no step back in a panic.
///
///     ceil(demand / target), within [floor(ready / down_rate), ceil(ready * up_rate)]
///
/// `load::demand` is over the stable window and `load::burst` over the panic window, a tenth of it
/// by habit. In a panic: the larger of both, and never fewer than since it began.
/// Source: Knative, pkg/autoscaler/scaling/autoscaler.go. Begin it without a panic even if replicas
/// are there already; Knative would begin in one.
class panic_policy {
 public:
  explicit panic_policy(const panic_options& options = {}) : options_{options} {
    using detail::finite_and_not_negative;
    detail::check_policy("panic_policy", options.target, options.limits,
                         options.up_rate >= 1 && options.down_rate >= 1 &&
                             finite_and_not_negative(options.up_rate) &&
                             finite_and_not_negative(options.down_rate) &&
                             finite_and_not_negative(options.panic_threshold) &&
                             finite_and_not_negative(options.stable_window) &&
                             finite_and_not_negative(options.down_delay));
  }

  [[nodiscard]] bool in_panic() const noexcept { return panic_; }

  /// Errors: a load that is negative or not finite, time that goes back.
  [[nodiscard]] int decide(const load& told) {
    order_.see("panic_policy", told);
    const double ready = told.ready > 1 ? told.ready : 1;
    const double most = detail::whole(options_.up_rate * ready);
    const double least = std::floor(ready / options_.down_rate * (1 + 1e-9));
    const auto wanted_for = [&](double demand) {
      const double exact = detail::whole(demand / options_.target);
      return exact < least ? least : exact > most ? most : exact;
    };
    if (detail::whole(told.burst / options_.target) / ready >= options_.panic_threshold) {
      panic_ = true;
      since_ = told.now;
    } else if (panic_ && told.now - since_ > options_.stable_window) {
      panic_ = false;
      most_ = 0;
    }
    double wanted = wanted_for(told.demand);
    if (panic_) {
      const double burst = wanted_for(told.burst);
      wanted = wanted > burst ? wanted : burst;
      wanted = most_ = wanted > most_ ? wanted : most_;
    }
    return recent_.record(told.now, options_.down_delay, detail::within(options_.limits, wanted));
  }

 private:
  panic_options options_;
  detail::load_order order_;
  detail::window_maximum recent_;
  bool panic_ = false;
  double since_ = 0;
  double most_ = 0;  ///< wanted since the panic began
};

}  // namespace rondo::inline v0_1::elastic
