// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/detail/check_constants.hpp>
#include <rondo/schedule/detail/footprint.hpp>
#include <rondo/schedule/detail/traffic.hpp>
#include <rondo/schedule/host.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/schedule/simulate.hpp>
#include <rondo/schedule/simulate_on_host.hpp>
#include <rondo/version.hpp>

#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::schedule {

namespace detail {
template <class Model>
class fitting;
}

/// One measurement: so many seconds did `schedule` take for `bytes`, all ranks beginning at once.
class sample {
 public:
  template <readable Schedule>
  sample(const Schedule& schedule, std::size_t bytes, double seconds, int ranks_per_node = 0)
      : traffic_{schedule, ranks_per_node, true},
        plan_{schedule},
        ranks_per_node_{ranks_per_node},
        bytes_{static_cast<double>(bytes)},
        seconds_{seconds} {}

  [[nodiscard]] double seconds() const { return seconds_; }
  /// What `simulate` says on a network with the same `ranks_per_node`.
  [[nodiscard]] double predicted(const network& on) const {
    detail::check_constants("predicted", on);
    return predicted(on, traced_on(on));
  }
  [[nodiscard]] double predicted(const host& on) const {
    detail::check_constants("predicted", on);
    return predicted(on, traced_on(on));
  }
  [[nodiscard]] int ranks_per_node() const { return ranks_per_node_; }

 private:
  template <class Model>
  friend class detail::fitting;

  /// What does not depend on a model's constants.
  struct nothing {};
  [[nodiscard]] static nothing traced_on(const network&) { return {}; }
  [[nodiscard]] detail::footprint traced_on(const host& on) const { return {plan_, traffic_, on}; }
  [[nodiscard]] double predicted(const network& on, nothing) const {
    return detail::simulate(traffic_, on, bytes_);
  }
  [[nodiscard]] double predicted(const host& on, const detail::footprint& traced) const {
    return detail::simulate(traffic_, traced, on, bytes_);
  }

  detail::traffic traffic_;
  detail::memory_plan plan_;
  int ranks_per_node_;
  double bytes_;
  double seconds_;
};

/// A `network` or a `host` with its constants, and how far it is from the samples.
template <class Model>
struct fitted {
  Model on;
  std::vector<double> errors;  ///< by sample: predicted / measured - 1
  double worst = 0;            ///< greatest absolute error
};

namespace detail {

/// A model's constants, in seconds per message or per byte.
using constants = std::array<double, 14>;

[[nodiscard]] inline constants constants_of(const network& on) {
  return {on.latency,
          1 / on.bytes_per_second,
          1 / on.fold_bytes_per_second,
          1 / on.copy_bytes_per_second,
          on.overhead,
          on.inner_latency,
          1 / on.inner_bytes_per_second};
}
[[nodiscard]] inline constants constants_of(const host& on) {
  return {on.signal,
          on.handover,
          on.overhead,
          1 / on.copy_bytes_per_second,
          1 / on.fold_bytes_per_second,
          1 / on.moved_bytes_per_second,
          1 / on.of_core.missed_bytes_per_second,
          1 / on.of_all.missed_bytes_per_second,
          1 / on.message_bytes_per_second,
          on.handshake,
          on.handshake_turns,
          on.patience,
          1 / on.claimed_bytes_per_second,
          1 / on.fetched_bytes_per_second};
}

[[nodiscard]] inline network with_constants(network on, const constants& of) {
  on.latency = of[0];
  on.bytes_per_second = 1 / of[1];
  on.fold_bytes_per_second = 1 / of[2];
  on.copy_bytes_per_second = 1 / of[3];
  on.overhead = of[4];
  on.inner_latency = of[5];
  on.inner_bytes_per_second = 1 / of[6];
  return on;
}
[[nodiscard]] inline host with_constants(host on, const constants& of) {
  on.signal = of[0];
  on.handover = of[1];
  on.overhead = of[2];
  on.copy_bytes_per_second = 1 / of[3];
  on.fold_bytes_per_second = 1 / of[4];
  on.moved_bytes_per_second = 1 / of[5];
  on.of_core.missed_bytes_per_second = 1 / of[6];
  on.of_all.missed_bytes_per_second = 1 / of[7];
  on.message_bytes_per_second = 1 / of[8];
  on.handshake = of[9];
  on.handshake_turns = of[10];
  on.patience = of[11];
  on.claimed_bytes_per_second = 1 / of[12];
  on.fetched_bytes_per_second = 1 / of[13];
  return on;
}

/// Finds a model's constants by Gauss-Newton steps on the relative errors. Predicted times are
/// piecewise linear in the constants, so a step solves a linear problem, with no constant below 0.
/// They jump where a rank gets its core one turn sooner or later, so slopes may lead astray, and
/// constants are tried one by one as well.
/// A constant that the samples say nothing about stays near the guess: to be off by all of it
/// counts as much as one sample that is off by `loyalty_`.
template <class Model>
class fitting {
 public:
  fitting(const std::vector<sample>& samples, const Model& start)
      : samples_{samples}, shape_{start}, guess_{constants_of(start)}, now_{guess_} {
    for (const sample& one : samples) {
      traced_.push_back(one.traced_on(start));
    }
    for (std::size_t i = 0; i < now_.size(); ++i) {
      if (now_[i] > 0) {
        free_.push_back(i);
      }
    }
  }

  [[nodiscard]] fitted<Model> solve() {
    for (const double each : {0.1, 0.002}) {  // a short leash first: there are many valleys
      loyalty_ = each;
      descend();
      try_each();
      descend();
      try_each();
    }
    return report();
  }

 private:
  void descend() {
    double cost = cost_of(now_);
    for (int step = 0; step < 60; ++step) {
      const constants target = linear_solution();
      double reach = 1;
      constants next = now_;
      double next_cost = cost;
      for (; reach > 1e-3; reach /= 2) {
        constants tried = now_;
        for (const std::size_t i : free_) {
          tried[i] += reach * (target[i] - now_[i]);
        }
        const double tried_cost = cost_of(tried);
        if (tried_cost < next_cost) {
          next = tried;
          next_cost = tried_cost;
          break;
        }
      }
      const bool done = next_cost > cost * (1 - 1e-4);
      now_ = next;
      cost = next_cost;
      if (done) {
        break;
      }
    }
  }

  /// Makes each constant a little larger or smaller, as long as that helps.
  void try_each() {
    double cost = cost_of(now_);
    for (const double by : {2., 1.4, 1.15, 1.05, 1.02}) {
      for (double before = 2 * cost; cost < before * (1 - 1e-3);) {
        before = cost;
        for (const std::size_t i : free_) {
          for (const double factor : {by, 1 / by}) {
            constants tried = now_;
            tried[i] = scale(i) * factor;
            const double tried_cost = cost_of(tried);
            if (tried_cost < cost) {
              now_ = tried;
              cost = tried_cost;
            }
          }
        }
      }
    }
  }

  [[nodiscard]] double error_of(std::size_t number, const constants& at) const {
    const sample& one = samples_[number];
    return one.predicted(with_constants(shape_, at), traced_[number]) / one.seconds() - 1;
  }
  [[nodiscard]] double cost_of(const constants& at) const {
    double sum = 0;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const double error = error_of(i, at);
      sum += error * error;
    }
    for (const std::size_t i : free_) {
      const double off = loyalty_ * (at[i] / guess_[i] - 1);
      sum += off * off;
    }
    return sum;
  }

  /// The constants at which the linear model of all samples fits best, by coordinate descent.
  [[nodiscard]] constants linear_solution() const {
    const std::size_t count = free_.size();
    std::vector<double> normal(count * count, 0);
    std::vector<double> right(count, 0);
    std::vector<double> slope(count);
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const double base = error_of(i, now_) + 1;
      double constant = 1 - base;
      for (std::size_t k = 0; k < count; ++k) {
        constants moved = now_;
        // A constant at 0 is tried with a small part of what it would take alone.
        const double by = scale(free_[k]) * 0.03;
        moved[free_[k]] += by;
        slope[k] = (error_of(i, moved) + 1 - base) / by;
        constant += slope[k] * now_[free_[k]];
      }
      for (std::size_t a = 0; a < count; ++a) {
        right[a] += slope[a] * constant;
        for (std::size_t b = 0; b < count; ++b) {
          normal[a * count + b] += slope[a] * slope[b];
        }
      }
    }
    for (std::size_t k = 0; k < count; ++k) {
      const double weight = loyalty_ / guess_[free_[k]];
      normal[k * count + k] += weight * weight;
      right[k] += weight * loyalty_;
    }
    constants found = now_;
    for (int sweep = 0; sweep < 2000; ++sweep) {
      for (std::size_t a = 0; a < count; ++a) {
        double rest = right[a];
        for (std::size_t b = 0; b < count; ++b) {
          rest -= b == a ? 0 : normal[a * count + b] * found[free_[b]];
        }
        const double diagonal = normal[a * count + a];
        if (diagonal > 0) {
          // Where a constant hardly matters, the linear model may send it anywhere.
          const double most = 10 * (now_[free_[a]] + scale(free_[a]));
          found[free_[a]] = rest < 0 ? 0 : rest < most * diagonal ? rest / diagonal : most;
        }
      }
    }
    return found;
  }
  [[nodiscard]] double scale(std::size_t constant) const {
    const double start = guess_[constant];
    return now_[constant] > start * 1e-3 ? now_[constant] : start * 1e-3;
  }

  [[nodiscard]] fitted<Model> report() const {
    fitted<Model> made{with_constants(shape_, now_), {}, 0};
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const double error = error_of(i, now_);
      made.errors.push_back(error);
      made.worst = error > made.worst ? error : -error > made.worst ? -error : made.worst;
    }
    return made;
  }

  const std::vector<sample>& samples_;
  std::vector<decltype(std::declval<sample>().traced_on(std::declval<Model>()))> traced_;
  Model shape_;
  constants guess_;
  constants now_;
  double loyalty_ = 0;
  std::vector<std::size_t> free_;
};

inline void check_samples(const std::vector<sample>& samples) {
  if (samples.empty()) {
    refuse("fit: got no samples; expected at least one");
  }
  for (const sample& one : samples) {
    if (!(one.seconds() > 0 && one.seconds() < std::numeric_limits<double>::infinity())) {
      refuse("fit: a sample took " + std::to_string(one.seconds()) +
             " seconds; expected a finite time above 0");
    }
  }
}

}  // namespace detail

/// The network, or the host, whose simulated times come closest, in the sum of squared relative
/// errors, to what was measured. Begins with `start`, a rough guess, departs from it as far as
/// samples say, and keeps what is 0 or infinite there: so the guess says which constants there are.
/// What is no constant (ranks and cores, sizes of caches and of messages) is kept too.
///
/// Errors: `invalid_argument` without samples, with a time that is not positive and finite, with
/// samples of other `ranks_per_node` than `start` has, or for a `start` that `simulate` refuses.
[[nodiscard]] inline fitted<network> fit(const std::vector<sample>& samples, const network& start) {
  detail::check_samples(samples);
  detail::check_constants("fit", start);
  for (const sample& one : samples) {
    if (one.ranks_per_node() != start.ranks_per_node) {
      refuse("fit: a sample has other ranks_per_node than the network to start from");
    }
  }
  return detail::fitting<network>{samples, start}.solve();
}

[[nodiscard]] inline fitted<host> fit(const std::vector<sample>& samples, const host& start) {
  detail::check_samples(samples);
  detail::check_constants("fit", start);
  return detail::fitting<host>{samples, start}.solve();
}

}  // namespace rondo::inline v0_1::schedule
