// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/core/error.hpp>
#include <rondo/pipeline/action.hpp>
#include <rondo/pipeline/placement.hpp>
#include <rondo/pipeline/shape.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace rondo::inline v0_1::pipeline {

/// A schedule written out: for each rank, its actions in order. A plan of compute actions only says
/// who computes what in which order; `lower` adds the messages.
struct plan {
  pipeline::shape shape{};
  pipeline::placement placement{};
  constant_vector<row> rows{};
  std::string_view name{};  ///< of the schedule that wrote it; none where it was read or found

  [[nodiscard]] constexpr int ranks() const { return static_cast<int>(rows.size()); }
  [[nodiscard]] constexpr const row& row_of(int rank) const { return rows[detail::index(rank)]; }
  [[nodiscard]] constexpr std::size_t actions() const {
    std::size_t count = 0;
    for (const row& each : rows) {
      count += each.size();
    }
    return count;
  }
  /// Whether `lower` has added its messages.
  [[nodiscard]] constexpr bool has_messages() const {
    for (const row& each : rows) {
      for (const action& what : each) {
        if (is_message(what.kind)) {
          return true;
        }
      }
    }
    return false;
  }
  /// Who wrote a plan is no part of it.
  friend constexpr bool operator==(const plan& a, const plan& b) {
    return a.shape == b.shape && a.placement == b.placement && a.rows == b.rows;
  }
};

/// A schedule as a small aggregate. `place` and `row` refuse a shape that it cannot take.
template <class Policy>
concept schedule_policy = requires(const Policy& policy, const shape& asked, int rank) {
  { Policy::name } -> std::convertible_to<std::string_view>;
  {policy.check(asked)};
  { policy.place(asked) } -> std::same_as<placement>;
  { policy.row(asked, rank) } -> std::same_as<row>;
};

namespace detail {

/// A policy's rows, each made by itself, side by side.
template <schedule_policy Policy>
[[nodiscard]] constexpr plan tabulate(const Policy& policy, const shape& asked) {
  policy.check(asked);
  plan made{asked, policy.place(asked), {}, Policy::name};
  made.rows.reserve(index(asked.stages));
  for (int rank = 0; rank < asked.stages; ++rank) {
    made.rows.push_back(policy.row(asked, rank));
  }
  return made;
}

/// Readers keep a few words for every stage and unit; a whole plan has actions for each, too.
inline constexpr std::size_t most_cells = std::size_t{1} << 28;

[[noreturn]] inline void refuse_unfitting(std::string_view who, const plan& read) {
  const std::string begin = "pipeline: " + std::string{who} + ": the plan has ";
  if (read.ranks() != read.placement.ranks()) {
    refuse(begin + std::to_string(read.ranks()) + " rows, but its placement " +
           std::to_string(read.placement.ranks()) + " ranks");
  }
  if (read.placement.stages() == 0) {
    refuse(begin + "no stages");
  }
  refuse(begin + std::to_string(read.shape.micro_batches) + " micro-batches of " +
         std::to_string(read.shape.slices) + " slices through " +
         std::to_string(read.placement.stages()) + " stages; there are 1 .. " +
         std::to_string(most_micro_batches) + " of 1 .. " + std::to_string(most_slices) +
         ", and at most 2^28 in all stages together");
}

/// Refuses a plan whose parts do not fit each other: those who read it index by them.
constexpr void require_fitting(std::string_view who, const plan& read) {
  const shape& of = read.shape;
  if (read.ranks() != read.placement.ranks() || read.placement.stages() == 0 ||
      of.micro_batches < 1 || of.micro_batches > most_micro_batches || of.slices < 1 ||
      of.slices > most_slices || index(of.units()) > most_cells / index(read.placement.stages())) {
    refuse_unfitting(who, read);
  }
}

/// Whether the plan has an action's stage, micro-batch and slice.
[[nodiscard]] constexpr bool is_within(const plan& read, const action& what) {
  return 0 <= what.stage && what.stage < read.placement.stages() && 0 <= what.micro_batch &&
         what.micro_batch < read.shape.micro_batches && what.slice < read.shape.slices;
}

/// Writes a row, action by action.
class row_writer {
 public:
  constexpr explicit row_writer(int actions) { row_.reserve(index(actions)); }

  constexpr void forward(int stage, int micro_batch, int slice = 0) {
    add(kind::forward, stage, micro_batch, slice);
  }
  constexpr void backward(int stage, int micro_batch, int slice = 0) {
    add(kind::backward, stage, micro_batch, slice);
  }
  constexpr void backward_input(int stage, int micro_batch) {
    add(kind::backward_input, stage, micro_batch);
  }
  constexpr void backward_weight(int stage, int micro_batch) {
    add(kind::backward_weight, stage, micro_batch);
  }
  /// The action written last and the one to come run at the same time.
  constexpr void join_next() { row_.back().with_next = true; }

  constexpr void add(pipeline::kind what, int stage, int micro_batch, int slice = 0) {
    row_.push_back(make_action(what, stage, micro_batch, slice));
  }
  [[nodiscard]] constexpr row take() { return std::move(row_); }

 private:
  row row_{};
};

}  // namespace detail
}  // namespace rondo::inline v0_1::pipeline
