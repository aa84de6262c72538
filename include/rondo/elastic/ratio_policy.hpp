// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/elastic/detail/policy.hpp>
#include <rondo/elastic/load.hpp>
#include <rondo/version.hpp>

#include <cmath>

namespace rondo::inline v0_1::elastic {

struct ratio_options {
  double target = 1;         ///< what each replica should have of the metric
  double tolerance = 0.1;    ///< a ratio to the target so near 1 changes nothing
  double down_window = 300;  ///< seconds; fewer are asked for when none in them wanted more
  replica_limits limits{};
};

/// Kubernetes' horizontal pod autoscaler, of one metric: `demand` is the metric's sum over pods.
///
///     ceil(ready * ratio),  ratio = (demand / ready) / target
///
/// More at once; fewer as the largest number that was wanted in the window, the number at the first
/// call included. Without a ready replica there is no metric, and nothing changes.
/// Source: Kubernetes documentation, Horizontal Pod Autoscaling, "Algorithm details".
class ratio_policy {
 public:
  explicit ratio_policy(const ratio_options& options = {}) : options_{options} {
    detail::check_policy("ratio_policy", options.target, options.limits,
                         detail::finite_and_not_negative(options.tolerance) &&
                             detail::finite_and_not_negative(options.down_window));
  }

  /// Errors: a load that is negative or not finite, time that goes back.
  [[nodiscard]] int decide(const load& told) {
    order_.see("ratio_policy", told);
    if (first_) {
      static_cast<void>(recent_.record(told.now, options_.down_window, told.asked));
      first_ = false;
    }
    int wanted = told.asked;
    if (told.ready > 0) {
      const double ratio = told.demand / (told.ready * options_.target);
      if (std::abs(ratio - 1) > options_.tolerance + 1e-9) {
        wanted = detail::within(options_.limits, detail::whole(told.ready * ratio));
      }
    }
    const int most = recent_.record(told.now, options_.down_window, wanted);
    return detail::within(options_.limits, wanted >= told.asked ? wanted
                                           : most < told.asked  ? most
                                                                : told.asked);
  }

 private:
  ratio_options options_;
  detail::load_order order_;
  detail::window_maximum recent_;
  bool first_ = true;
};

}  // namespace rondo::inline v0_1::elastic
