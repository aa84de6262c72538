// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <limits>

namespace rondo::inline v0_1::schedule {

/// What `simulate` knows about the network between machines (`host` is for ranks of one). With the
/// first two fields alone it is the alpha-beta model: a message of b bytes takes `latency + b /
/// bytes_per_second`.
///
/// A rank sends one message at a time and receives one at a time, both at once if it can, and holds
/// the port for the whole message. A message starts when both ends are in its round (rendezvous)
/// and both ports are free; messages that wait go in the order of the sender's steps.
struct network {
  double latency = 0;                                                      ///< seconds per message
  double bytes_per_second = std::numeric_limits<double>::infinity();       ///< of one message
  double fold_bytes_per_second = std::numeric_limits<double>::infinity();  ///< of one rank
  double copy_bytes_per_second = std::numeric_limits<double>::infinity();  ///< of one rank

  /// Processor seconds per message at each end (LogGP's o): the sender's pass before the message
  /// starts, the receiver's after it came. A rank works on one send, fold or copy at a time, beside
  /// that on one message that has come (and its fold), and meanwhile others are under way.
  double overhead = 0;

  /// Consecutive ranks that share a node. Between them the `inner` figures hold, and between nodes
  /// the ones above. 0: there is one level only.
  int ranks_per_node = 0;
  double inner_latency = 0;
  double inner_bytes_per_second = std::numeric_limits<double>::infinity();

  friend constexpr bool operator==(const network&, const network&) = default;
};

}  // namespace rondo::inline v0_1::schedule
