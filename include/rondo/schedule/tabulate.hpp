// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/step_count.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1::schedule {

[[nodiscard]] constexpr table tabulate(const table& written) { return written; }

/// All rows, written out. Errors: `invalid_argument` for more than 100 million steps, which no row
/// but a few has been made for then.
template <readable Schedule>
[[nodiscard]] constexpr table tabulate(const Schedule& schedule) {
  detail::check_steps(schedule, schedule.size);
  table written{schedule.what, schedule.size, schedule.root, {}};
  for (int rank = 0; rank < schedule.size; ++rank) {
    written.rows.push_back(schedule.row(rank));
  }
  return written;
}

}  // namespace rondo::inline v0_1::schedule
