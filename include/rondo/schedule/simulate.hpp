// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/schedule/detail/check_constants.hpp>
#include <rondo/schedule/detail/replay.hpp>
#include <rondo/schedule/detail/traffic.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <vector>

namespace rondo::inline v0_1::schedule {

/// One step in time. A message begins, at both ends, when it starts to move; a receive ends when
/// its fold is done.
struct moment {
  int rank = 0;
  std::size_t step = 0;  ///< in the rank's program
  double begin = 0;      ///< seconds
  double end = 0;        ///< seconds
};

/// What `forecast` says of a schedule.
struct timeline {
  double seconds = 0;            ///< when the last rank finishes
  std::vector<double> finished;  ///< by rank
  std::vector<moment> moments;   ///< in no particular order
};

namespace detail {

template <class Recorder>
[[nodiscard]] std::vector<double> replayed(const traffic& of, const network& on, double bytes,
                                           Recorder& recorder) {
  replay<Recorder> run{of, on, bytes, recorder};
  run.play();
  return run.finished();
}

[[nodiscard]] inline double last_of(const std::vector<double>& finished) {
  double last = 0;
  for (const double seconds : finished) {
    last = larger(last, seconds);
  }
  return last;
}

/// Sees every step's beginning and end, and looks away.
struct unrecorded {
  static void see(int, std::size_t, double, double) {}
};

[[nodiscard]] inline double simulate(const traffic& of, const network& on, double bytes) {
  unrecorded nobody;
  return last_of(replayed(of, on, bytes, nobody));
}

}  // namespace detail

/// Seconds that `schedule` takes on a network, if all ranks begin at once.
///
/// `bytes` are those of the whole vector: of an all-reduce's input, of all chunks together where
/// ranks own chunks. Chunks count as equal. All ranks are replayed, step by step, with one
/// exception: where the algorithm rotates (ring, one_shot, two_shot, some of bruck, and
/// hierarchical with such an outer algorithm) and `ranks_per_node` divides the number of ranks, one
/// node stands for all; of messages that compete for a port the same one then goes first
/// everywhere.
///
/// Cost: time in proportion to steps, with a logarithm where ports are shared; 12 bytes of memory
/// per step and one program at a time. Errors: `unsound_schedule` if messages do not match, ranks
/// wait for ever, or steps lie outside of their memories; `invalid_argument` for a time that is not
/// from 0 to 1e6 seconds, a rate that is not above 0, or more than 100 million steps to replay.
template <readable Schedule>
[[nodiscard]] double simulate(const Schedule& schedule, const network& on, std::size_t bytes) {
  detail::check_constants("simulate", on);
  const detail::traffic of{schedule, on.ranks_per_node};
  return detail::simulate(of, on, static_cast<double>(bytes));
}

/// On a network, with every rank's finish and every step's beginning and end. Cost: as `simulate`
/// that replays all ranks, and 32 bytes a step. Errors: as `simulate`.
template <readable Schedule>
[[nodiscard]] timeline forecast(const Schedule& schedule, const network& on, std::size_t bytes) {
  struct recorder {
    std::vector<moment>& seen;
    void see(int rank, std::size_t step, double begin, double end) {
      seen.push_back({rank, step, begin, end});
    }
  };
  detail::check_constants("forecast", on);
  timeline made;
  recorder record{made.moments};
  const detail::traffic of{schedule, on.ranks_per_node, true};
  made.finished = detail::replayed(of, on, static_cast<double>(bytes), record);
  made.seconds = detail::last_of(made.finished);
  return made;
}

}  // namespace rondo::inline v0_1::schedule
