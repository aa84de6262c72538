// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/buffer.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/detail/mail.hpp>
#include <rondo/pipeline/detail/run_memory.hpp>
#include <rondo/pipeline/detail/wire.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

/// Runs a proved plan with the user's own stages.
namespace rondo::inline v0_1::pipeline {

/// Which work a stage is asked for.
struct site {
  int stage = 0;  ///< in the plan's numbering, over all chunks
  int part = 0;   ///< part of the model; `stage`, but for replicas
  int micro_batch = 0;
  int slice = 0;
  bool first = false;  ///< the input is empty: take the micro-batch from where data comes from
  bool last = false;   ///< the result of `forward` goes nowhere; `backward` gets an empty gradient
};

// clang-format off
/// The user's stages of one rank; a rank with several chunks has one object for all of them.
///
///     struct my_stages {
///       using buffer = std::vector<float>;  // passes between stages; made from a count
///       buffer forward(site, buffer input);
///       buffer backward_input(site, buffer output_gradient);  // gradient of the input
///       void backward_weight(site);                           // adds to the weights' gradient
///     };
///
/// or, in place of the last two, `buffer backward(site, buffer output_gradient)` that does both; a
/// plan with split backwards then calls it where the input gradient is due. What a stage needs
/// again it keeps itself, from `forward` to `backward` or `backward_weight`. Optional:
/// `unshard(int stage)`, `reshard(int stage)`, `reduce_gradient(int stage)`.
///
/// Buffers go round: what a stage returns or drops comes back as the input of a later call. An
/// empty input may have room from before; a stage that fills it, and returns what it was given,
/// allocates nothing.
// clang-format on
template <class Stage>
concept runnable_stage = requires(Stage& stage, site where, typename Stage::buffer values) {
  requires std::constructible_from<typename Stage::buffer, std::size_t>;
  { stage.forward(where, std::move(values)) } -> std::same_as<typename Stage::buffer>;
  requires rondo::buffer<typename Stage::buffer>;
};

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

template <class Stage>
inline constexpr bool has_whole_backward = requires(Stage& stage, site where,
                                                    typename Stage::buffer values) {
  stage.backward(where, std::move(values));
};
template <class Stage>
inline constexpr bool has_split_backward = requires(Stage& stage, site where,
                                                    typename Stage::buffer values) {
  stage.backward_input(where, std::move(values));
  stage.backward_weight(where);
};

/// The communicator, when the calls that it has begun have ended: they use what it keeps.
template <class Comm>
[[nodiscard]] Comm& settled(Comm& comm) {
  if constexpr (requires { comm.settle(); }) {
    comm.settle();
  }
  return comm;
}

/// Held while a run is on this rank of a communicator. The outer run's messages would meet those of
/// another one inside a stage.
class only_run {
 public:
  template <class Comm>
  explicit only_run(Comm& comm) : mark_{comm.kept().template get<mark>()} {
    if (mark_.taken) {
      refuse(
          "pipeline: run: called inside a stage of a run on this communicator; give the inner "
          "run a communicator of its own, by split() before the outer one",
          comm.rank());
    }
    mark_.taken = true;
  }
  only_run(const only_run&) = delete;
  only_run& operator=(const only_run&) = delete;
  ~only_run() { mark_.taken = false; }

 private:
  struct mark {
    bool taken = false;
  };
  mark& mark_;
};

/// One rank's part of a run. After a failure it goes on with messages only, which then carry the
/// failure, so that every rank comes to the end of its row.
template <class Comm, class Stage, cost_model Model>
class executor {
  using values = typename Stage::buffer;
  using element = element_of<values>;
  using memory = run_memory<values>;
  static constexpr std::uint64_t type = hash_of(type_name<element>());

 public:
  executor(Comm& comm, const plan& planned, Stage& stage, const Model& model, source_location where)
      : alone_{settled(comm)},
        comm_{comm},
        plan_{planned},
        stage_{stage},
        model_{model},
        where_{where},
        memory_{comm.kept().template get<memory>()},
        mail_{comm, memory_.outgoing, memory_.spare, failed_.text, where} {
    if (comm.size() != planned.ranks()) {
      refuse("pipeline: run: the plan is for " + std::to_string(planned.ranks()) +
                 " ranks, the communicator has " + std::to_string(comm.size()),
             comm.rank());
    }
    memory_.begin(planned, comm.rank());
  }

  run_report run() {
#if defined(__cpp_exceptions)
    try {
      return run_row();
    } catch (const std::exception& thrown) {
      abandon(thrown.what());
      throw;
    }
#else
    return run_row();
#endif
  }

 private:
  run_report run_row() {
    const row& actions = plan_.row_of(comm_.rank());
    for (std::size_t i = 0; i < actions.size(); ++i) {
      const action& what = actions[i];
      if (is_send(what.kind)) {
        send(what);
      } else if (is_receive(what.kind)) {
        receive(what);
      } else if (!failed_) {
        const bool begins = what.with_next && i + 1 < actions.size();
        const bool ends = i > 0 && actions[i - 1].with_next;
        if (!ends) {
          set_clock(what, begins ? &actions[i + 1] : nullptr);
        }
        guarded([&] { compute(what); });
      }
    }
    mail_.post_all();
    const failure_note first = agree(comm_, failed_, where_);
    mail_.sweep();  // all have ended their rows: nothing is under way
    if (own_) {
      std::rethrow_exception(own_);
    }
    if (first) {
      raise(rank_failure{first.rank, "pipeline: run: " + first.text});
    }
    return {now_};
  }

#if defined(__cpp_exceptions)
  /// Peers may be reading what was offered to them. Ends the communicator, which waits for that.
  void abandon(const char* why) noexcept {
    if (memory_.outgoing.empty()) {
      return;
    }
    try {
      static constexpr signature what{"pipeline::run", ""};
      comm_.message(call{&what, 0, -1, where_}, [&](auto& turn) {
        turn.fail(error_code::revoked, comm_.rank(),
                  "rank " + std::to_string(comm_.rank()) + " left pipeline::run: " + why);
      });
    } catch (const std::exception&) {
      // The caller throws what went wrong first.
    }
  }
#endif

  [[nodiscard]] site site_of(const action& what) const {
    return {what.stage, plan_.placement.part_of(what.stage),  what.micro_batch,
            what.slice, plan_.placement.is_first(what.stage), plan_.placement.is_last(what.stage)};
  }

  [[nodiscard]] ticks ready(const action& what) {
    return what.kind == kind::backward_weight || !is_compute(what.kind) ? 0
                                                                        : memory_.input(what).ready;
  }

  void set_clock(const action& what, const action* beside) {
    now_ = (std::max)(now_, ready(what));
    if (beside != nullptr) {
      now_ = (std::max)(now_, ready(*beside)) + pair_time(model_, what, *beside);
    } else {
      now_ += time_of(model_, what);
    }
  }

  /// The input of F, B or I; at the ends of a chain an empty one.
  [[nodiscard]] values take(const action& what) {
    const bool starts = what.kind == kind::forward ? plan_.placement.is_first(what.stage)
                                                   : plan_.placement.is_last(what.stage);
    return starts ? mail_.empty() : mail_.for_stage(std::move(memory_.input(what).payload));
  }

  void compute(const action& what) {
    const site where = site_of(what);
    switch (what.kind) {
      case kind::forward:
        hand_on(what, stage_.forward(where, take(what)));
        return;
      case kind::backward:
      case kind::backward_input:
        hand_on(what, go_back(what, where));
        return;
      case kind::backward_weight:
        if constexpr (has_split_backward<Stage>) {
          stage_.backward_weight(where);
        }
        return;
      default:
        maintain(what);
        return;
    }
  }

  [[nodiscard]] values go_back(const action& what, const site& where) {
    if constexpr (has_split_backward<Stage>) {
      if (what.kind == kind::backward_input || !has_whole_backward<Stage>) {
        values gradient = stage_.backward_input(where, take(what));
        if (what.kind == kind::backward) {
          stage_.backward_weight(where);
        }
        return gradient;
      }
    }
    if constexpr (has_whole_backward<Stage>) {
      return stage_.backward(where, take(what));
    } else {
      refuse(
          "pipeline: run: the plan has backward passes, but the stage has neither backward nor "
          "backward_input and backward_weight");
    }
  }

  void maintain(const action& what) {
    const auto call = [&](auto member, const char* name) {
      if constexpr (requires { member(stage_); }) {
        member(stage_);
      } else {
        refuse("pipeline: run: the plan asks for " + std::string{name} +
               ", which the stage does not have");
      }
    };
    if (what.kind == kind::unshard) {
      call([&](auto& s) -> decltype(s.unshard(0)) { return s.unshard(what.stage); }, "unshard");
    } else if (what.kind == kind::reshard) {
      call([&](auto& s) -> decltype(s.reshard(0)) { return s.reshard(what.stage); }, "reshard");
    } else if (what.kind == kind::reduce_gradient) {
      call([&](auto& s) -> decltype(s.reduce_gradient(0)) { return s.reduce_gradient(what.stage); },
           "reduce_gradient");
    }
  }

  /// Keeps a result for the stage that needs it, here or until it is sent.
  void hand_on(const action& what, values result) {
    const bool ahead = what.kind == kind::forward;
    if (ahead ? plan_.placement.is_last(what.stage) : plan_.placement.is_first(what.stage)) {
      mail_.drop(std::move(result));
      return;
    }
    action next = what;
    next.stage = static_cast<std::int16_t>(ahead ? what.stage + 1 : what.stage - 1);
    const int from = comm_.rank();
    const int to = plan_.placement.rank_of(next.stage);
    const ticks hop = from == to ? 0 : hop_of(model_, what, from, to);
    auto& out = from == to ? memory_.input(next) : memory_.output(what);
    out.payload = std::move(result);
    out.ready = now_ + hop;
  }

  void send(const action& what) {
    const action receive = other_half(what);
    const std::uint64_t number = number_of(receive, plan_.shape);
    const int peer = plan_.placement.rank_of(receive.stage);
    auto& out = memory_.output(what);
    if (failed_) {
      mail_.send(peer, {number, 0, failed_.text.size(), 0, std::int64_t{failed_.rank}}, {});
    } else {
      const header first{number, type, std::size(out.payload), out.ready, std::int64_t{-1}};
      mail_.send(peer, first, std::move(out.payload));
    }
  }

  /// Takes messages of the sender until this one is there.
  void receive(const action& what) {
    const int peer = plan_.placement.rank_of(far_stage(what));
    for (const auto& wanted = memory_.input(what); !wanted.received;) {
      const header first = mail_.receive_header(peer);
      accept(first, peer, what);
    }
  }

  void accept(const header& first, int peer, const action& wanted) {
    const action came = receive_of(first.what, plan_.shape);
    const bool known = came.stage < plan_.placement.stages() &&
                       plan_.placement.rank_of(came.stage) == comm_.rank() &&
                       has_far_stage(came, plan_.placement);
    if (!known || (first.failed < 0 && first.type != type)) {
      raise(mismatch{"pipeline: run: rank " + std::to_string(comm_.rank()) + " expected " +
                         std::string{type_name<element>()} + " for " + to_text(wanted) + ", rank " +
                         std::to_string(peer) +
                         (known ? " sent elements of another type"
                                : " sent another message; do the plans differ?"),
                     peer});
    }
    auto& in = memory_.input(came);
    in.received = true;
    if (first.failed >= 0) {
      failure_note theirs = mail_.receive_failure(peer, first);
      if (!failed_) {
        failed_ = std::move(theirs);
      }
      return;
    }
    in.payload = mail_.receive_values(peer, static_cast<std::size_t>(first.count));
    in.ready = first.ready;
  }

  template <class Work>
  void guarded(const Work& work) {
#if defined(__cpp_exceptions)
    try {
      work();
    } catch (const std::exception& thrown) {
      fail(thrown.what());
    } catch (...) {
      fail("an object that is no std::exception");
    }
#else
    work();
#endif
  }
  void fail(std::string text) {
    own_ = std::current_exception();
    failed_ = {comm_.rank(), excuse(std::move(text))};
  }

  only_run alone_;
  Comm& comm_;
  const plan& plan_;
  Stage& stage_;
  const Model& model_;
  source_location where_;
  memory& memory_;
  failure_note failed_{};
  mail<Comm, values> mail_;
  ticks now_ = 0;
  std::exception_ptr own_{};
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
/// of the communicator calls it, with the same plan. Values of any length may pass between stages,
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
/// same communicator. All ranks agree on success before it returns. Cost:
/// two messages each way between neighbours per micro-batch and chunk, two per rank at the end. No
/// allocation once a run of this shape has been, but for long messages of which more are under way
/// than ever before; buffers stay with the communicator.
template <class Comm, runnable_stage Stage>
run_report run(Comm& comm, const proved& safe, Stage& stage,
               source_location where = source_location::current()) {
  detail::check_channel(comm, safe);
  const detail::real_time clock{};
  return detail::executor<Comm, Stage, detail::real_time>{comm, safe.plan(), stage, clock, where}
      .run();
}

/// The same on virtual time: messages carry a clock, each action takes what the cost model says,
/// and the report tells when this rank ended. It ends to the tick where `simulate` says.
template <class Comm, runnable_stage Stage, cost_model Model>
run_report run(Comm& comm, const proved& safe, Stage& stage, const Model& virtual_time,
               source_location where = source_location::current()) {
  detail::check_channel(comm, safe);
  return detail::executor<Comm, Stage, Model>{comm, safe.plan(), stage, virtual_time, where}.run();
}

}  // namespace rondo::inline v0_1::pipeline
