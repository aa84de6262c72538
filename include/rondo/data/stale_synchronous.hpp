// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <compare>
#include <cstdint>
#include <limits>

namespace rondo::inline v0_1::data {

/// When a worker of a parameter server may go on, and what it then sees. Clocks count the updates
/// that a worker has pushed; `slowest` is the least of all workers' clocks.
///
/// `bound` 0 is bulk-synchronous, `unbounded` asynchronous. The rule alone: no server, no threads.
/// Source: Ho et al., More Effective Distributed ML via a Stale Synchronous Parallel Parameter
/// Server (2013), section 2.
struct stale_synchronous {
  static constexpr std::uint64_t unbounded = (std::numeric_limits<std::uint64_t>::max)();
  std::uint64_t bound = 0;

  /// A worker at `clock` may compute its next update: slowest >= clock - bound.
  [[nodiscard]] constexpr bool may_start(std::uint64_t clock, std::uint64_t slowest) const {
    return clock <= slowest || clock - slowest <= bound;
  }

  /// It then sees every worker's updates 0 .. seen - 1, whole, besides all of its own.
  [[nodiscard]] constexpr std::uint64_t seen(std::uint64_t clock) const {
    return clock > bound ? clock - bound : 0;
  }
  friend constexpr bool operator==(const stale_synchronous&, const stale_synchronous&) = default;
};

/// Which update of which worker. Servers that apply updates in this order have the same bits in
/// every run.
struct update_id {
  std::uint64_t clock = 0;
  int worker = 0;
  friend constexpr auto operator<=>(const update_id&, const update_id&) = default;
};

/// Bytes that each of `servers` receives in a step, and sends again, from `workers` that push and
/// pull a model whole. A worker sends and receives the model once, where a ring moves 2 (n-1)/n of
/// it each way.
[[nodiscard]] constexpr double bytes_of_server(double model_bytes, int workers, int servers) {
  return model_bytes * workers / servers;
}

}  // namespace rondo::inline v0_1::data
