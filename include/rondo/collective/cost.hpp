// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/version.hpp>

#include <cstddef>

/// What collectives cost, from measured constants: `automatic` picks by these, `explain` prints them.
namespace rondo::inline v0_1 {

/// Direct all-reduce of ranks that share memory. Measured on an AMD EPYC (Zen 5) guest with
/// 2 processors, 2026-11-21, by `scripts/bench --variants`; seconds, bytes, bytes per second.
struct shared_memory_cost {
  double signal = 0.15e-6;        ///< one phase where every rank has a processor of its own
  double turn = 2.7e-6;           ///< to hand a processor from one rank to the next
  double staged_byte = 0.12e-9;   ///< to stage a byte and have peers fetch it, on one processor
  double read_byte = 0.005e-9;    ///< to fold one more staged byte, on one processor
  double cached_rate = 50e9;      ///< bytes of one rank's vector folded and handed out, one processor
  double memory_rate = 22e9;      ///< the same from memory, by all processors together
  double cache_bytes = 32 << 20;  ///< what a call touches and still finds in the cache

  int ranks = 2;
  int processors = 2;

  /// Until all ranks have met once. Ranks that share a processor take turns.
  [[nodiscard]] constexpr double phase() const {
    const int shared = (ranks + processors - 1) / processors;
    return signal + (shared - 1) * turn;
  }
  /// Everyone stages its vector and folds all of them.
  [[nodiscard]] constexpr double one_shot(double bytes) const { return phase() + bytes * staged(); }
  /// Everyone folds its part of all vectors where they lie.
  [[nodiscard]] constexpr double two_shot(double bytes) const {
    const bool cached = 2 * ranks * bytes <= cache_bytes;
    return 2 * phase() + ranks * bytes / (cached ? cached_rate * together() : memory_rate);
  }
  /// Where the two cost the same, in bytes.
  [[nodiscard]] constexpr std::size_t crossover() const {
    const double direct = ranks / (cached_rate * together());
    return static_cast<std::size_t>(phase() / (staged() - direct));
  }

 private:
  [[nodiscard]] constexpr double together() const { return smaller(ranks, processors); }
  [[nodiscard]] constexpr double staged() const {
    return ranks * (staged_byte + ranks * read_byte) / together();
  }
};

/// All-reduce by messages: the alpha-beta formulas (Thakur, Rabenseifner, Gropp 2005, section 4).
/// Estimates for ranks of one machine, not fitted to measurements; they decide nothing but what
/// `explain` predicts for messages. Seconds per message and per byte.
struct message_cost {
  double message = 0.5e-6;
  double byte = 0.25e-9;  ///< moved and folded

  int ranks = 2;

  [[nodiscard]] constexpr double ring(double bytes) const {
    return 2 * (ranks - 1) * (message + bytes / ranks * byte);
  }
  [[nodiscard]] constexpr double two_shot(double bytes) const {  // pieces are under way together
    return 2 * message + 2 * (ranks - 1) * (bytes / ranks) * byte;
  }
  [[nodiscard]] constexpr double recursive_doubling(double bytes) const {
    return rounds() * (message + bytes * byte);
  }
  [[nodiscard]] constexpr double halving_doubling(double bytes) const {
    return 2 * rounds() * message + 2 * (ranks - 1) * (bytes / ranks) * byte;
  }

 private:
  [[nodiscard]] constexpr int rounds() const {
    int count = 0;
    for (int reached = 1; reached < ranks; reached *= 2) {
      ++count;
    }
    return count;
  }
};

}  // namespace rondo::inline v0_1
