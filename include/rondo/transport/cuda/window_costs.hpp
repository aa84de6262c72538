// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/version.hpp>

#include <cstddef>

namespace rondo::inline v0_1::cuda {

/// What collectives over a window take, in seconds and bytes: what the host picks by where no
/// algorithm is given. Equal on all ranks.
///
/// The constants are estimates, not measured with rondo yet: the two latencies and the rates are
/// those of NCCL 2.30.7's own model of its symmetric-memory kernels on Hopper GPUs behind NVLink
/// (src/sym_kernels.cc). `bench/bin/cuda/host_calls` prints those of a machine.
struct window_costs {
  double packet_call = 4.5e-6;           ///< one exchange of packets
  double two_shot_call = 7.8e-6;         ///< to enter, and to leave
  double block_rate = 65.0 * (1 << 30);  ///< bytes per second that one block moves
  double rate = 320.0 * (1 << 30);       ///< that all blocks of a rank move together
  double flag_overhead = 2;              ///< bytes that packets move for one of data
  std::size_t block_bytes = 16 << 10;    ///< of a rank's buffer that are worth one more block

  friend constexpr bool operator==(const window_costs&, const window_costs&) = default;

  /// All-reduce of `bytes` per rank: every rank writes all of it to every peer, with flags.
  [[nodiscard]] constexpr double packets(double bytes, int ranks, unsigned blocks) const {
    return packet_call + flag_overhead * (ranks - 1) * bytes / rate_of(blocks);
  }
  /// Every rank reads its part from all inputs and writes it to all outputs.
  [[nodiscard]] constexpr double two_shot(double bytes, int ranks, unsigned blocks) const {
    return two_shot_call + 2.0 * (ranks - 1) / ranks * bytes / rate_of(blocks);
  }
  /// Blocks of a rank for so many bytes: more than that shorten a call by less than they delay
  /// other work.
  [[nodiscard]] constexpr unsigned blocks_for(std::size_t bytes, unsigned most) const {
    const std::size_t wanted = (bytes + block_bytes - 1) / block_bytes;
    return static_cast<unsigned>(larger(std::size_t{1}, smaller(wanted, std::size_t{most})));
  }

 private:
  [[nodiscard]] constexpr double rate_of(unsigned blocks) const {
    const double together = blocks * block_rate;
    return together < rate ? together : rate;
  }
};

/// Which way a call takes, and on how many blocks of each rank.
struct window_forecast {
  unsigned few;   ///< blocks, where it goes by packets
  unsigned many;  ///< blocks, where it does not
  bool fits;      ///< packets carry it
  bool packets;   ///< and are expected to be the faster way
  double packets_seconds;
  double two_shot_seconds;
};

}  // namespace rondo::inline v0_1::cuda
