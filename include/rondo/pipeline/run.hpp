// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/pipeline/action.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/detail/executor.hpp>
#include <rondo/pipeline/detail/mail.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/pipeline/stage.hpp>
#include <rondo/version.hpp>

#include <string>

/// Runs a proved plan with the user's own stages.
namespace rondo::inline v0_1::pipeline {

/// What a run tells the rank that made it.
struct run_report {
  ticks finished = 0;  ///< on virtual time: the end of this rank's last action
};

namespace detail {

/// No clock but the wall's.
struct real_time {
  [[nodiscard]] static ticks time(const action&) { return 0; }
  [[nodiscard]] static ticks hop_time(const action&, int, int) { return 0; }
};

/// Refuses a plan that may hang where values are carried on streams.
template <class Comm>
void check_channel(const Comm& comm, const proved& safe) {
  if constexpr (carries_values<Comm>) {
    if (safe.carried_by() != Comm::carries) {
      refuse("pipeline: run: the plan is proved for " + std::string{name_of(safe.carried_by())} +
                 "; ranks that are GPUs take one that is proved for " +
                 std::string{name_of(Comm::carries)},
             comm.rank());
    }
  }
}

}  // namespace detail

/// Runs this rank's row of a proved plan: one step of training, or one batch of serving. Every rank
/// of the communicator calls it, with the same plan. Values of any length may pass between stages:
/// each message tells its length.
///
/// Sends wait for nobody on thread ranks and MPI, whatever the length of messages: there a proof
/// for `mailbox` is enough, and runs as forecast. On communicators that can only send and wait,
/// `rendezvous` is safe. With stages on GPUs, `comm` is `stage_ranks`.
///
/// Order: a stage's calls come in the order of the plan, so that gradients have the same bits as
/// when the stages run one after another on one rank. Errors: an exception of a stage ends the run
/// on all ranks, there with itself, elsewhere as `rank_failure` with its text and rank;
/// `mismatch` if stages disagree about types; `invalid_argument` in a stage of another run on the
/// same communicator. All ranks agree on success before it returns.
///
/// Cost: two messages each way between neighbours per micro-batch and chunk, two per rank at the
/// end. No allocation once a run of this shape has been, but for long messages of which more are
/// under way than ever before; buffers stay with the communicator.
template <class Comm, runnable_stage Stage>
run_report run(Comm& comm, const proved& safe, Stage& stage,
               source_location where = source_location::current()) {
  detail::check_channel(comm, safe);
  const detail::real_time clock{};
  return {detail::executor<Comm, Stage, detail::real_time>{comm, safe.plan(), stage, clock, where}
              .run()};
}

/// The same on virtual time: messages carry a clock, each action takes what the cost model says,
/// and the report tells when this rank ended: at the very tick that `simulate` says.
template <class Comm, runnable_stage Stage, cost_model Model>
run_report run(Comm& comm, const proved& safe, Stage& stage, const Model& virtual_time,
               source_location where = source_location::current()) {
  detail::check_channel(comm, safe);
  return {
      detail::executor<Comm, Stage, Model>{comm, safe.plan(), stage, virtual_time, where}.run()};
}

}  // namespace rondo::inline v0_1::pipeline
