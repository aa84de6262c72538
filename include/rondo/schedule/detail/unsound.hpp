// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>

namespace rondo::inline v0_1::schedule::detail {

/// Says what is wrong with a schedule, and where. Nothing here is reached in a constant expression
/// that compiles.
class blame {
 public:
  constexpr blame(const schedule::table& schedule, bool in_place)
      : schedule_{schedule}, in_place_{in_place} {}

  [[nodiscard]] static std::string text(int number) { return std::to_string(number); }

  [[noreturn]] void table(const std::string& why) const { refuse_schedule("", why, -1); }

  [[noreturn]] void rank(int rank, const std::string& why) const {
    refuse_schedule(", rank " + text(rank), why, rank);
  }

  [[noreturn]] void step(int rank, std::size_t which, int chunk, const std::string& why) const {
    refuse_schedule(place_of(rank, which) + ", chunk " + text(chunk), why, rank);
  }

  [[noreturn]] void result(int rank, int chunk, const std::string& why) const {
    refuse_schedule(", rank " + text(rank) + ", after its last step, output chunk " + text(chunk),
                    why, rank);
  }

  /// `first_unmet(rank)` is the step in which a rank waits; past its last one if it has finished.
  template <class FirstUnmet>
  [[noreturn]] void waiting(int rank, FirstUnmet first_unmet) const {
    std::string chain = "it waits for ever: rank " + text(rank);
    int at = rank;
    for (int hop = 0; hop < schedule_.size && hop < 16; ++hop) {
      const auto& steps = schedule_.row(at).steps;
      const std::size_t which = first_unmet(at);
      if (which == steps.size()) {
        chain += ", which has finished";
        break;
      }
      at = steps[which].peer;
      chain += " waits for " + text(at);
      if (at == rank) {
        break;
      }
    }
    refuse_schedule(place_of(rank, first_unmet(rank)), chain, rank);
  }

 private:
  [[nodiscard]] std::string place_of(int rank, std::size_t which) const {
    const schedule::step& one = schedule_.row(rank).steps[which];
    return ", rank " + text(rank) + ", step " + std::to_string(which) + " (" +
           std::string{schedule::name_of(one.what)} +
           (!is_message(one.what)    ? ""
            : one.what == verb::send ? " to rank " + text(one.peer)
                                     : " from rank " + text(one.peer)) +
           " in round " + text(one.round) + ")";
  }
  [[noreturn]] void refuse_schedule(const std::string& where, const std::string& why,
                                    int rank) const {
    raise(error{error_code::unsound_schedule,
                "prove: " + std::string{schedule::name_of(schedule_.what)} + " on " +
                    text(schedule_.size) + " ranks" + where + ": " + why +
                    (in_place_ ? " (input and output being the same memory)" : ""),
                rank});
  }

  const schedule::table& schedule_;
  bool in_place_;
};

}  // namespace rondo::inline v0_1::schedule::detail
