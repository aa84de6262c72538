// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <string>
#include <string_view>

namespace rondo::inline v0_1::pipeline {

/// What a schedule is asked for. The number of micro-batches is a run-time value: it may change
/// from one call to the next.
struct shape {
  int stages = 1;         ///< ranks that hold stages; a schedule may put several chunks on each
  int micro_batches = 1;  ///< micro-batches of one step
  int slices = 1;         ///< pieces that a micro-batch is cut into along its sequence

  friend constexpr bool operator==(const shape&, const shape&) = default;

  /// Pieces of work that pass through each stage: a micro-batch has `slices` of them.
  [[nodiscard]] constexpr int units() const { return micro_batches * slices; }
  /// The number of a unit among them.
  [[nodiscard]] constexpr int unit_of(int micro_batch, int slice) const {
    return micro_batch * slices + slice;
  }
};

namespace detail {

[[noreturn]] inline void refuse_shape(std::string_view schedule, const shape& asked,
                                      std::string_view need) {
  refuse("pipeline: " + std::string{schedule} + " needs " + std::string{need} + "; got stages " +
         std::to_string(asked.stages) + ", micro_batches " + std::to_string(asked.micro_batches) +
         ", slices " + std::to_string(asked.slices));
}

inline constexpr int most_micro_batches = 1 << 20;
inline constexpr int most_slices = 127;

/// What every schedule asks of a shape.
constexpr void require_shape(std::string_view schedule, const shape& asked) {
  if (asked.stages < 1 || asked.stages > 4096) {
    refuse_shape(schedule, asked, "1 <= stages <= 4096");
  }
  if (asked.micro_batches < 1 || asked.micro_batches > most_micro_batches) {
    refuse_shape(schedule, asked, "1 <= micro_batches <= 2^20");
  }
  if (asked.slices < 1 || asked.slices > most_slices) {
    refuse_shape(schedule, asked, "1 <= slices <= 127");
  }
}

/// For the schedules that do not cut micro-batches.
constexpr void require_whole(std::string_view schedule, const shape& asked) {
  require_shape(schedule, asked);
  if (asked.slices != 1) {
    refuse_shape(schedule, asked, "slices = 1 (sequence_one_f_one_b takes slices)");
  }
}

constexpr void require_chunks(std::string_view schedule, const shape& asked, int chunks) {
  if (chunks < 1 || chunks > 32767 / asked.stages) {
    refuse_shape(schedule, asked, "chunks >= 1 and at most 32767 chunks in all");
  }
}

}  // namespace detail
}  // namespace rondo::inline v0_1::pipeline
