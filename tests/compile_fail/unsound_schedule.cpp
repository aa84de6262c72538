// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: (unsound|constant expression|constant-expression)
#include <rondo/schedule/generators.hpp>
#include <rondo/schedule/prove.hpp>

namespace schedule = rondo::schedule;

constexpr schedule::table written() {
  using ring = schedule::generated<rondo::ring, schedule::collective::all_reduce>;
  schedule::table made = schedule::tabulate(ring{{}, 3, 0});
#ifndef RONDO_CONTROL
  made.rows[1].steps.pop_back();
#endif
  return made;
}

static_assert(schedule::prove(written()));
