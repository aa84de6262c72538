// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/svg.hpp>
#include <rondo/schedule/detail/trace.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/schedule/simulate.hpp>
#include <rondo/schedule/tabulate.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>

namespace rondo::inline v0_1::schedule {

namespace detail {

/// As it is written in calls, without what says how deep or how wide: hierarchical{ring, tree}.
template <class Algorithm>
[[nodiscard]] std::string spelled(const Algorithm& algorithm) {
  std::string text{Algorithm::name};
  if constexpr (requires { algorithm.inner; }) {
    text += '{' + spelled(algorithm.inner) + ", " + spelled(algorithm.outer) + '}';
  }
  return text;
}

/// The name of a schedule's algorithm; none of a table, which anybody may have edited.
template <readable Schedule>
[[nodiscard]] std::string algorithm_of(const Schedule& schedule) {
  if constexpr (requires { schedule.algorithm.name; }) {
    return spelled(schedule.algorithm);
  } else {
    return {};
  }
}

}  // namespace detail

/// Draws `schedule` as a space-time diagram: ranks from top to bottom, time from left to right, a
/// message as an arrow in the colour of its first chunk and as wide as it has chunks, a fold as a
/// box with a plus. Best seen with 2 to 16 ranks; every part says what it is under the mouse.
///
/// Time is what `simulate` says on a network on which a message of one chunk takes 1 and a fold or
/// a copy of it 0.4 and 0.2; or, if one is given, on `on`. Errors: `invalid_argument` if the file
/// cannot be written; `unsound_schedule` as `simulate`.
template <readable Schedule>
void write_svg(const Schedule& schedule, const std::string& path) {
  const table written = tabulate(schedule);
  constexpr network sketch{.latency = 0.6,
                           .bytes_per_second = 2.5,
                           .fold_bytes_per_second = 2.5,
                           .copy_bytes_per_second = 5};
  const auto chunks =  // of no rows: forecast refuses them
      static_cast<std::size_t>(written.rows.empty() ? 1 : written.row(0).chunks);
  detail::svg_writer{written, detail::algorithm_of(schedule), forecast(written, sketch, chunks),
                     "messages of one chunk", path}
      .write();
}
template <readable Schedule>
void write_svg(const Schedule& schedule, const network& on, std::size_t bytes,
               const std::string& path) {
  const table written = tabulate(schedule);
  detail::svg_writer{written, detail::algorithm_of(schedule), forecast(written, on, bytes),
                     "seconds", path}
      .write();
}

/// Writes the simulated timeline of `schedule` as a trace for Perfetto (ui.perfetto.dev) or
/// chrome://tracing: one process per node; three tracks per rank for what it sends, receives and
/// folds; an arrow per message. Source: the Trace Event Format of Chromium's tracing documentation.
/// Errors: as `write_svg`.
template <readable Schedule>
void write_trace(const Schedule& schedule, const network& on, std::size_t bytes,
                 const std::string& path) {
  const table written = tabulate(schedule);
  detail::trace_writer{written, forecast(written, on, bytes), on, static_cast<double>(bytes), path}
      .write();
}

}  // namespace rondo::inline v0_1::schedule
