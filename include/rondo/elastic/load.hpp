// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <concepts>

namespace rondo::inline v0_1::elastic {

/// What a policy is told of a service, at one moment.
struct load {
  double now = 0;     ///< seconds, of a clock that does not go back
  double demand = 0;  ///< requests in service and waiting, over all replicas, of the usual window
  double burst = 0;   ///< the same over a short window; 0: not known
  int ready = 0;      ///< replicas that serve
  int asked = 0;      ///< replicas that were asked for last; some may be starting
};

/// The least and the most that a policy may ask for.
struct replica_limits {
  int least = 1;
  int most = 100;
};

/// How many replicas there should be: an object that keeps what it must remember, and is told the
/// load as often as one likes. All time is in `load::now`, so a policy runs on a virtual clock too.
/// To take replicas away: send them no new requests, wait for those they have, and end them then.
template <class Policy>
concept replica_policy = requires(Policy& policy, const load& now) {
  { policy.decide(now) } -> std::same_as<int>;
};

}  // namespace rondo::inline v0_1::elastic
