// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/contract.hpp>
#include <rondo/schedule/detail/unsound.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>

namespace rondo::inline v0_1::schedule::detail {

/// What a step must keep to that can be seen without any other step.
class step_rules {
 public:
  constexpr step_rules(const table& schedule, const blame& refusing, bool uniform)
      : schedule_{schedule}, blame_{refusing}, uniform_{uniform} {}

  constexpr void check(int rank, std::size_t which) const {
    const step& one = schedule_.row(rank).steps[which];
    if (is_message(one.what) && (one.peer < 0 || one.peer >= schedule_.size || one.peer == rank)) {
      blame_.step(rank, which, one.into.first, "there is no such peer");
    }
    if (one.what == verb::copy || folds(one.what)) {
      check_alike(rank, which, one.into, one.left);
    }
    if (folds(one.what)) {
      check_alike(rank, which, one.into, one.right);
    }
    if ((one.what == verb::send ? one.left : one.into).count == 0) {
      check_place(rank, which, one.what == verb::send ? one.left : one.into);
      if (one.what == verb::copy || folds(one.what)) {
        check_place(rank, which, one.left);
      }
      if (folds(one.what)) {
        check_place(rank, which, one.right);
      }
      return;
    }
    if (one.what == verb::receive_fold) {
      const bool wire_left = one.left.where == region::wire;
      if (wire_left == (one.right.where == region::wire)) {
        blame_.step(rank, which, one.into.first, "exactly one operand must be on the wire");
      }
      check_operand(rank, which, wire_left ? one.right : one.left);
    } else {
      if (one.what != verb::receive) {
        check_operand(rank, which, one.left);
      }
      if (one.what == verb::fold) {
        check_operand(rank, which, one.right);
      }
    }
    if (one.what != verb::send) {
      if (one.into.where != region::output && one.into.where != region::scratch) {
        blame_.step(rank, which, one.into.first, "it writes neither output nor scratch");
      }
      check_bounds(rank, which, one.into, true);
    }
    if (!uniform_ && schedule_.what == collective::all_to_all) {
      check_uneven_exchange(rank, which);
    }
  }

 private:
  /// Where it begins and ends, which readers look up of a run of no chunks, too.
  constexpr void check_place(int rank, std::size_t which, const run& of) const {
    const bool labelled = of.where != region::scratch || !uniform_;
    if (labelled && (of.first < 0 || of.first > schedule_.row(rank).chunks - of.count)) {
      blame_.step(rank, which, of.first, "the run ends outside the vector");
    }
    if (of.where == region::scratch &&
        (of.slot < 0 || of.slot > schedule_.row(rank).slot_count - of.count)) {
      blame_.step(rank, which, of.first, "the run ends outside of scratch");
    }
  }

  constexpr void check_bounds(int rank, std::size_t which, const run& of, bool written) const {
    if (of.count < 0) {
      blame_.step(rank, which, of.first, "it has a run of less than no chunks");
    }
    check_place(rank, which, of);
    if (of.where == region::scratch) {
      return;  // where its label may be any number
    }
    for (int i = 0; i < of.count; ++i) {
      const int chunk = of.first + i;
      if (of.where == region::input &&
          (written || !gives(schedule_.what, rank, schedule_.root, chunk))) {
        blame_.step(rank, which, chunk,
                    written ? "it writes the input" : "it reads input that the caller has not");
      }
      if (of.where == region::output && !gets(schedule_.what, rank, schedule_.root, chunk)) {
        blame_.step(rank, which, chunk, "it uses output that the caller has not");
      }
    }
  }

  constexpr void check_operand(int rank, std::size_t which, const run& of) const {
    if (of.where == region::nothing || of.where == region::wire) {
      blame_.step(rank, which, of.first, "an operand is no memory");
    }
    check_bounds(rank, which, of, false);
  }

  /// Runs that meet in a step have the same size: the same chunks, or as many if all are equal.
  constexpr void check_alike(int rank, std::size_t which, const run& a, const run& b) const {
    if (a.count != b.count || (!uniform_ && a.count > 0 && a.first != b.first)) {
      blame_.step(rank, which, a.first, "its operands are not of one size");
    }
  }

  /// In an all-to-all of uneven chunks only origin and end of a block know its size.
  constexpr void check_uneven_exchange(int rank, std::size_t which) const {
    const step& one = schedule_.row(rank).steps[which];
    const bool sends = one.what == verb::send && one.left == in_input(one.peer);
    const bool receives = one.what == verb::receive && one.into == in_output(one.peer);
    const bool copies =
        one.what == verb::copy && one.left == in_input(rank) && one.into == in_output(rank);
    if (!sends && !receives && !copies) {
      blame_.step(rank, which, one.into.first,
                  "chunks of uneven size may only go straight from input to output");
    }
  }

  const table& schedule_;
  const blame& blame_;
  bool uniform_;
};

}  // namespace rondo::inline v0_1::schedule::detail
