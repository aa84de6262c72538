// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::inline v0_1::pipeline {
namespace detail {

/// Reads each row from left to right, and notes for each stage and micro-batch what is done.
class soundness {
 public:
  explicit soundness(const plan& read)
      : plan_{read},
        lowered_{read.has_messages()},
        done_(index(read.placement.stages()) * index(read.shape.units()), std::uint8_t{0}) {}

  void check() {
    for (rank_ = 0; rank_ < plan_.ranks(); ++rank_) {
      const row& actions = plan_.row_of(rank_);
      for (std::size_t i = 0; i < actions.size(); ++i) {
        const action& each = actions[i];
        if (is_compute(each.kind) || is_message(each.kind)) {
          check_place(each);
          is_message(each.kind) ? check_message(each) : check_compute(each);
        } else if (each.kind != kind::idle) {
          check_place(each);  // what a stage does with its weights
        }
        if (each.with_next && i + 1 < actions.size()) {
          check_pair(each, actions[i + 1]);
        }
      }
    }
    rank_ = -1;
    check_complete();
  }

 private:
  enum : std::uint8_t {
    forward = 1,
    input = 2,
    weight = 4,
    sent = 8,  // and the three after it, one per kind of message
  };

  [[nodiscard]] std::uint8_t& done(int stage, const action& what, int slice) {
    const int unit = plan_.shape.unit_of(what.micro_batch, slice);
    return done_[index(stage) * index(plan_.shape.units()) + index(unit)];
  }

  [[nodiscard]] static std::uint8_t mark_of(kind message) {
    return static_cast<std::uint8_t>(
        sent << (static_cast<int>(message) - static_cast<int>(kind::send_forward)));
  }

  void check_place(const action& what) const {
    require(is_within(plan_, what), what, "is outside the plan's shape");
    require(plan_.placement.rank_of(what.stage) == rank_, what, "is on a rank without its stage");
  }

  /// Of one micro-batch, a backward waits for its forward.
  void check_pair(const action& what, const action& beside) const {
    require(what.kind == kind::forward && makes_input_gradient(beside.kind) &&
                what.micro_batch != beside.micro_batch,
            what, "can run at the same time as a backward of another micro-batch only");
  }

  void check_message(const action& what) {
    require(
        has_far_stage(what, plan_.placement) && plan_.placement.rank_of(far_stage(what)) != rank_,
        what, "has no other rank to go to");
    std::uint8_t& mine = done(what.stage, what, what.slice);
    if (is_send(what.kind)) {
      require(mine & (what.kind == kind::send_forward ? forward : input), what,
              "comes before it is made");
    }
    once(mine, mark_of(what.kind), what);
  }

  void check_compute(const action& what) {
    std::uint8_t& mine = done(what.stage, what, what.slice);
    if (what.kind == kind::backward_weight) {
      require(mine & input, what, "comes before its I");
      once(mine, weight, what);
      return;
    }
    const bool ahead = what.kind == kind::forward;
    const std::uint8_t mark = ahead ? forward : input;
    require(ahead || (mine & forward), what, "comes before its forward");
    const int before = ahead ? what.slice - 1 : what.slice + 1;
    if (0 <= before && before < plan_.shape.slices) {
      require(done(what.stage, what, before) & mark, what,
              ahead ? "comes before the slice before it" : "comes before the slice after it");
    }
    if (const action receive = receive_before(what, plan_.placement); receive.kind != kind::idle) {
      require(!lowered_ || (mine & mark_of(receive.kind)), what, "comes before it is received");
    } else if (!enters_at(what.stage, ahead, plan_.placement)) {
      require(done(stage_after(what.stage, !ahead), what, what.slice) & mark, what,
              "comes before its input is made on the same rank");
    }
    once(mine, mark, what);
    if (what.kind == kind::backward) {
      once(mine, weight, what);
    }
  }

  /// Each micro-batch passes every stage of one chain, forward, and backward if any does.
  void check_complete() {
    bool trains = false;
    for (const std::uint8_t each : done_) {
      trains = trains || (each & input) != 0;
    }
    const unsigned whole = trains ? forward | input | weight : unsigned{forward};
    const int parts = plan_.placement.parts();
    for (int unit = 0; unit < plan_.shape.units(); ++unit) {
      const int slice = unit % plan_.shape.slices;
      action what = make_action(kind::forward, 0, unit / plan_.shape.slices, slice);
      int chains = 0;
      for (int chain = 0; chain < plan_.placement.chains(); ++chain) {
        chains += (done(chain * parts, what, slice) & forward) != 0;
        for (int part = 0; part < parts; ++part) {
          const int stage = chain * parts + part;
          what.stage = static_cast<std::int16_t>(stage);
          const unsigned mine = done(stage, what, slice);
          const bool taken = (done(chain * parts, what, slice) & forward) != 0;
          require((mine & (forward | input | weight)) == (taken ? whole : 0u), what,
                  trains ? "needs F and either B or both I and W" : "is missing");
          check_halves(what, mine);
        }
      }
      what.stage = 0;
      require(chains == 1, what, chains == 0 ? "is missing" : "runs on two chains");
    }
  }

  /// A message has both of its halves, and every action that needs one has it.
  void check_halves(const action& what, unsigned mine) {
    for (const kind each : {kind::send_forward, kind::send_backward}) {
      action send = what;
      send.kind = each;
      if (!lowered_ || !has_far_stage(send, plan_.placement)) {
        continue;
      }
      const action receive = other_half(send);
      const unsigned theirs = done(receive.stage, receive, receive.slice);
      require(((mine & mark_of(each)) != 0) == ((theirs & mark_of(receive.kind)) != 0), send,
              "has only one of its halves");
    }
  }

  void once(std::uint8_t& mine, std::uint8_t mark, const action& what) const {
    require(!(mine & mark), what, "comes twice");
    mine |= mark;
  }

  void require(bool holds, const action& what, std::string_view otherwise) const {
    if (!holds) {
      raise(error{error_code::unsound_schedule,
                  "pipeline: check: " + (rank_ < 0 ? "" : "rank " + std::to_string(rank_) + ": ") +
                      to_text(what) + ' ' + std::string{otherwise},
                  rank_});
    }
  }

  const plan& plan_;
  bool lowered_;
  int rank_ = -1;
  std::vector<std::uint8_t> done_;
};

}  // namespace detail

/// Refuses a plan that is not whole: something missing, twice, on the wrong rank, or before what
/// its own rank must have done; in a plan with messages also a half without its other half. Whether
/// ranks wait for each other is `prove`'s question. Cost: O(actions).
inline void check(const plan& read) {
  detail::require_fitting("check", read);
  detail::soundness{read}.check();
}

}  // namespace rondo::inline v0_1::pipeline
