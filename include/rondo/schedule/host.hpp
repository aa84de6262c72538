// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <limits>

namespace rondo::inline v0_1::schedule {

/// Memory near to those who use it: it holds what was used last. Each byte that is read or written
/// and not found there costs more.
struct cache {
  double bytes = std::numeric_limits<double>::infinity();
  double missed_bytes_per_second = std::numeric_limits<double>::infinity();  ///< in addition
  friend constexpr bool operator==(const cache&, const cache&) = default;
};

/// What `simulate` knows about one machine whose ranks, threads or processes, talk through memory.
///
/// Rank r runs on core r modulo `cores`. A rank works through its round: copies and folds of its
/// own, then it posts its messages, then it takes what was posted to it, in the order of its steps:
/// the receiver reads the sender's memory. It leaves the round when its own messages are taken. A
/// rank that waits spins if it has its core for itself. Else it looks for a while, if it waits for
/// a rank of another core, and then gives its core away: ranks of a core have their turns one after
/// another, whether or not they have something to do.
struct host {
  int cores = 1;
  double signal = 0;    ///< seconds until a rank that looks sees what a peer has done
  double handover = 0;  ///< seconds to give the core to the next rank
  double overhead = 0;  ///< core seconds per message, at each end
  double patience = 0;  ///< seconds that a rank looks for one of another core in its own turn

  double copy_bytes_per_second = std::numeric_limits<double>::infinity();  ///< of one core
  double fold_bytes_per_second = std::numeric_limits<double>::infinity();  ///< of one core
  /// In addition, for what one core reads after another wrote it, in place of a miss of its own
  /// cache. Only for what the other still has in its `of_core`; where cores are `apart`, in its
  /// `of_all`.
  double moved_bytes_per_second = std::numeric_limits<double>::infinity();
  /// The same, for what a core folds into after another had it: its stores ask for the old bytes.
  /// A copy writes whole lines and asks for nothing.
  double claimed_bytes_per_second = std::numeric_limits<double>::infinity();
  cache of_core{};  ///< of each core alone
  cache of_all{};   ///< of all cores together, or, where they are `apart`, of each alone again
  bool apart = false;
  /// In addition, for what is not in `of_all`, on the core that wants it: one core alone cannot
  /// keep memory busy.
  double fetched_bytes_per_second = std::numeric_limits<double>::infinity();

  /// Where it is finite, messages are first brought into the receiver's memory, at this rate, as
  /// MPI does; else the receiver copies or folds them where they lie.
  double message_bytes_per_second = std::numeric_limits<double>::infinity();
  [[nodiscard]] constexpr bool lands() const {
    return message_bytes_per_second < std::numeric_limits<double>::infinity();
  }

  /// What MPI libraries do with short messages; ranks that read each other's memory need not.
  double unawaited_bytes = -1;  ///< up to here the sender does not wait until they are taken
  double copied_bytes = -1;     ///< up to here both ends copy; above, the receiver asks first:
  double handshake = 0;         ///< core seconds that it spends on that, and
  double handshake_turns = 0;   ///< how many signals or rounds of turns pass

  friend constexpr bool operator==(const host&, const host&) = default;
};

}  // namespace rondo::inline v0_1::schedule
