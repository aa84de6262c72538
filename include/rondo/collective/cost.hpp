// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/version.hpp>

#include <cstddef>

/// What collectives cost, by formulas with measured constants. `automatic` picks by the first on
/// thread ranks, and over messages by limits (collective/detail/automatic.hpp); `explain` prints
/// both.
namespace rondo::inline v0_1 {

/// Direct all-reduce of ranks that share memory. Measured on an AMD EPYC (Zen 5) guest with
/// 2 processors, 2026-11-21 (a turn, a share: 2026-11-27), by `scripts/bench --variants`; seconds,
/// bytes, bytes per second.
struct shared_memory_cost {
  double signal = 0.15e-6;       ///< one phase where every rank has a processor of its own
  double turn = 1.5e-6;          ///< to hand a processor from one rank to the next
  double share = 0.15e-6;        ///< to do the share of a rank that waits for the processor
  double staged_byte = 0.12e-9;  ///< to stage a byte and have peers fetch it, on one processor
  double read_byte = 0.005e-9;   ///< to fold one more staged byte, on one processor
  double cached_rate = 50e9;  ///< bytes of one rank's vector folded and handed out, one processor
  double memory_rate = 22e9;  ///< the same from memory, by all processors together
  double cache_bytes = 32 << 20;  ///< what a call touches and still finds in the cache

  int ranks = 2;
  int processors = 2;

  /// Until all ranks have met once. Ranks that share a processor take turns.
  [[nodiscard]] constexpr double phase() const { return signal + (on_one_processor() - 1) * turn; }
  /// Until all ranks' shares are done. Those of a processor need no turns: one rank does them all.
  [[nodiscard]] constexpr double second_phase() const {
    return signal + (on_one_processor() - 1) * share;
  }
  /// Everyone stages its vector and folds all of them.
  [[nodiscard]] constexpr double one_shot(double bytes) const { return phase() + bytes * staged(); }
  /// Everyone folds its part of all vectors where they lie.
  [[nodiscard]] constexpr double two_shot(double bytes) const {
    const bool cached = 2 * ranks * bytes <= cache_bytes;
    return phase() + second_phase() +
           ranks * bytes / (cached ? cached_rate * together() : memory_rate);
  }
  /// Any other collective: everyone moves its share in so many phases. `part` is what all ranks
  /// read and write together, in parts of what an all-reduce does, by `movers` of them.
  [[nodiscard]] constexpr double direct(double bytes, double part, int movers, int phases) const {
    const bool cached = 2 * ranks * bytes * part <= cache_bytes;
    const double rate = cached ? cached_rate * smaller(movers, processors) : memory_rate;
    return phase() + (phases - 1) * second_phase() + part * ranks * bytes / rate;
  }
  /// Where the two cost the same, in bytes.
  [[nodiscard]] constexpr std::size_t crossover() const {
    return static_cast<std::size_t>(second_phase() * together() / saved_byte());
  }
  /// Up to there: asked in every call, and so without a division.
  [[nodiscard]] constexpr bool prefers_one_shot(double bytes) const {
    return bytes * saved_byte() <= second_phase() * together();
  }

 private:
  [[nodiscard]] constexpr int on_one_processor() const {
    return ranks <= processors ? 1 : (ranks + processors - 1) / processors;
  }
  [[nodiscard]] constexpr double together() const { return smaller(ranks, processors); }
  [[nodiscard]] constexpr double staged() const {
    return ranks * (staged_byte + ranks * read_byte) / together();
  }
  /// What the second phase spares all processors together, per byte.
  [[nodiscard]] constexpr double saved_byte() const {
    return ranks * (staged_byte + ranks * read_byte - 1 / cached_rate);
  }
};

/// Collectives by messages of ranks on one machine: formulas of alpha and beta (Thakur,
/// Rabenseifner, Gropp 2005, section 4), with constants measured over Open MPI 4.1.4 with 2, 4 and
/// 8 ranks on the same machine by `bench/bin/forecast_mpi.openmpi`; later tables are in
/// bench/results/schedule.md. Seconds, bytes. `bytes` are those of a rank's larger buffer.
struct message_cost {
  double short_message = 0.42e-6;  ///< where every rank has a processor of its own
  double long_message = 2.4e-6;
  double shared_short = 1.6e-6;  ///< where ranks share processors, for each rank of one
  double shared_long = 5.5e-6;
  double long_from = 4096;  ///< bytes from which a message waits until its receiver asks for it
  double next_message = 0.35e-6;  ///< for each one more of a round, on one processor
  double byte = 0.11e-9;          ///< moved, or moved and folded, by one processor

  int ranks = 2;
  int processors = 2;

  /// `number` rounds in which every rank takes `messages` messages of `bytes` bytes.
  [[nodiscard]] constexpr double rounds(double number, double messages, double bytes) const {
    const int shared = (ranks + processors - 1) / processors;
    const bool waits = bytes > long_from;
    const double alone = waits ? long_message : short_message;
    const double each = shared == 1 ? alone : shared * (waits ? shared_long : shared_short);
    // Messages of one round are under way together: the wait is one, the work is of all.
    return number * (each + shared * ((messages - 1) * next_message + messages * bytes * byte));
  }
  /// How often to double one until it is all ranks.
  [[nodiscard]] constexpr double doublings() const {
    int count = 0;
    for (int reached = 1; reached < ranks; reached *= 2) {
      ++count;
    }
    return count;
  }
};

}  // namespace rondo::inline v0_1
