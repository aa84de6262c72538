// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/detail/check_constants.hpp>
#include <rondo/schedule/detail/footprint.hpp>
#include <rondo/schedule/detail/traffic.hpp>
#include <rondo/schedule/detail/turns.hpp>
#include <rondo/schedule/host.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>

namespace rondo::inline v0_1::schedule {

namespace detail {

inline void check_constants(const char* who, const host& on) {
  if (on.cores < 1) {
    refuse(std::string{who} + ": host.cores is " + std::to_string(on.cores) +
           "; expected at least 1");
  }
  check_times(who, {{"host.signal", on.signal},
                    {"host.handover", on.handover},
                    {"host.overhead", on.overhead},
                    {"host.patience", on.patience},
                    {"host.handshake", on.handshake},
                    {"host.handshake_turns", on.handshake_turns}});
  check_rates(who, {{"host.copy_bytes_per_second", on.copy_bytes_per_second},
                    {"host.fold_bytes_per_second", on.fold_bytes_per_second},
                    {"host.moved_bytes_per_second", on.moved_bytes_per_second},
                    {"host.claimed_bytes_per_second", on.claimed_bytes_per_second},
                    {"host.fetched_bytes_per_second", on.fetched_bytes_per_second},
                    {"host.message_bytes_per_second", on.message_bytes_per_second},
                    {"host.of_core.bytes", on.of_core.bytes},
                    {"host.of_core.missed_bytes_per_second", on.of_core.missed_bytes_per_second},
                    {"host.of_all.bytes", on.of_all.bytes},
                    {"host.of_all.missed_bytes_per_second", on.of_all.missed_bytes_per_second}});
}

/// Seconds per call of calls one after another, when the first is over.
[[nodiscard]] inline double simulate(const traffic& of, const footprint& memory, const host& on,
                                     double bytes) {
  constexpr int calls = 4;
  turns run{of, memory, on, bytes, calls};
  run.play();
  return (run.end_of(calls - 1) - run.end_of(0)) / (calls - 1);
}

}  // namespace detail

/// Seconds per call that `schedule` takes on one machine, when calls follow one another as they do
/// in a benchmark. `bytes` are as on a network. Cost: time in proportion to steps and turns, and,
/// for every chunk that a step touches, to the chunks touched since its last use. Errors: as on a
/// network; `invalid_argument` for less than one core, too.
template <readable Schedule>
[[nodiscard]] double simulate(const Schedule& schedule, const host& on, std::size_t bytes) {
  detail::check_constants("simulate", on);
  const detail::traffic of{schedule, 0, true};
  const detail::memory_plan plan{schedule};
  return detail::simulate(of, detail::footprint{plan, of, on}, on, static_cast<double>(bytes));
}

}  // namespace rondo::inline v0_1::schedule
