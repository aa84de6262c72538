// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <string>

/// What a kernel tells the host when a wait ends in vain.
namespace rondo::inline v0_1::device {

enum class trouble : std::uint32_t {
  none,
  late,           ///< a peer did not come in time
  mismatch,       ///< a peer is in the same step of another call
  too_small,      ///< one element does not fit the window; `seen` bytes are needed
  out_of_window,  ///< a buffer of the caller is not in memory that peers reach
  bad_slot,       ///< more blocks than the window has slots
  bad_peer,       ///< no such rank
  few_threads     ///< a codec or line_packets by less than a warp
};

/// One per rank, in memory that host and device see. `word` is written last.
struct alignas(64) report {
  std::uint64_t word;  ///< 1 when the rest is written
  std::uint64_t call;  ///< number of the call on this slot
  std::uint64_t seen;  ///< step that the peer was seen in
  std::uint64_t expected;
  trouble what;
  std::uint32_t slot;
  std::int32_t rank;
  std::int32_t peer;
};

/// What the host makes of a report: the same errors as on threads.
/// Errors: `timeout` and `mismatch` name the peer at fault; the rest is `error`.
inline void raise_if_any(const report* reports, int ranks, std::uint64_t patience_ns) {
  for (int rank = 0; rank < ranks; ++rank) {
    const report& one = reports[rank];
    if (protocol::observe(one.word) == 0) {
      continue;
    }
    const std::string self = "rank " + std::to_string(one.rank);
    const std::string peer = "rank " + std::to_string(one.peer);
    const std::string where =
        " in call " + std::to_string(one.call) + " of slot " + std::to_string(one.slot);
    switch (one.what) {
      case trouble::none:
        break;
      case trouble::late:
        raise(timeout{self + " waited " + std::to_string(patience_ns / 1'000'000) + " ms" + where +
                          " for " + peer + ", which was seen in step " + std::to_string(one.seen) +
                          ", expected " + std::to_string(one.expected) +
                          "; every rank must make the same calls with as many blocks",
                      one.peer});
      case trouble::mismatch:
        raise(mismatch{"ranks disagree about step " + std::to_string(one.expected) + ": " + peer +
                           " makes another call than " + self + where +
                           "; collective, type, operation, algorithm, codec and count must agree",
                       one.peer});
      case trouble::too_small:
        refuse("device: " + self + where + ": " + std::to_string(one.seen) +
                   " bytes do not fit the staging area of a slot; make window_bytes larger or use "
                   "fewer slots",
               one.rank);
      case trouble::out_of_window:
        refuse(
            "device: " + self + where +
                ": a buffer is not in the window's heap, so peers in other processes cannot reach "
                "it; allocate it there or pass a codec or one_shot{}",
            one.rank);
      case trouble::bad_slot:
        refuse("device: " + self + " runs block " + std::to_string(one.slot) +
                   ", but its window has slots for " + std::to_string(one.seen) +
                   "; launch fewer blocks or make a window with more slots",
               one.rank);
      case trouble::few_threads:
        refuse("device: " + self + where + ": a block has fewer than " + std::to_string(one.seen) +
                   " threads; launch whole warps",
               one.rank);
      case trouble::bad_peer:
        refuse("device: " + self + where + ": there is no " + peer, one.rank);
    }
  }
}

}  // namespace rondo::inline v0_1::device
