// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/host.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <vector>

namespace rondo::inline v0_1::schedule::detail {

/// How much memory a collective touches, in chunks.
class footprint {
 public:
  template <readable Schedule>
  explicit footprint(const Schedule& schedule) {
    std::vector<bool> touched;
    for (int rank = 0; rank < schedule.size; ++rank) {
      const program row = schedule.row(rank);
      touched.assign(static_cast<std::size_t>(2 * row.chunks + row.slots), false);
      for (const step& one : row.steps) {
        touch(touched, row, one.into);
        touch(touched, row, one.left);
        touch(touched, row, one.right);
        received_ += one.peer >= 0 && one.what != verb::send ? one.into.count : 0;
      }
    }
  }

  /// Seconds that misses of the cores' own caches add to a byte, on average, and misses of all.
  [[nodiscard]] double core_seconds(const host& on, double chunk_bytes) const {
    return missed(on.of_core, (own_ + received_) * chunk_bytes / on.cores);
  }
  [[nodiscard]] double memory_seconds(const host& on, double chunk_bytes) const {
    return missed(on.of_all, own_ * chunk_bytes);
  }

 private:
  void touch(std::vector<bool>& touched, const program& row, const run& part) {
    const int begin = part.where == region::input     ? part.first
                      : part.where == region::output  ? row.chunks + part.first
                      : part.where == region::scratch ? 2 * row.chunks + part.slot
                                                      : -1;
    for (int i = 0; begin >= 0 && i < part.count; ++i) {
      const auto place = static_cast<std::size_t>(begin + i);
      own_ += touched[place] ? 0 : 1;
      touched[place] = true;
    }
  }

  [[nodiscard]] static double missed(const cache& in, double bytes) {
    return bytes <= in.bytes ? 0 : (1 - in.bytes / bytes) / in.missed_bytes_per_second;
  }

  double own_ = 0;       ///< of inputs, outputs and scratch of all ranks
  double received_ = 0;  ///< read in peers' memory
};

}  // namespace rondo::inline v0_1::schedule::detail
