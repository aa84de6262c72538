// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/messages.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/schedule/simulate.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <vector>

namespace rondo::inline v0_1::schedule::detail {

/// A timeline's moments in the order of ranks and steps.
class moments_by_step {
 public:
  moments_by_step(const table& schedule, const timeline& times) {
    std::size_t steps = 0;
    for (const program& row : schedule.rows) {
      begins_.push_back(steps);
      steps += row.steps.size();
    }
    moments_.resize(steps);
    arrivals_.resize(steps, 0);
    for (const moment& one : times.moments) {
      moments_[index(one.rank, one.step)] = one;
    }
    for (const message& one : messages_of(schedule)) {
      arrivals_[index(one.to, one.receive)] = of(one.from, one.send).end;
    }
  }

  [[nodiscard]] const moment& of(int rank, std::size_t step) const {
    return moments_[index(rank, step)];
  }
  /// When the message that this step receives has come; its fold follows.
  [[nodiscard]] double arrival(int rank, std::size_t step) const {
    return arrivals_[index(rank, step)];
  }

 private:
  [[nodiscard]] std::size_t index(int rank, std::size_t step) const {
    return begins_[static_cast<std::size_t>(rank)] + step;
  }

  std::vector<std::size_t> begins_;
  std::vector<moment> moments_;
  std::vector<double> arrivals_;
};

}  // namespace rondo::inline v0_1::schedule::detail
