// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/detail/heap.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <string>
#include <string_view>

namespace rondo::inline v0_1::schedule::detail {

/// The most steps that a schedule is written out with: 1.2 GB in the simulator, 6 GB in a table.
inline constexpr long long most_steps = 100'000'000;

[[noreturn]] inline void refuse_steps(collective what, std::string_view algorithm, int size,
                                      long long steps, std::string_view other) {
  const bool owned = what == collective::reduce_scatter || what == collective::all_gather;
  const std::string_view shorter = owned                            ? "halving_doubling"
                                   : what == collective::all_to_all ? "bruck"
                                                                    : "tree";
  refuse("schedule::" + std::string{name_of(what)} + ": " + std::string{algorithm} + " on " +
         std::to_string(size) + " ranks has about " + std::to_string(steps) +
         " steps, and at most " + std::to_string(most_steps) + " are written out; use " +
         std::string{shorter} + ", whose steps per rank grow with the logarithm of the ranks" +
         std::string{other});
}

/// How many steps a row of very many ranks has, told without making it: of a rotating algorithm
/// from rows for a thousand and two thousand times the ranks that it repeats after, if those grow
/// with the ranks. 0: not told, as it is short or cannot be known.
template <class Algorithm, collective What>
[[nodiscard]] constexpr long long foreseen_length(const generated<Algorithm, What>& schedule) {
  if constexpr (rotates<Algorithm, What>) {
    constexpr long long few = 1000;
    const int once = rotation(schedule.algorithm, make<What>{});
    const long long turns = schedule.size / once;
    if (turns > 100 * few) {
      const auto length = [&](long long of) {
        const generated<Algorithm, What> fewer{schedule.algorithm, static_cast<int>(of) * once};
        return static_cast<long long>(fewer.row(0).steps.size());
      };
      const long long shorter = length(few);
      const long long longer = length(2 * few);
      return 2 * longer < 3 * shorter ? 0 : shorter + (longer - shorter) * (turns - few) / few;
    }
  }
  return 0;
}
template <readable Schedule>
[[nodiscard]] constexpr long long foreseen_length(const Schedule&) {
  return 0;
}

/// Refuses a schedule of which the first `ranks` rows are too long to be written out, before they
/// are; `other` says what else to do. Their length is foreseen, or told from nine of them: from the
/// middle one, as the row of a root may be far longer than all others. Of those, fewer ranks than
/// 1000 always pass.
template <readable Schedule>
constexpr void check_steps(const Schedule& schedule, int ranks, std::string_view other = "") {
  const auto require_few = [&](long long steps) {
    if (steps > most_steps) {
      std::string_view name = "this algorithm";
      if constexpr (requires { std::string_view{schedule.algorithm.name}; }) {
        name = schedule.algorithm.name;
      }
      refuse_steps(schedule.what, name, schedule.size, steps, other);
    }
  };
  require_few(foreseen_length(schedule) * ranks);
  if (ranks < 1000) {
    return;
  }
  constexpr int samples = 9;
  long long lengths[samples]{};
  for (int i = 0; i < samples; ++i) {
    const auto rank = static_cast<int>((ranks - 1LL) * i / (samples - 1));
    lengths[i] = static_cast<long long>(schedule.row(rank).steps.size());
  }
  sort(lengths, samples);
  require_few(lengths[samples / 2] * ranks);
}

}  // namespace rondo::inline v0_1::schedule::detail
